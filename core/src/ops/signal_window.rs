//! HannWindow, HammingWindow, BlackmanWindow, MelWeightMatrix: tensors that spectral analysis multiplies by.
//!
//! All since opset 17. They compute in f64 and give any numeric type (f32 by default).

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Dim, Result};

/// The weights of the cosines of no, one and two periods.
pub type Cosines = [f64; 3];

/// HannWindow, HammingWindow or BlackmanWindow.
#[derive(Clone, Debug)]
pub struct SignalWindow {
    /// What it is made of.
    pub cosines: Cosines,
    /// The first element would come again after the last one.
    pub periodic: bool,
    /// The type of the result.
    pub dtype: DType,
}

impl Operator for SignalWindow {
    fn parse(a: &mut Attrs) -> Result<SignalWindow> {
        a.arity(1..=1, 1..=1)?;
        let cosines = match a.op() {
            "HannWindow" => [0.5, -0.5, 0.0],
            "HammingWindow" => [25.0 / 46.0, -21.0 / 46.0, 0.0],
            _ => [0.42, -0.5, 0.08],
        };
        let dtype = a.dtype("output_datatype")?.unwrap_or(DType::F32);
        Ok(SignalWindow { cosines, periodic: a.flag("periodic", true)?, dtype })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let size = one_int(cx, 0, "size")?;
        cx.set_tensor(0, self.dtype, Some(Dims::from_iter([size])));
        Ok(())
    }
}

/// MelWeightMatrix: from the bins of a spectrum to those of the mel scale.
#[derive(Clone, Debug)]
pub struct MelWeightMatrix {
    /// The type of the result.
    pub dtype: DType,
}

impl Operator for MelWeightMatrix {
    fn parse(a: &mut Attrs) -> Result<MelWeightMatrix> {
        a.arity(5..=5, 1..=1)?;
        Ok(MelWeightMatrix { dtype: a.dtype("output_datatype")?.unwrap_or(DType::F32) })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let bins = one_int(cx, 0, "num_mel_bins")?;
        let len = one_int(cx, 1, "dft_length")?;
        let rows = len.div_floor(&Dim::from(2)) + Dim::from(1);
        cx.set_tensor(0, self.dtype, Some(Dims::from_iter([rows, bins])));
        Ok(())
    }
}

/// The one element of input `i`, which must not be negative.
fn one_int(cx: &mut Infer<'_>, i: usize, what: &str) -> Result<Dim> {
    cx.input(i)?;
    match cx.ints(i).as_deref() {
        Some([n]) if n.known().is_none_or(|n| n >= 0) => Ok(n.clone()),
        Some(other) => Err(err!(InvalidModel, "{what} must be one number of at least 0, got {other:?}")),
        None => Ok(cx.unknown_dim()),
    }
}
