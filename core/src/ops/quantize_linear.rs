//! QuantizeLinear: real numbers become integers or small floats, in steps of a scale.
//!
//! One scale for all in opset 10, one per slice of `axis` from 13 on, one per block from 21 on. 16- and 4-bit
//! types and `output_dtype` came with 21, f4e2m1 and `precision` with 23, 2 bits with 25; com.microsoft had
//! 16 and 4 bits before. The division is done in the scale's type (in f32 in com.microsoft), or in
//! `precision`.

use super::granularity::Granularity;
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// QuantizeLinear.
#[derive(Clone, Debug)]
pub struct QuantizeLinear {
    /// How scales lie over the tensor.
    pub granularity: Granularity,
    /// 8-bit floats: too large a number becomes the largest one.
    pub saturate: bool,
    /// The type of the quotient, where it is not the scale's.
    pub precision: Option<DType>,
    output: Option<DType>,
}

impl Operator for QuantizeLinear {
    fn parse(a: &mut Attrs) -> Result<QuantizeLinear> {
        a.arity(2..=3, 1..=1)?;
        let precision = named_dtype(a, "precision")?;
        Ok(QuantizeLinear {
            granularity: Granularity::parse(a)?,
            saturate: a.flag("saturate", true)?,
            precision: if a.domain() == "com.microsoft" { Some(DType::F32) } else { precision },
            output: named_dtype(a, "output_dtype")?,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let output = match (self.output, cx.has(2)) {
            (output, true) => {
                let zero = cx.dtype(2)?;
                ensure!(
                    output.is_none_or(|output| output == zero),
                    InvalidModel,
                    "attribute 'output_dtype' says {output:?}, the zero point's type is {zero}"
                );
                zero
            }
            (output, false) => output.unwrap_or(DType::U8),
        };
        check_scales(&self.granularity, cx)?;
        cx.set_tensor(0, output, cx.dims(0).cloned());
        Ok(())
    }
}

/// An attribute that names an element type, or none by 0.
pub(super) fn named_dtype(a: &mut Attrs, name: &str) -> Result<Option<DType>> {
    match a.int_or(name, 0)? {
        0 => Ok(None),
        number => match DType::from_onnx(number) {
            Some(dtype) => Ok(Some(dtype)),
            None => {
                Err(err!(InvalidModel, "attribute '{name}' must be an element type's number, got {number}"))
            }
        },
    }
}

/// Refuses scales that do not fit the tensor, and zero points that do not fit the scales.
pub(super) fn check_scales(granularity: &Granularity, cx: &Infer<'_>) -> Result<()> {
    let Some(scales) = cx.input(1)?.shape() else { return Ok(()) };
    if let Some(zeros) = cx.optional(2).and_then(|fact| fact.shape()) {
        let one = |shape: &[usize]| shape.iter().all(|&d| d == 1);
        ensure!(
            zeros == scales || one(&zeros) && one(&scales),
            InvalidModel,
            "zero points of shape {zeros:?} for scales of shape {scales:?}"
        );
    }
    match cx.input(0)?.shape() {
        Some(x) => granularity.layout(&x, &scales).map(drop),
        None => Ok(()),
    }
}
