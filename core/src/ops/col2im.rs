//! Col2Im: overlapping blocks, one per column, summed back into the image that they came from.
//!
//! Any number of image axes. Numbers of every type.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{Dim, Result};

/// Col2Im.
#[derive(Clone, Debug)]
pub struct Col2Im {
    dilations: Option<Vec<i64>>,
    pads: Option<Vec<i64>>,
    strides: Option<Vec<i64>>,
}

/// How blocks lie along one axis of the image.
#[derive(Clone, Copy, Debug)]
pub struct Along {
    /// The size of the image.
    pub image: usize,
    /// The size of a block.
    pub block: usize,
    /// The distance between a block's elements.
    pub dilation: usize,
    /// The distance between blocks.
    pub stride: usize,
    /// Where the first block begins, before the image.
    pub before: usize,
    /// How many blocks there are.
    pub count: usize,
}

impl Operator for Col2Im {
    fn parse(a: &mut Attrs) -> Result<Col2Im> {
        a.arity(3..=3, 1..=1)?;
        Ok(Col2Im { dilations: a.ints("dilations")?, pads: a.ints("pads")?, strides: a.ints("strides")? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let rank = match cx.dims(1).map(|dims| &dims[..]) {
            Some([rank]) => rank.size(),
            Some(other) => {
                bail!(InvalidModel, "the image's shape must be a list, got a tensor of shape {other:?}")
            }
            None => None,
        };
        let Some(rank) = rank else {
            cx.set_tensor(0, cx.dtype(0)?, None);
            return Ok(());
        };
        let image = match cx.ints(1) {
            Some(image) => image,
            None => cx.unknown_dims(rank)?.into_vec(),
        };
        let block = cx.ints(2).map(|block| block.into_iter().fold(Dim::from(1), |n, d| n * d));
        let (batch, channels) = match (cx.dims(0).map(|dims| &dims[..]), block) {
            (Some([batch, rows, _]), Some(block)) => (batch.clone(), rows.div_floor(&block)),
            (Some([batch, _, _]), None) => (batch.clone(), cx.unknown_dim()),
            (Some(other), _) => bail!(InvalidModel, "expected a tensor of rank 3, got {other:?}"),
            (None, _) => (cx.unknown_dim(), cx.unknown_dim()),
        };
        if let (Some(image), Some(block)) = (cx.known_ints(1), cx.known_ints(2)) {
            let along = self.along(&image, &block)?;
            if let Some([_, rows, columns]) = cx.optional(0).and_then(|fact| fact.shape()).as_deref() {
                check(*rows, *columns, &along)?;
            }
        }
        let dims = [batch, channels].into_iter().chain(image).collect();
        cx.set_tensor(0, cx.dtype(0)?, Some(dims));
        Ok(())
    }
}

impl Col2Im {
    /// How blocks lie along every axis of the image.
    pub fn along(&self, image: &[i64], block: &[i64]) -> Result<Vec<Along>> {
        let n = image.len();
        let given = |name: &str, given: &Option<Vec<i64>>, len: usize, default: i64| match given {
            None => Ok(vec![default; len]),
            Some(given) if given.len() == len => Ok(given.clone()),
            Some(given) => Err(err!(InvalidModel, "{name} must be {len} numbers, got {given:?}")),
        };
        let dilations = given("dilations", &self.dilations, n, 1)?;
        let strides = given("strides", &self.strides, n, 1)?;
        let pads = given("pads", &self.pads, 2 * n, 0)?;
        ensure!(block.len() == n, InvalidModel, "the block {block:?} and the image {image:?} differ in rank");
        // Far from overflow, and far above any image.
        const MOST: i64 = 1 << 31;
        let positive = block.iter().chain(&dilations).chain(&strides).all(|x| (1..MOST).contains(x));
        let sizes = image.iter().chain(&pads).all(|x| (0..MOST).contains(x));
        ensure!(
            positive && sizes,
            InvalidModel,
            "image {image:?}, block {block:?}, dilations {dilations:?}, strides {strides:?} or pads {pads:?} \
             are out of range"
        );
        Ok((0..n)
            .map(|i| {
                let spread = dilations[i].saturating_mul(block[i] - 1) + 1;
                let room = image[i] + pads[i] + pads[n + i] - spread;
                Along {
                    image: image[i] as usize,
                    block: block[i] as usize,
                    dilation: dilations[i] as usize,
                    stride: strides[i] as usize,
                    before: pads[i] as usize,
                    count: if room < 0 { 0 } else { (room / strides[i]) as usize + 1 },
                }
            })
            .collect())
    }
}

/// Refuses columns that are not made of such blocks.
pub fn check(rows: usize, columns: usize, along: &[Along]) -> Result<()> {
    let product = |f: fn(&Along) -> usize| along.iter().try_fold(1usize, |n, a| n.checked_mul(f(a)));
    let (block, count) = (product(|a| a.block), product(|a| a.count));
    let fits = block.is_some_and(|block| rows.is_multiple_of(block)) && count == Some(columns);
    ensure!(
        fits,
        InvalidModel,
        "{rows} rows and {columns} columns are not made of {count:?} blocks of {block:?} elements"
    );
    Ok(())
}
