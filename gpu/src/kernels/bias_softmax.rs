//! BiasSoftmax: a sum in f32, by the kernel of Add, and the softmax of its rows.

use super::Kernel;
use super::arrange::scratch;
use super::binary::{self, ADD};
use super::cast;
use super::shared::{count, input_type, is_float, ranks_fit};
use super::softmax::Slices;
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand, PipelineId};
use edgewise_core::ops::bias_softmax::BiasSoftmax;
use edgewise_core::ops::softmax::Mode;
use edgewise_core::{DType, Result};

pub fn lower(gpu: &Gpu, op: &BiasSoftmax, node: &Lowered<'_>) -> Result<Kernel> {
    let dtype = input_type(node, 0).filter(|&dtype| is_float(dtype) && input_type(node, 1) == Some(dtype));
    let Some(dtype) = dtype.filter(|_| ranks_fit(node)) else { return Ok(None) };
    Ok(Some(Box::new(Lower {
        wide: (dtype != DType::F32).then(|| cast::pipeline(gpu, dtype, DType::F32)),
        sum: binary::pipeline(gpu, DType::F32, ADD),
        slices: Slices::of(gpu, DType::F32, dtype, Mode::Soft),
        op: op.clone(),
    })))
}

struct Lower {
    /// From a small float.
    wide: Option<PipelineId>,
    sum: PipelineId,
    slices: Slices,
    op: BiasSoftmax,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, bias) = (cx.input(0)?, cx.input(1)?);
        let total = count(&x);
        let mut bound = Bound::nothing();
        if total == 0 {
            return Ok(bound);
        }
        let mut widened = |i: usize, len: usize| -> Result<Operand> {
            let Some(wide) = self.wide else { return Ok(Operand::Input(i)) };
            let to = scratch(&mut bound, 4 * len);
            bound.launches.extend(cast::launch(wide, DType::F32, len, [Operand::Input(i), to.clone()])?);
            Ok(to)
        };
        let (left, right) = (widened(0, total)?, widened(1, count(&bias))?);
        let sums = scratch(&mut bound, 4 * total);
        let buffers = vec![left, right, sums.clone()];
        bound.launches.extend(binary::launch(self.sum, DType::F32, &x, [&x, &bias], 0, buffers)?);
        let row = count(x.get(self.op.axis(x.len())?..).unwrap_or(&[]));
        self.slices.launches(&mut bound, (total, row, 1), sums, 0)?;
        Ok(bound)
    }
}
