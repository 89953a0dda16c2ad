//! MeanVarianceNormalization, by the kernel of GroupNormalization.

use super::Kernel;
use super::group_normalization::{Measure, Normalizer};
use super::reduce::Groups;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered};
use edgewise_core::ops::mean_variance_normalization::MeanVarianceNormalization;

/// What is added to the deviation, as in ONNX's defining function.
const LITTLE: f32 = 1e-9;

pub fn lower(gpu: &Gpu, op: &MeanVarianceNormalization, node: &Lowered<'_>) -> Result<Kernel> {
    let normalizer = Normalizer::of(gpu, node, Measure::Root, None);
    Ok(normalizer.map(|normalizer| Box::new(Lower { normalizer, op: op.clone() }) as _))
}

struct Lower {
    normalizer: Normalizer,
    op: MeanVarianceNormalization,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let marked = self.op.reduced(cx.input(0)?.len())?;
        match Groups::of(cx, &marked)? {
            Some(groups) => self.normalizer.bind(cx, &groups, None, LITTLE),
            None => Ok(Bound::nothing()),
        }
    }
}
