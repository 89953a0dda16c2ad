//! MaxPool, AveragePool and LpPool, and NhwcMaxPool of com.microsoft: a number for every window.
//!
//! What a window's padding counts for: nothing for the maximum and the norm; for the average only what
//! `count_include_pad` (7) says. `ceil_mode` and MaxPool's dilations came with 10, the dilations of
//! AveragePool with 19, both of LpPool with 18; MaxPool tells where its maxima lie since 8 and takes bytes
//! since 12; bf16 since 22.

use super::window::Window;
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Dim, Result};

/// What becomes of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pooling {
    /// Its maximum; NaN if it holds one.
    Max,
    /// Its mean.
    Average {
        /// Whether padding counts as zeros.
        count_pads: bool,
    },
    /// The p-norm.
    Norm {
        /// The p.
        p: f64,
    },
}

/// A pool.
#[derive(Clone, Debug)]
pub struct MaxPool {
    /// What becomes of a window.
    pub pooling: Pooling,
    /// Where the windows lie.
    pub window: Window,
    /// Whether indices count through the image's first spatial axis fastest.
    pub column_major: bool,
    /// Whether the channels are the last axis, not the second.
    pub channels_last: bool,
}

impl Operator for MaxPool {
    fn parse(a: &mut Attrs) -> Result<MaxPool> {
        let (version, channels_last) = (a.version(), a.op() == "NhwcMaxPool");
        a.arity(1..=1, 1..=if a.op() == "MaxPool" { 2 } else { 1 })?;
        let (pooling, ceil_since, dilated_since) = match a.op() {
            "AveragePool" => {
                let count_pads = version >= 7 && a.flag("count_include_pad", false)?;
                (Pooling::Average { count_pads }, 10, 19)
            }
            "LpPool" => (Pooling::Norm { p: norm_power(a)? }, 18, 18),
            _ => (Pooling::Max, 10, 10),
        };
        let mut window = Window::parse(a, channels_last || version >= dilated_since)?;
        ensure!(!window.kernel.is_empty(), InvalidModel, "attribute 'kernel_shape' is required");
        window.ceil = (channels_last || version >= ceil_since) && a.flag("ceil_mode", false)?;
        let column_major = a.op() == "MaxPool" && version >= 8 && a.flag("storage_order", false)?;
        Ok(MaxPool { pooling, window, column_major, channels_last })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = cx.dims(0).map(|x| pooled(&self.window, x, self.channels_last)).transpose()?;
        cx.set_tensor(0, cx.dtype(0)?, dims.clone());
        cx.set_tensor(1, DType::I64, dims);
        Ok(())
    }
}

/// The p of LpPool and GlobalLpPool: a float in opset 1, an integer since.
pub fn norm_power(a: &mut Attrs) -> Result<f64> {
    let p = match a.version() {
        1 => a.float_or("p", 2.0)?.into(),
        _ => a.int_or("p", 2)? as f64,
    };
    let positive = p > 0.0;
    ensure!(positive, InvalidModel, "'p' must be positive, got {p}");
    Ok(p)
}

/// The axes of an image: N×C×D1×…, or N×D1×…×C.
pub fn spatial<D>(shape: &[D], channels_last: bool) -> Result<&[D]> {
    match shape {
        [_, image @ .., _] if channels_last => Ok(image),
        [_, _, image @ ..] if !channels_last => Ok(image),
        _ => Err(err!(InvalidModel, "an image needs two axes at least, got {}", shape.len())),
    }
}

/// The dims of an image after its spatial axes went through `window`.
pub fn pooled(window: &Window, x: &[Dim], channels_last: bool) -> Result<Dims> {
    let kernel: Dims = window.kernel.iter().map(|&k| Dim::from(k)).collect();
    let mut dims = Dims::from(x);
    let outputs = window.outputs(spatial(x, channels_last)?, &kernel)?;
    let first = if channels_last { 1 } else { 2 };
    for (dim, output) in dims[first..].iter_mut().zip(outputs) {
        *dim = output;
    }
    Ok(dims)
}
