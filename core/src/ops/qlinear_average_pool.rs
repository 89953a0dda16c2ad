//! QLinearAveragePool and QLinearGlobalAveragePool of com.microsoft: means of u8 or i8 images, quantized
//! again. Zero points may be left out of the first; `channels_last` says that the channels are the last axis.

use super::max_pool::{pooled, spatial};
use super::window::Window;
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{Dim, Result};

/// QLinearAveragePool or QLinearGlobalAveragePool.
#[derive(Clone, Debug)]
pub struct QLinearAveragePool {
    /// Where the windows lie; `None` for one over everything.
    pub window: Option<Window>,
    /// Whether padding counts as zeros.
    pub count_pads: bool,
    /// Whether the channels are the last axis.
    pub channels_last: bool,
}

impl Operator for QLinearAveragePool {
    fn parse(a: &mut Attrs) -> Result<QLinearAveragePool> {
        let channels_last = a.flag("channels_last", false)?;
        if a.op() == "QLinearGlobalAveragePool" {
            a.arity(5..=5, 1..=1)?;
            return Ok(QLinearAveragePool { window: None, count_pads: false, channels_last });
        }
        a.arity(4..=5, 1..=1)?;
        let mut window = Window::parse(a, false)?;
        ensure!(!window.kernel.is_empty(), InvalidModel, "attribute 'kernel_shape' is required");
        window.ceil = a.flag("ceil_mode", false)?;
        let count_pads = a.flag("count_include_pad", false)?;
        Ok(QLinearAveragePool { window: Some(window), count_pads, channels_last })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = match (cx.dims(0), &self.window) {
            (None, _) => None,
            (Some(x), Some(window)) => Some(pooled(window, x, self.channels_last)?),
            (Some(x), None) => {
                let rank = spatial(x, self.channels_last)?.len();
                let mut dims = x.clone();
                let first = if self.channels_last { 1 } else { 2 };
                dims[first..first + rank].fill(Dim::from(1));
                Some(dims)
            }
        };
        cx.set_tensor(0, cx.dtype(0)?, dims);
        Ok(())
    }
}
