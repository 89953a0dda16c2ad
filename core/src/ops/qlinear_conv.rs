//! ConvInteger and QLinearConv: convolutions of u8 or i8, less their zero points, summed in i32; and
//! ConvIntegerToFloat, an operator of our own.
//!
//! Since opset 10. Zero points (and scales) of the weights are one for all or one per output channel.
//! QLinearConv quantizes its result again; that of com.microsoft knows `channels_last` too.
//! `edgewise.ConvIntegerToFloat` is to ConvInteger what MatMulIntegerToFloat is to MatMulInteger, and has its
//! inputs: image, weights, their scales, their zero points, and a bias of f32 for each channel. A model that
//! quantizes its images while it runs is rewritten to it.

use super::conv::ConvWindows;
use super::fused_activation::FusedActivation;
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// ConvInteger, QLinearConv or ConvIntegerToFloat.
#[derive(Clone, Debug)]
pub struct QLinearConv {
    /// Where its windows lie.
    pub windows: ConvWindows,
    /// What becomes of the sums.
    pub gives: Gives,
    /// Whether the channels of image and result are the last axis.
    pub channels_last: bool,
}

/// What becomes of the sums of a convolution of integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gives {
    /// ConvInteger: they are the result.
    Sums,
    /// QLinearConv: they are quantized.
    Bytes,
    /// ConvIntegerToFloat: the numbers that they stand for, a bias added, go through this.
    Floats(FusedActivation),
}

impl Gives {
    /// Which inputs are the weights and the zero points of image and weights.
    pub fn places(self) -> [usize; 3] {
        match self {
            Gives::Sums => [1, 2, 3],
            Gives::Bytes => [3, 2, 5],
            Gives::Floats(_) => [1, 4, 5],
        }
    }
}

impl Operator for QLinearConv {
    fn parse(a: &mut Attrs) -> Result<QLinearConv> {
        let (gives, arity) = match a.op() {
            "ConvInteger" => (Gives::Sums, 2..=4),
            "ConvIntegerToFloat" => (Gives::Floats(FusedActivation::of_conv(a)?), 4..=7),
            _ => (Gives::Bytes, 8..=9),
        };
        a.arity(arity, 1..=1)?;
        let channels_last = a.domain() != "" && a.flag("channels_last", false)?;
        Ok(QLinearConv { windows: ConvWindows::parse(a)?, gives, channels_last })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = match self.gives {
            Gives::Sums => DType::I32,
            Gives::Bytes => cx.dtype(7)?,
            Gives::Floats(_) => {
                let scale = cx.dtype(2)?;
                ensure!(scale == DType::F32, InvalidModel, "the scale of the image must be f32, got {scale}");
                scale
            }
        };
        let dims = self.windows.output(cx, (0, self.channels_last), self.gives.places()[0])?;
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }
}
