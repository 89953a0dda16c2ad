//! ConvInteger and QLinearConv: convolutions of u8 or i8, less their zero points, summed in i32.
//!
//! Since opset 10. Zero points (and scales) of the weights are one for all or one per output channel.
//! QLinearConv quantizes its result again; that of com.microsoft knows `channels_last` too.

use super::conv::ConvWindows;
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
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
        let dims = match (cx.dims(0), cx.dims(w)) {
            (Some(x), Some(w)) if self.channels_last && x.len() >= 2 => {
                let mut first = x.clone();
                first[1..].rotate_right(1);
                let mut dims: Dims = self.windows.output_dims(&first, w)?;
                dims[1..].rotate_left(1);
                Some(dims)
            }
            _ => self.windows.output(cx, 0, w)?,
        };
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }
}
