//! ConvTranspose: every input cell spreads the weights over the output.
//!
//! One rule since opset 1; bf16 since 22. The weights are C×M/group×K1×…. `output_shape` (which some
//! exporters write with the batch and the channels) decides the padding; where that would be negative it is
//! zero, and the cells that nothing reaches hold the bias.

use super::conv::{check_kernel, check_multiple, groups};
use super::window::{AutoPad, Axis, Window};
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// ConvTranspose.
#[derive(Clone, Debug)]
pub struct ConvTranspose {
    /// How the weights are spread.
    pub window: Window,
    /// How many groups.
    pub groups: usize,
    output_padding: Vec<i64>,
    output_shape: Vec<i64>,
    /// Whether the channels of images are the last axis, not the second. No model says so: a rewrite does.
    pub channels_last: bool,
}

impl Operator for ConvTranspose {
    fn parse(a: &mut Attrs) -> Result<ConvTranspose> {
        a.arity(2..=3, 1..=1)?;
        ConvTranspose::of(a)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.same_type([0, 1, 2])?;
        let dims = self.dims(cx, 1)?;
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }
}

impl ConvTranspose {
    /// Reads the attributes.
    pub fn of(a: &mut Attrs) -> Result<ConvTranspose> {
        let window = Window::parse(a, true)?;
        let mut sizes = |name: &str| -> Result<Vec<i64>> {
            let sizes = a.ints(name)?.unwrap_or_default();
            let fits = sizes.iter().all(|s| (0..=1 << 30).contains(s));
            ensure!(fits, InvalidModel, "'{name}' must not be negative or huge, got {sizes:?}");
            Ok(sizes)
        };
        let (output_padding, output_shape) = (sizes("output_padding")?, sizes("output_shape")?);
        Ok(ConvTranspose {
            window,
            groups: groups(a, "group")?,
            output_padding,
            output_shape,
            channels_last: false,
        })
    }

    /// The dims of the result, of the image that is input 0 and weights that are input `w`; `None` where the
    /// rank is unknown.
    pub fn dims(&self, cx: &mut Infer<'_>, w: usize) -> Result<Option<Dims>> {
        match (cx.dims(0), cx.dims(w)) {
            (Some(x), Some(w)) if self.channels_last && x.len() >= 2 => {
                let mut first = x.clone();
                first[1..].rotate_right(1);
                let mut dims = self.output_dims(&first, w)?;
                dims[1..].rotate_left(1);
                Ok(Some(dims))
            }
            (Some(x), Some(w)) => self.output_dims(x, w).map(Some),
            (Some(dims), None) | (None, Some(dims)) => {
                Ok(Some((0..dims.len()).map(|_| cx.unknown_dim()).collect()))
            }
            (None, None) => Ok(None),
        }
    }

    /// The same on images with their channels last.
    pub fn on_channels_last(&self) -> ConvTranspose {
        ConvTranspose { channels_last: true, ..self.clone() }
    }

    fn output_dims(&self, x: &[Dim], w: &[Dim]) -> Result<Dims> {
        let ([batch, channels, image @ ..], [depth, outs, kernel @ ..]) = (x, w) else {
            bail!(InvalidModel, "the image and the weights need two axes at least, got {x:?} and {w:?}")
        };
        check_kernel(&self.window, x, w)?;
        check_multiple(channels, self.groups)?;
        ensure!(
            channels.known().is_none() || depth.known().is_none() || channels == depth,
            InvalidModel,
            "an image of {channels} channels does not fit weights for {depth}"
        );
        let rank = image.len();
        let shape = self.output_shape.len();
        ensure!(
            [0, rank, rank + 2].contains(&shape) && [0, rank].contains(&self.output_padding.len()),
            InvalidModel,
            "'output_shape' or 'output_padding' does not fit {rank} spatial axes"
        );
        let mut dims = Dims::from_iter([batch.clone(), outs.clone() * Dim::from(self.groups)]);
        for (i, (x, k)) in image.iter().zip(kernel).enumerate() {
            let (size, _) = self.output(i, rank, x, k);
            ensure!(
                size.known().is_none_or(|n| n >= 0),
                InvalidModel,
                "the padding along spatial axis {i} takes more than there is"
            );
            dims.push(size);
        }
        Ok(dims)
    }

    /// The size of the output along axis `i`, and what it would be without padding.
    fn output(&self, i: usize, rank: usize, x: &Dim, kernel: &Dim) -> (Dim, Dim) {
        let (stride, dilation) = self.window.steps(i);
        let one = Dim::from(1);
        let span = (kernel.clone() - one.clone()) * Dim::from(dilation) + one.clone();
        let more = Dim::from(self.output_padding.get(i).copied().unwrap_or(0));
        let full = Dim::from(stride) * (x.clone() - one) + more + span;
        // With batch and channels in front, the spatial sizes are the last ones.
        let wanted = (self.output_shape.len() + i).checked_sub(rank).and_then(|i| self.output_shape.get(i));
        let size = match (wanted, self.window.auto_pad) {
            (Some(&size), _) => Dim::from(size),
            (None, AutoPad::SameUpper | AutoPad::SameLower) => x.clone() * Dim::from(stride),
            (None, AutoPad::Valid) => full.clone(),
            (None, AutoPad::Explicit) => {
                let (before, after) = self.window.pads(i, rank);
                full.clone() - Dim::from(before) - Dim::from(after)
            }
        };
        (size, full)
    }

    /// Everything about every axis, of an image and weights of those shapes.
    pub fn axes(&self, x: &[usize], w: &[usize]) -> Result<Vec<Axis>> {
        let dims = |shape: &[usize]| shape.iter().map(|&d| Dim::from(d)).collect::<Dims>();
        let (x_dims, w_dims) = (dims(x), dims(w));
        let outputs = self.output_dims(&x_dims, &w_dims)?;
        let rank = x.len() - 2;
        let axis = |i: usize| {
            let (output, full) = self.output(i, rank, &x_dims[i + 2], &w_dims[i + 2]);
            let too_much = (full - output).size().unwrap_or(0);
            let explicit = self.output_shape.is_empty() && self.window.auto_pad == AutoPad::Explicit;
            let before = match self.window.auto_pad {
                _ if explicit => self.window.pads(i, rank).0 as usize,
                AutoPad::SameUpper => too_much / 2,
                _ => too_much - too_much / 2,
            };
            let (stride, dilation) = self.window.steps(i);
            Axis {
                input: x[i + 2],
                kernel: w[i + 2],
                stride: stride as usize,
                dilation: dilation as usize,
                before,
                after: too_much.saturating_sub(before),
                output: outputs[i + 2].size().unwrap_or(0),
            }
        };
        Ok((0..rank).map(axis).collect())
    }
}
