//! STFT of floats: DFT of the frames of a signal, each times a window.

use super::Kernel;
use super::dft::{Lines, Transform, are_known, number};
use super::shared::input_type;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered};
use edgewise_core::ops::dft::Stft;

pub fn lower(gpu: &Gpu, _: &Stft, node: &Lowered<'_>) -> Result<Kernel> {
    let sizes =
        |i: usize| Some(node.fact(i)?.dims.as_ref()?.iter().map(|dim| dim.size()).collect::<Vec<_>>());
    let (Some(signal), Some(step), true) = (sizes(0), number(node, 1)?, are_known(node, &[1, 3])) else {
        return Ok(None);
    };
    let has_window = node.has(2);
    if has_window && input_type(node, 2) != input_type(node, 0) {
        return Ok(None);
    }
    let size = match (number(node, 3)?, has_window) {
        (Some(size), _) => usize::try_from(size).ok(),
        (None, true) => sizes(2).and_then(|sizes| *sizes.first()?),
        (None, false) => signal.get(1).copied().flatten(),
    };
    let transform = Transform::of(gpu, node, size, &[("WINDOW", has_window.into())])?;
    let (Some(transform), Ok(step)) = (transform, usize::try_from(step)) else { return Ok(None) };
    Ok(Some(Box::new(Lower { transform, step, window: if has_window { 2 } else { 0 } })))
}

struct Lower {
    transform: Transform,
    /// Numbers from one frame to the next.
    step: usize,
    /// The input that is the window, or stands for it.
    window: usize,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let (&[_, signal, ..], &[_, frames, wanted, _]) = (&x[..], &y[..]) else {
            bail!(InvalidModel, "a signal must be [batch, length, 1 or 2], got {x:?}");
        };
        // A signal without parts is real.
        let (size, parts) = (self.transform.size, x.get(2).copied().unwrap_or(1));
        ensure!(size <= signal, InvalidInput, "frames of {size} do not fit into a signal of {signal}");
        if let (2, Some(window)) = (self.window, cx.optional(2)) {
            ensure!(window[..] == [size], InvalidInput, "a window {window:?} for frames of {size}");
        }
        let lines = Lines { given: size, wanted, inner: 1, parts, frames, signal, frame: self.step };
        self.transform.bind(&x, &y, &lines, self.window)
    }

    fn on_host(&self) -> &[usize] {
        &[1, 3]
    }
}
