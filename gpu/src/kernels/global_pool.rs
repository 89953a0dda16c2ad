//! GlobalAveragePool, GlobalMaxPool and GlobalLpPool: reductions of an image's axes.

use super::Kernel;
use super::reduce::Reducer;
use super::shared::{input_type, is_float, ranks_fit};
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered};
use edgewise_core::ops::global_pool::GlobalPool;
use edgewise_core::ops::max_pool::Pooling;
use edgewise_core::ops::reduce::Reduction;

pub fn lower(gpu: &Gpu, op: &GlobalPool, node: &Lowered<'_>) -> Result<Kernel> {
    let kind = match op.pooling {
        Pooling::Max => Reduction::ReduceMax,
        Pooling::Average { .. } => Reduction::ReduceMean,
        Pooling::Norm { p: 1.0 } => Reduction::ReduceL1,
        Pooling::Norm { p: 2.0 } => Reduction::ReduceL2,
        Pooling::Norm { .. } => return Ok(None),
    };
    let dtype = input_type(node, 0).filter(|&dtype| is_float(dtype) && ranks_fit(node));
    let Some(dtype) = dtype else { return Ok(None) };
    Ok(Some(Box::new(Lower { reducer: Reducer::of(gpu, dtype, kind), channels_last: op.channels_last })))
}

struct Lower {
    reducer: Reducer,
    channels_last: bool,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let rank = cx.input(0)?.len();
        let channel = if self.channels_last { rank.saturating_sub(1) } else { 1 };
        let marked: Vec<bool> = (0..rank).map(|axis| axis != 0 && axis != channel).collect();
        self.reducer.bind(cx, &marked)
    }
}
