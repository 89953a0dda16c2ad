//! ConvInteger and QLinearConv: convolutions of u8 or i8, less their zero points, summed in i32.
//!
//! Since opset 10. Zero points (and scales) of the weights are one for all or one per output channel.
//! QLinearConv quantizes its result again; that of com.microsoft knows `channels_last` too.

use super::conv::ConvWindows;
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// ConvInteger or QLinearConv.
#[derive(Clone, Debug)]
pub struct QLinearConv {
    /// Where its windows lie.
    pub windows: ConvWindows,
    /// ConvInteger: the sums are the result.
    pub raw: bool,
    /// Whether the channels of image and result are the last axis.
    pub channels_last: bool,
}

impl Operator for QLinearConv {
    fn parse(a: &mut Attrs) -> Result<QLinearConv> {
        let raw = a.op() == "ConvInteger";
        a.arity(if raw { 2..=4 } else { 8..=9 }, 1..=1)?;
        let channels_last = a.domain() == "com.microsoft" && a.flag("channels_last", false)?;
        Ok(QLinearConv { windows: ConvWindows::parse(a)?, raw, channels_last })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let (w, dtype) = if self.raw { (1, DType::I32) } else { (3, cx.dtype(7)?) };
        let dims = self.windows.output(cx, (0, self.channels_last), w)?;
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }
}
