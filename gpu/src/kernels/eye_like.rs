//! EyeLike: ones on a diagonal, by the kernel of Trilu.

use super::Kernel;
use super::trilu::{Matrices, Part};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered};
use edgewise_core::ops::eye_like::EyeLike;
use edgewise_core::{DType, Result};

pub fn lower(gpu: &Gpu, op: &EyeLike, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = node.output(0).and_then(|fact| fact.dtype()) else { return Ok(None) };
    let Some(one) = one(dtype) else { return Ok(None) };
    let matrices = Matrices::of(gpu, dtype, Part::Diagonal, false);
    Ok(matrices.map(|matrices| Box::new(Lower { matrices, k: op.k, one }) as _))
}

/// The words of a one of that type.
fn one(dtype: DType) -> Option<[u32; 2]> {
    let bits = match dtype {
        DType::F16 => 0x3c00,
        DType::BF16 => 0x3f80,
        DType::F32 => 0x3f80_0000,
        DType::F64 => 0x3ff0_0000_0000_0000,
        DType::Bool => 1,
        dtype if dtype.is_integer() => 1u64,
        _ => return None,
    };
    Some([bits as u32, (bits >> 32) as u32])
}

struct Lower {
    matrices: Matrices,
    k: i64,
    one: [u32; 2],
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        self.matrices.bind(cx, self.k, None, self.one)
    }
}
