//! The windows of convolutions and pools: kernel, strides, dilations and padding, and the sizes that come of
//! them.
//!
//! What a reader would get wrong: with `ceil_mode` a last window that would begin in the padding after the
//! image is left out, in every opset version; ONNX states it since 22, runtimes have always done so.

use super::Attrs;
use crate::graph::Dims;
use crate::{Dim, Result};

/// How the padding is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoPad {
    /// From `pads`.
    Explicit,
    /// So that the output is the input divided by the stride; an odd cell goes after the image.
    SameUpper,
    /// The same; an odd cell goes before the image.
    SameLower,
    /// There is none.
    Valid,
}

/// The attributes of a window; empty lists are defaults.
#[derive(Clone, Debug)]
pub struct Window {
    /// The sizes of the kernel; a convolution may leave them to its weights.
    pub kernel: Vec<i64>,
    /// Steps from one output to the next.
    pub strides: Vec<i64>,
    /// Steps from one cell of the kernel to the next.
    pub dilations: Vec<i64>,
    /// Cells before each axis, then cells after each axis.
    pub pads: Vec<i64>,
    /// Whether the padding follows from the sizes.
    pub auto_pad: AutoPad,
    /// Whether a window that hangs over the end counts.
    pub ceil: bool,
}

/// The window along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Cells of the input.
    pub input: usize,
    /// Cells of the kernel.
    pub kernel: usize,
    /// Steps from one output to the next.
    pub stride: usize,
    /// Steps from one cell of the kernel to the next.
    pub dilation: usize,
    /// Padding before the input.
    pub before: usize,
    /// Padding after it.
    pub after: usize,
    /// Cells of the output.
    pub output: usize,
}

/// The largest size, stride, dilation or padding that an axis may have; sums of a few products of two of
/// them fit in an i64.
const LARGEST: i64 = 1 << 30;

impl Window {
    /// Reads `kernel_shape`, `strides`, `pads` and `auto_pad`, and `dilations` where the operator has them.
    pub fn parse(a: &mut Attrs, dilated: bool) -> Result<Window> {
        let mut list = |name: &str, least: i64| -> Result<Vec<i64>> {
            let values = a.ints(name)?.unwrap_or_default();
            let fits = values.iter().all(|v| (least..=LARGEST).contains(v));
            ensure!(fits, InvalidModel, "'{name}' must lie in {least}..={LARGEST}, got {values:?}");
            Ok(values)
        };
        Ok(Window {
            kernel: list("kernel_shape", 1)?,
            strides: list("strides", 1)?,
            pads: list("pads", 0)?,
            dilations: if dilated { list("dilations", 1)? } else { Vec::new() },
            auto_pad: a.choice(
                "auto_pad",
                &[
                    ("NOTSET", AutoPad::Explicit),
                    ("SAME_UPPER", AutoPad::SameUpper),
                    ("SAME_LOWER", AutoPad::SameLower),
                    ("VALID", AutoPad::Valid),
                ],
            )?,
            ceil: false,
        })
    }

    /// Refuses attributes that do not fit an image of `rank` axes.
    pub fn check_rank(&self, rank: usize) -> Result<()> {
        for (name, have, want) in [
            ("kernel_shape", self.kernel.len(), rank),
            ("strides", self.strides.len(), rank),
            ("dilations", self.dilations.len(), rank),
            ("pads", self.pads.len(), 2 * rank),
        ] {
            ensure!(
                have == 0 || have == want,
                InvalidModel,
                "'{name}' must have {want} values for {rank} spatial axes, got {have}"
            );
        }
        Ok(())
    }

    /// Stride and dilation of axis `i`.
    pub fn steps(&self, i: usize) -> (i64, i64) {
        let at = |list: &[i64]| list.get(i).copied().unwrap_or(1);
        (at(&self.strides), at(&self.dilations))
    }

    /// Explicit padding before and after axis `i` of `rank`.
    pub fn pads(&self, i: usize, rank: usize) -> (i64, i64) {
        let at = |i: usize| self.pads.get(i).copied().unwrap_or(0);
        (at(i), at(i + rank))
    }

    /// The sizes of the output, of an image and a kernel of those sizes.
    pub fn outputs(&self, image: &[Dim], kernel: &[Dim]) -> Result<Dims> {
        let rank = image.len();
        self.check_rank(rank)?;
        ensure!(
            kernel.len() == rank,
            InvalidModel,
            "a kernel of {} axes for an image of {rank}",
            kernel.len()
        );
        image.iter().zip(kernel).enumerate().map(|(i, (x, k))| self.output(i, rank, x, k)).collect()
    }

