//! DFT and STFT: the discrete Fourier transform along one axis, and of the frames of a signal.
//!
//! Signals end in an axis of 1 (real) or 2 (complex). DFT: 17 has `axis` (default 1) as an attribute, 20 as
//! an input (default -2). Both directions; a one-sided spectrum is half of one, and its inverse is real.
//! STFT since 17. Floats of every width.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer, normalize_axis};
use crate::{Dim, Result};

/// DFT.
#[derive(Clone, Debug)]
pub struct Dft {
    /// From spectrum to signal.
    pub inverse: bool,
    /// The spectrum is only its first half and one.
    pub onesided: bool,
    /// The axis while it was an attribute.
    pub axis: Option<i64>,
}

impl Operator for Dft {
    fn parse(a: &mut Attrs) -> Result<Dft> {
        a.arity(1..=3, 1..=1)?;
        Ok(Dft {
            inverse: a.flag("inverse", false)?,
            onesided: a.flag("onesided", false)?,
            axis: if a.version() < 20 { Some(a.int_or("axis", 1)?) } else { None },
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        let Some(dims) = cx.dims(0) else {
            cx.set_tensor(0, dtype, None);
            return Ok(());
        };
        complex_parts(dims)?;
        let axis = match (self.axis, cx.has(2)) {
            (Some(axis), _) => Some(axis),
            (None, false) => Some(-2),
            (None, true) => cx.known_ints(2).and_then(|a| a.first().copied()),
        };
        let mut out: Dims = dims.clone();
        let last = dims.len() - 1;
        out[last] = Dim::from(if self.inverse && self.onesided { 1 } else { 2 });
        match axis {
            None => (0..last).for_each(|i| out[i] = cx.unknown_dim()),
            Some(axis) => {
                let axis = signal_axis(axis, dims.len())?;
                let len = if cx.has(1) {
                    match cx.ints(1).as_deref() {
                        Some([len]) => len.clone(),
                        Some(other) => bail!(InvalidModel, "dft_length must be one number, got {other:?}"),
                        None => cx.unknown_dim(),
                    }
                } else if self.inverse && self.onesided {
                    (dims[axis].clone() - Dim::from(1)) * Dim::from(2)
                } else {
                    dims[axis].clone()
                };
                if let Some(len) = len.known() {
                    ensure!(len > 0, InvalidModel, "a transform must have a positive length, got {len}");
                }
                out[axis] = if self.onesided && !self.inverse { half(&len) } else { len };
            }
        }
        cx.set_tensor(0, dtype, Some(out));
        Ok(())
    }
}

/// STFT.
#[derive(Clone, Debug)]
pub struct Stft {
    /// The spectra are only their first half and one.
    pub onesided: bool,
}

impl Operator for Stft {
    fn parse(a: &mut Attrs) -> Result<Stft> {
        a.arity(2..=4, 1..=1)?;
        Ok(Stft { onesided: a.flag("onesided", true)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        let dims = cx.dims(0);
        if let Some(dims) = dims {
            ensure!(
                dims.len() == 2 || dims.len() == 3 && complex_parts(dims).is_ok(),
                InvalidModel,
                "a signal must be [batch, length, 1 or 2], got {dims:?}"
            );
        }
        let (batch, signal) = match dims {
            Some(dims) => (dims[0].clone(), dims[1].clone()),
            None => (cx.unknown_dim(), cx.unknown_dim()),
        };
        let one = |cx: &Infer<'_>, i: usize| cx.ints(i).and_then(|v| v.first().cloned());
        let len = match (cx.has(3), cx.has(2)) {
            (true, _) => one(cx, 3).unwrap_or_else(|| cx.unknown_dim()),
            (false, true) => cx.dims(2).and_then(|w| w.first().cloned()).unwrap_or_else(|| cx.unknown_dim()),
            (false, false) => signal.clone(),
        };
        let step = one(cx, 1);
        for (what, x) in [("frame_length", Some(&len)), ("frame_step", step.as_ref())] {
            if let Some(x) = x.and_then(Dim::known) {
                ensure!(x > 0, InvalidModel, "{what} must be positive, got {x}");
            }
        }
        if let (Some(len), Some(signal)) = (len.known(), signal.known()) {
            ensure!(len <= signal, InvalidModel, "frames of {len} do not fit into a signal of {signal}");
        }
        let frames = match step {
            Some(step) => (signal - len.clone()).div_floor(&step) + Dim::from(1),
            None => cx.unknown_dim(),
        };
        let bins = if self.onesided { half(&len) } else { len };
        cx.set_tensor(0, dtype, Some(Dims::from_iter([batch, frames, bins, Dim::from(2)])));
        Ok(())
    }
}

fn complex_parts(dims: &[Dim]) -> Result<()> {
    let fits = dims.len() >= 2 && dims[dims.len() - 1].known().is_none_or(|d| d == 1 || d == 2);
    ensure!(fits, InvalidModel, "a signal must end in an axis of 1 or 2, got {dims:?}");
    Ok(())
}

/// The axis counted from the front; it cannot be the last one, which holds the parts of numbers.
pub fn signal_axis(axis: i64, rank: usize) -> Result<usize> {
    let at = normalize_axis(axis, rank)?;
    ensure!(at + 1 < rank, InvalidModel, "axis {axis} holds the parts of complex numbers");
    Ok(at)
}

fn half(len: &Dim) -> Dim {
    len.div_floor(&Dim::from(2)) + Dim::from(1)
}
