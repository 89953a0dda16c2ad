//! The reductions of integers and bool, to the bit. The host takes those that go through floats.

use super::Kernel;
use super::arrange::scratch;
use super::cast;
use super::reduce::{Groups, marked, number};
use super::shared::{is_integer, is_wide, kind};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Operand, PipelineId};
use edgewise_core::ops::reduce::{Reduce, Reduction};
use edgewise_core::{DType, Result};
use std::sync::Arc;

pub static SHADER: Shader = shader!("reduce_integer", 1, 1);

pub fn lower(gpu: &Gpu, op: &Arc<Reduce>, dtype: DType) -> Kernel {
    let taken = match op.kind {
        Reduction::ReduceMax | Reduction::ReduceMin => true,
        Reduction::ReduceL1 | Reduction::ReduceMean | Reduction::ReduceProd => dtype != DType::Bool,
        Reduction::ReduceSum | Reduction::ReduceSumSquare => dtype != DType::Bool,
        Reduction::ReduceL2 | Reduction::ReduceLogSum | Reduction::ReduceLogSumExp => false,
    };
    if !taken || !(is_integer(dtype) || is_wide(dtype) || dtype == DType::Bool) {
        return None;
    }
    let pipeline = |alone: bool| {
        let constants = [("KIND", kind(dtype)), ("REDUCTION", number(op.kind)), ("ALONE", alone.into())];
        gpu.pipeline(Variant::new(&SHADER, &constants))
    };
    let pipelines = [pipeline(true), pipeline(false)];
    // Results have 64 bits each, of which the smaller types keep the low ones.
    let narrow = (!is_wide(dtype)).then(|| cast::pipeline(gpu, DType::I64, dtype));
    Some(Box::new(Lower { pipelines, narrow, dtype, op: op.clone() }))
}

struct Lower {
    pipelines: [PipelineId; 2],
    narrow: Option<PipelineId>,
    dtype: DType,
    op: Arc<Reduce>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let mut bound = Bound::nothing();
        let Some(groups) = Groups::of(cx, &marked(&self.op.axes, cx)?)? else { return Ok(bound) };
        let y = match self.narrow {
            Some(_) => scratch(&mut bound, 8 * groups.count),
            None => Operand::Output(0),
        };
        bound.launches.push(groups.launch(self.pipelines, y.clone())?);
        if let Some(narrow) = self.narrow {
            let buffers = [y, Operand::Output(0)];
            bound.launches.extend(cast::launch(narrow, self.dtype, groups.count, buffers)?);
        }
        Ok(bound)
    }

    fn on_host(&self) -> &[usize] {
        &[1]
    }
}
