//! GlobalAveragePool, GlobalMaxPool and GlobalLpPool: one window over the whole of every channel.
//!
//! The same since opset 1, but that GlobalLpPool's `p` became an integer with 2; bf16 since 22.

use super::max_pool::{Pooling, norm_power, spatial};
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{Dim, Result};

/// A global pool.
#[derive(Clone, Debug)]
pub struct GlobalPool {
    /// What becomes of a channel.
    pub pooling: Pooling,
    /// Whether the channels are the last axis, not the second. No model says so: a rewrite does.
    pub channels_last: bool,
}

impl Operator for GlobalPool {
    fn parse(a: &mut Attrs) -> Result<GlobalPool> {
        a.arity(1..=1, 1..=1)?;
        Ok(GlobalPool {
            pooling: match a.op() {
                "GlobalMaxPool" => Pooling::Max,
                "GlobalLpPool" => Pooling::Norm { p: norm_power(a)? },
                _ => Pooling::Average { count_pads: false },
            },
            channels_last: false,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let mut dims = cx.dims(0).cloned();
        if let Some(dims) = &mut dims {
            let axes = spatial(dims, self.channels_last)?.len();
            let first = if self.channels_last { 1 } else { 2 };
            dims[first..first + axes].fill(Dim::from(1));
        }
        cx.set_tensor(0, cx.dtype(0)?, dims);
        Ok(())
    }
}
