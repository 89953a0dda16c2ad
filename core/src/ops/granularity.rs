//! How scales and zero points lie over a quantized tensor: one for all, one per slice along an axis, or one
//! per block along an axis.

use super::Attrs;
use crate::graph::normalize_axis;
use crate::tensor::element_count;
use crate::{Result, Shape};

/// The attributes `axis` and `block_size`.
#[derive(Clone, Copy, Debug)]
pub struct Granularity {
    axis: i64,
    block: usize,
}

/// A quantized tensor's shape, and its scales' that broadcasts to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The tensor's shape, an axis of whole blocks split in two.
    pub shape: Shape,
    /// The scales' shape.
    pub scales: Shape,
    /// The scale of each element, where a last block that is not full leaves no other way.
    picks: Option<Vec<usize>>,
}

impl Granularity {
    /// The axis that several scales lie along; `None` where they lie in blocks.
    pub fn axis(&self) -> Option<i64> {
        (self.block == 0).then_some(self.axis)
    }

    /// The axis that blocks lie along, and their size; `None` where there are no blocks.
    pub fn blocks(&self) -> Option<(i64, usize)> {
        (self.block > 0).then_some((self.axis, self.block))
    }

    /// One scale for all.
    pub fn for_all() -> Granularity {
        Granularity { axis: 1, block: 0 }
    }

    /// The same along another axis.
    pub fn along(&self, axis: usize) -> Granularity {
        Granularity { axis: axis as i64, block: self.block }
    }

    /// Reads the attributes.
    pub fn parse(a: &mut Attrs) -> Result<Granularity> {
        let (axis, block) = (a.int_or("axis", 1)?, a.int_or("block_size", 0)?);
        let block = usize::try_from(block)
            .map_err(|_| err!(InvalidModel, "attribute 'block_size' must not be negative, got {block}"))?;
        Ok(Granularity { axis, block })
    }

    /// How scales of that shape lie over a tensor of the other.
    pub fn layout(&self, x: &[usize], scales: &[usize]) -> Result<Layout> {
        let mut layout = Layout { shape: x.into(), scales: Shape::new(), picks: None };
        if element_count(scales)? == 1 {
            return Ok(layout);
        }
        let axis = normalize_axis(self.axis, x.len())?;
        let wrong = || {
            err!(
                InvalidModel,
                "scales of shape {scales:?} do not fit {x:?} on axis {axis}, block {}",
                self.block
            )
        };
        if self.block == 0 {
            if scales != [x[axis]] {
                return Err(wrong());
            }
            layout.scales.push(x[axis]);
            layout.scales.resize(x.len() - axis, 1);
            return Ok(layout);
        }
        let blocks = x[axis].div_ceil(self.block);
        let fits = |(i, (&x, &s)): (usize, (&usize, &usize))| s == if i == axis { blocks } else { x };
        if x.len() != scales.len() || !x.iter().zip(scales).enumerate().all(fits) {
            return Err(wrong());
        }
        if x[axis].is_multiple_of(self.block) {
            layout.shape.insert(axis, blocks);
            layout.shape[axis + 1] = self.block;
            layout.scales = scales.into();
            layout.scales.insert(axis + 1, 1);
            return Ok(layout);
        }
        let count = element_count(x)?;
        let inner: usize = x[axis + 1..].iter().product();
        let pick = |i: usize| {
            let (outer, along) = (i / inner / x[axis], i / inner % x[axis]);
            (outer * blocks + along / self.block) * inner + i % inner
        };
        layout.picks = Some((0..count).map(pick).collect());
        layout.scales = x.into();
        Ok(layout)
    }
}

impl Layout {
    /// The scales or zero points, as many as the layout's shape for them says.
    pub fn spread<T: Copy>(&self, values: Vec<T>) -> Vec<T> {
        match &self.picks {
            Some(picks) => picks.iter().map(|&i| values[i]).collect(),
            None => values,
        }
    }
}
