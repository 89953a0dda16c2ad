//! CenterCropPad: a tensor brought to the given size along some axes, the middle kept, zeros around.
//!
//! An odd difference leaves, or puts, the extra element at the end. Tensors of every type.

use super::carry::carry;
use super::slice::sliced_axes;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// CenterCropPad.
#[derive(Clone, Debug)]
pub struct CenterCropPad {
    axes: Option<Vec<i64>>,
}

impl Operator for CenterCropPad {
    fn parse(a: &mut Attrs) -> Result<CenterCropPad> {
        a.arity(2..=2, 1..=1)?;
        Ok(CenterCropPad { axes: a.ints("axes")? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let mut dims = cx.dims(0).cloned();
        if let Some(dims) = &mut dims {
            let axes = match &self.axes {
                Some(axes) => sliced_axes(axes, dims.len())?,
                None => (0..dims.len()).collect(),
            };
            let sizes = cx.ints(1);
            let count = sizes.as_ref().map_or(axes.len(), Vec::len);
            ensure!(count == axes.len(), InvalidModel, "there are {count} sizes for {} axes", axes.len());
            for (i, &axis) in axes.iter().enumerate() {
                dims[axis] = match &sizes {
                    Some(sizes) => sizes[i].clone(),
                    None => cx.unknown_dim(),
                };
                let negative = dims[axis].known().is_some_and(|d| d < 0);
                ensure!(!negative, InvalidModel, "the size {} of axis {axis} is negative", dims[axis]);
            }
        }
        cx.set_tensor(0, cx.dtype(0)?, dims);
        carry(self, cx, |i| i == 0)
    }
}
