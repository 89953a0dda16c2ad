//! QLinearConvTranspose, an operator of our own: to ConvTranspose what QLinearConv is to Conv.
//!
//! Inputs are QLinearConv's: image, scale and zero point, weights, their scales and zero points (one for all or
//! one per output channel), scale and zero point of the result, and a bias of i32 that may be left out.
//! Attributes are ConvTranspose's, and `channels_last`. What quantizers write around a ConvTranspose is
//! rewritten to it.

use super::conv_transpose::ConvTranspose;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// Where the weights are among the inputs.
pub const WEIGHTS: usize = 3;

/// QLinearConvTranspose.
#[derive(Clone, Debug)]
pub struct QLinearConvTranspose {
    /// The same of floats.
    pub conv: ConvTranspose,
}

impl Operator for QLinearConvTranspose {
    fn parse(a: &mut Attrs) -> Result<QLinearConvTranspose> {
        a.arity(8..=9, 1..=1)?;
        let channels_last = a.flag("channels_last", false)?;
        let mut conv = ConvTranspose::of(a)?;
        conv.channels_last = channels_last;
        Ok(QLinearConvTranspose { conv })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = self.conv.dims(cx, WEIGHTS)?;
        cx.set_tensor(0, cx.dtype(7)?, dims);
        Ok(())
    }
}
