//! Conv, and FusedConv of com.microsoft, which adds a tensor and an activation.
//!
//! One rule since opset 1; bf16 since 22. The image is N×C×D1×…, the weights are M×C/group×K1×….

use super::fused_activation::FusedActivation;
use super::window::Window;
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// Conv or FusedConv.
#[derive(Clone, Debug)]
pub struct Conv {
    /// Where its windows lie.
    pub windows: ConvWindows,
    /// What the sums go through.
    pub activation: FusedActivation,
    /// Whether the channels of images are the last axis, not the second. No model says so: a rewrite does.
    pub channels_last: bool,
}

impl Operator for Conv {
    fn parse(a: &mut Attrs) -> Result<Conv> {
        let fused = a.op() == "FusedConv";
        a.arity(2..=if fused { 4 } else { 3 }, 1..=1)?;
        let windows = ConvWindows::parse(a)?;
        let activation = if fused { FusedActivation::of_conv(a)? } else { FusedActivation::None };
        Ok(Conv { windows, activation, channels_last: false })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.same_type([0, 1, 2, 3])?;
        let dims = self.windows.output(cx, (0, self.channels_last), 1)?;
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }
}

/// What all convolutions have: a window, and groups of channels that do not see each other.
#[derive(Clone, Debug)]
pub struct ConvWindows {
    /// The window.
    pub window: Window,
    /// How many groups.
    pub groups: usize,
}

impl ConvWindows {
    /// Reads the window and `group`.
    pub fn parse(a: &mut Attrs) -> Result<ConvWindows> {
        let window = Window::parse(a, true)?;
        Ok(ConvWindows { window, groups: groups(a, "group")? })
    }

    /// The dims of the convolution of inputs `x`, whose channels may be last, and `w`; `None` where the rank is
    /// unknown.
    pub fn output(
        &self,
        cx: &mut Infer<'_>,
        (x, channels_last): (usize, bool),
        w: usize,
    ) -> Result<Option<Dims>> {
        match (cx.dims(x), cx.dims(w)) {
            (Some(x), Some(w)) if channels_last && x.len() >= 2 => {
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

    /// The dims of the convolution of an image and weights of those dims.
    pub fn output_dims(&self, x: &[Dim], w: &[Dim]) -> Result<Dims> {
        let ([batch, channels, image @ ..], [outs, depth, kernel @ ..]) = (x, w) else {
            bail!(InvalidModel, "the image and the weights need two axes at least, got {x:?} and {w:?}")
        };
        check_kernel(&self.window, x, w)?;
        let groups = Dim::from(self.groups);
        let known = |d: &Dim| d.known().is_some();
        ensure!(
            !known(channels) || !known(depth) || *channels == depth.clone() * groups.clone(),
            InvalidModel,
            "an image of {channels} channels does not fit {} group(s) of weights for {depth} channels",
            self.groups
        );
        check_multiple(outs, self.groups)?;
        let mut dims = Dims::from_iter([batch.clone(), outs.clone()]);
        dims.extend(self.window.outputs(image, kernel)?);
        Ok(dims)
    }
}

/// The number of groups in an attribute.
pub fn groups(a: &mut Attrs, name: &str) -> Result<usize> {
    let groups = a.int_or(name, 1)?;
    usize::try_from(groups)
        .ok()
        .filter(|&n| n > 0)
        .ok_or_else(|| err!(InvalidModel, "'{name}' must be at least 1, got {groups}"))
}

/// Refuses channels that do not make that many equal groups.
pub fn check_multiple(channels: &Dim, groups: usize) -> Result<()> {
    ensure!(
        channels.known().is_none_or(|n| n % groups as i64 == 0),
        InvalidModel,
        "{channels} channels do not make {groups} equal groups"
    );
    Ok(())
}

/// Refuses weights of another rank than the image, or of another kernel than `kernel_shape` says.
pub fn check_kernel(window: &Window, x: &[Dim], w: &[Dim]) -> Result<()> {
    ensure!(x.len() == w.len(), InvalidModel, "an image of {x:?} and weights of {w:?} differ in rank");
    window.check_rank(x.len() - 2)?;
    for (attr, dim) in window.kernel.iter().zip(&w[2..]) {
        ensure!(
            dim.known().is_none_or(|n| n == *attr),
            InvalidModel,
            "'kernel_shape' is {:?}, but the weights are {w:?}",
            window.kernel
        );
    }
    Ok(())
}
