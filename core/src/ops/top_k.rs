//! TopK: the `k` largest (or smallest) elements along an axis, and where they are.
//!
//! `k` is an attribute before opset 10 and an input from then on; `largest` and `sorted` joined in 11. Of
//! equal elements the first comes first; NaN counts as larger than everything. The result is always
//! sorted, as `sorted = 0` allows any order. Numbers of every type.

use super::ints::Ints;
use super::{Attrs, Operator};
use crate::graph::{Infer, normalize_axis};
use crate::{DType, Dim, Result};

/// TopK.
#[derive(Clone, Debug)]
pub struct TopK {
    /// Along which axis.
    pub axis: i64,
    /// Whether the largest are looked for.
    pub largest: bool,
    k: Ints,
}

impl Operator for TopK {
    fn parse(a: &mut Attrs) -> Result<TopK> {
        a.arity(1..=2, 2..=2)?;
        let k = if a.version() < 10 {
            let k = a.int("k")?;
            Ints::Attr(vec![a.required("k", k)?])
        } else {
            Ints::Input(1)
        };
        let largest = a.version() < 11 || a.flag("largest", true)?;
        if a.version() >= 11 {
            a.ignore(&["sorted"]);
        }
        Ok(TopK { axis: a.int_or("axis", -1)?, largest, k })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let mut dims = cx.dims(0).cloned();
        if let Some(dims) = &mut dims {
            let axis = normalize_axis(self.axis, dims.len())?;
            let k = match self.k.symbolic(cx).as_deref() {
                Some([k]) => k.clone(),
                Some(other) => bail!(InvalidModel, "k must be one number, got {other:?}"),
                None => cx.unknown_dim(),
            };
            let fits = match (k.known(), dims[axis].known()) {
                (Some(k), Some(d)) => (0..=d).contains(&k),
                (Some(k), None) => k >= 0,
                _ => true,
            };
            ensure!(fits, InvalidModel, "axis {axis} of {dims:?} does not have {k} elements");
            dims[axis] = k;
        }
        cx.set_tensor(0, cx.dtype(0)?, dims.clone());
        cx.set_tensor(1, DType::I64, dims);
        Ok(())
    }
}

impl TopK {
    /// `k` while the operator runs, for an axis of that size.
    pub fn read_k(&self, io: &crate::cpu::Io<'_>, len: usize) -> Result<usize> {
        let k = Dim::from(self.k.read(io)?.unwrap_or_default().first().copied().unwrap_or(0));
        k.size()
            .filter(|&k| k <= len)
            .ok_or_else(|| err!(InvalidInput, "an axis of size {len} does not have {k} elements"))
    }
}
