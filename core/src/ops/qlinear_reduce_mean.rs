//! QLinearReduceMean of com.microsoft: the mean of quantized elements along axes, quantized again.
//!
//! Inputs: tensor, its scale and zero point, scale and zero point of the result. All are u8 or all are i8.

use super::reduce::Axes;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// QLinearReduceMean.
#[derive(Clone, Debug)]
pub struct QLinearReduceMean {
    /// Along which axes.
    pub axes: Axes,
}

impl Operator for QLinearReduceMean {
    fn parse(a: &mut Attrs) -> Result<QLinearReduceMean> {
        a.arity(4..=5, 1..=1)?;
        Ok(QLinearReduceMean { axes: Axes::parse(a, i64::MAX)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = self.axes.dims(cx)?;
        cx.set_tensor(0, cx.dtype(0)?, dims);
        Ok(())
    }
}