    fn output(&self, i: usize, rank: usize, x: &Dim, kernel: &Dim) -> Result<Dim> {
        let (stride, dilation) = self.steps(i);
        let (stride, one) = (Dim::from(stride), Dim::from(1));
        let span = (kernel.clone() - one.clone()) * Dim::from(dilation) + one.clone();
        let (before, after) = match self.auto_pad {
            AutoPad::SameUpper | AutoPad::SameLower => return Ok(x.div_ceil(&stride)),
            AutoPad::Valid => (0, 0),
            AutoPad::Explicit => self.pads(i, rank),
        };
        let padded = x.clone() + Dim::from(before) + Dim::from(after);
        let room = padded.clone() - span.clone();
        let output = if self.ceil {
            let all = room.div_ceil(&stride) + one.clone();
            // Only where padding and stride together pass the window can one begin after the image.
            match (Dim::from(after) + stride.clone() - span.clone()).known() {
                Some(n) if n <= 0 => all,
                _ => Dim::smaller(&all, &(x.clone() + Dim::from(before)).div_ceil(&stride)),
            }
        } else {
            room.div_floor(&stride) + one
        };
        ensure!(
            output.known().is_none_or(|n| n >= 0),
            InvalidModel,
            "a window of {span} is larger than the padded image of {padded} along spatial axis {i}"
        );
        Ok(output)
    }

    /// Everything about every axis, of an image and a kernel of those sizes.
    pub fn axes(&self, image: &[usize], kernel: &[usize]) -> Result<Vec<Axis>> {
        for &size in image.iter().chain(kernel) {
            ensure!(size as u64 <= LARGEST as u64, LimitExceeded, "a size of {size} is too large here");
        }
        let dims = |sizes: &[usize]| sizes.iter().map(|&d| Dim::from(d)).collect::<Dims>();
        let outputs = self.outputs(&dims(image), &dims(kernel))?;
        let rank = image.len();
        let axis = |(i, output): (usize, &Dim)| {
            let output = output.size().unwrap_or(0);
            let (stride, dilation) = self.steps(i);
            let (stride, dilation) = (stride as usize, dilation as usize);
            let span = (kernel[i].max(1) - 1) * dilation + 1;
            let total = (output.max(1) - 1).saturating_mul(stride).saturating_add(span);
            let total = total.saturating_sub(image[i]);
            let (before, after) = match self.auto_pad {
                AutoPad::Valid => (0, 0),
                AutoPad::SameUpper => (total / 2, total - total / 2),
                AutoPad::SameLower => (total - total / 2, total / 2),
                AutoPad::Explicit => {
                    let (before, after) = self.pads(i, rank);
                    (before as usize, after as usize)
                }
            };
            Axis { input: image[i], kernel: kernel[i], stride, dilation, before, after, output }
        };
        Ok(outputs.iter().enumerate().map(axis).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kernel: i64, stride: i64, pads: [i64; 2], ceil: bool) -> Window {
        Window {
            kernel: vec![kernel],
            strides: vec![stride],
            dilations: vec![],
            pads: pads.into(),
            auto_pad: AutoPad::Explicit,
            ceil,
        }
    }

    fn output(w: &Window, input: usize) -> usize {
        w.axes(&[input], &[w.kernel[0] as usize]).unwrap()[0].output
    }

    #[test]
    fn a_window_that_would_begin_in_the_padding_is_left_out() {
        assert_eq!(output(&window(3, 2, [0, 0], true), 4), 2);
        assert_eq!(output(&window(1, 2, [0, 0], true), 2), 1);
        assert_eq!(output(&window(3, 3, [1, 1], true), 4), 2);
    }

    #[test]
    fn sizes_stay_symbolic() {
        let w = window(3, 2, [1, 1], false);
        let n = Dim::symbol("N");
        let out = w.outputs(std::slice::from_ref(&n), &[Dim::from(3)]).unwrap();
        assert_eq!(out[0].eval(&|_| Some(7)), Some(4));
        let ceil = window(2, 2, [0, 0], true).outputs(&[n], &[Dim::from(2)]).unwrap();
        assert_eq!(ceil[0].eval(&|_| Some(7)), Some(4));
    }

    #[test]
    fn the_odd_cell_goes_where_same_says() {
        for (auto_pad, before) in [(AutoPad::SameUpper, 0), (AutoPad::SameLower, 1)] {
            let w = Window { auto_pad, ..window(2, 1, [0, 0], false) };
            let axis = w.axes(&[5], &[2]).unwrap()[0];
            assert_eq!((axis.output, axis.before, axis.before + axis.after), (5, before, 1));
        }
    }

    #[test]
    fn impossible_windows_are_errors() {
        assert!(window(5, 1, [0, 0], false).axes(&[1], &[5]).is_err());
        assert!(window(5, 1, [0, 0], false).axes(&[9, 9], &[5, 5]).is_err());
    }
}
