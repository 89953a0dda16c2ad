//! LpNormalization, by the kernel of GroupNormalization.

use super::Kernel;
use super::group_normalization::{Measure, Normalizer};
use super::reduce::Groups;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered};
use edgewise_core::ops::lp_normalization::LpNormalization;

pub fn lower(gpu: &Gpu, op: &LpNormalization, node: &Lowered<'_>) -> Result<Kernel> {
    let measure = if op.p == 1 { Measure::Sum } else { Measure::Length };
    let normalizer = Normalizer::of(gpu, node, measure, None);
    Ok(normalizer.map(|normalizer| Box::new(Lower { normalizer, op: op.clone() }) as _))
}

struct Lower {
    normalizer: Normalizer,
    op: LpNormalization,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let rank = cx.input(0)?.len();
        let axis = self.op.axis(rank)?;
        let marked: Vec<bool> = (0..rank).map(|i| i == axis).collect();
        match Groups::of(cx, &marked)? {
            Some(groups) => self.normalizer.bind(cx, &groups, None, 0.0),
            None => Ok(Bound::nothing()),
        }
    }
}
