//! Split: a tensor cut along an axis into as many parts as there are outputs.
//!
//! The sizes of the parts are an attribute before opset 13 and an input from then on (opset 1 had both).
//! Without them the parts are equal; from 18 on (`num_outputs`) the last one may be smaller. Tensors of
//! every type.

use super::carry::carry;
use super::ints::Ints;
use super::{Attrs, Operator};
use crate::cpu::Io;
use crate::graph::{Infer, normalize_axis};
use crate::{Dim, Result, View};

/// Split.
#[derive(Clone, Debug)]
pub struct Split {
    axis: i64,
    sizes: Ints,
    /// Whether the last part may be smaller than the others.
    uneven: bool,
}

impl Operator for Split {
    fn parse(a: &mut Attrs) -> Result<Split> {
        a.arity(1..=2, 1..)?;
        let sizes = match Ints::parse(a, "split", 1, 13)? {
            Ints::Absent if a.has_input(1) => Ints::Input(1),
            sizes => sizes,
        };
        let uneven = a.version() >= 18;
        if uneven && let Some(n) = a.int("num_outputs")? {
            ensure!(
                n == a.output_count() as i64,
                InvalidModel,
                "num_outputs is {n}, but there are {} outputs",
                a.output_count()
            );
        }
        Ok(Split { axis: a.int_or("axis", 0)?, sizes, uneven })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        let Some(dims) = cx.dims(0) else {
            (0..cx.output_count()).for_each(|i| cx.set_tensor(i, dtype, None));
            return Ok(());
        };
        let axis = normalize_axis(self.axis, dims.len())?;
        let sizes = self.parts(cx, &dims[axis])?;
        for i in 0..cx.output_count() {
            let mut part = dims.clone();
            part[axis] = match &sizes {
                Some(sizes) => sizes[i].clone(),
                None => cx.unknown_dim(),
            };
            cx.set_tensor(i, dtype, Some(part));
        }
        carry(self, cx, |i| i == 0)
    }
}

impl Split {
    /// The same of a tensor whose axis `i` lies at `order[i]`.
    pub fn along(&self, order: &[usize]) -> Result<Split> {
        let axis = order[normalize_axis(self.axis, order.len())?] as i64;
        Ok(Split { axis, ..self.clone() })
    }

    /// The axis to cut, of a tensor of that rank.
    pub fn axis(&self, rank: usize) -> Result<usize> {
        normalize_axis(self.axis, rank)
    }

    /// The sizes of the parts of an axis of size `whole`; `None` where they are not known yet.
    fn parts(&self, cx: &mut Infer<'_>, whole: &Dim) -> Result<Option<Vec<Dim>>> {
        if self.sizes.is_absent() {
            return self.equal_parts(whole, cx.output_count()).map(Some);
        }
        let Some(sizes) = self.sizes.symbolic(cx).or_else(|| float_sizes(cx.view(1)?)) else {
            return Ok(None);
        };
        check(&sizes, whole, cx.output_count())?;
        Ok(Some(sizes))
    }

    /// The sizes of the parts while the operator runs.
    pub fn known_parts(&self, io: &Io<'_>, whole: usize) -> Result<Vec<usize>> {
        let (whole, n) = (Dim::from(whole), io.output_count());
        let sizes = match &self.sizes {
            Ints::Absent => self.equal_parts(&whole, n)?,
            Ints::Attr(sizes) => sizes.iter().map(|&size| Dim::from(size)).collect(),
            Ints::Input(i) => {
                let sizes = io.input(*i)?;
                match float_sizes(sizes) {
                    Some(sizes) => sizes,
                    None => sizes.to_i64s()?.into_iter().map(Dim::from).collect(),
                }
            }
        };
        check(&sizes, &whole, n)?;
        Ok(sizes.iter().filter_map(Dim::size).collect())
    }

    fn equal_parts(&self, whole: &Dim, n: usize) -> Result<Vec<Dim>> {
        let count = Dim::from(n);
        if !self.uneven {
            let even = whole.known().is_none_or(|d| d % n as i64 == 0);
            ensure!(even, InvalidModel, "an axis of size {whole} cannot be split into {n} equal parts");
            return Ok(vec![whole.div_floor(&count); n]);
        }
        let part = whole.div_ceil(&count);
        let mut rest = whole.clone();
        let parts = (0..n).map(|_| {
            let this = Dim::smaller(&part, &rest);
            rest = rest.clone() - this.clone();
            this
        });
        Ok(parts.collect())
    }
}

/// Opset 1 gave the sizes as a tensor of the input's type.
fn float_sizes(sizes: View<'_>) -> Option<Vec<Dim>> {
    let floats = sizes.to_f32s().ok().filter(|_| sizes.dtype().is_float())?;
    Some(floats.into_iter().map(|x| Dim::from(x as i64)).collect())
}

fn check(sizes: &[Dim], whole: &Dim, outputs: usize) -> Result<()> {
    ensure!(sizes.len() == outputs, InvalidModel, "there are {} sizes for {outputs} outputs", sizes.len());
    let negative = sizes.iter().any(|d| d.known().is_some_and(|d| d < 0));
    let sum = sizes.iter().fold(Dim::from(0), |sum, d| sum + d.clone());
    let fits = sum.known().zip(whole.known()).is_none_or(|(sum, whole)| sum == whole);
    ensure!(fits && !negative, InvalidModel, "an axis of size {whole} cannot be split into {sizes:?}");
    Ok(())
}
