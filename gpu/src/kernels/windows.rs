//! Windows over images, as `common/windows.wgsl` has them.

use super::shared::{Parameters, count};
use edgewise_core::Result;
use edgewise_core::ops::window::Axis;

/// Spatial axes that kernels walk.
pub const MOST_SPATIAL: usize = 3;

/// An image's batch, channels and spatial axes, wherever the channels lie.
pub fn image(shape: &[usize], channels_last: bool) -> Result<(usize, usize, &[usize])> {
    match shape {
        [batch, spatial @ .., channels] if channels_last => Ok((*batch, *channels, spatial)),
        [batch, channels, spatial @ ..] if !channels_last => Ok((*batch, *channels, spatial)),
        _ => Err(err!(InvalidInput, "an image needs two axes at least, got {shape:?}")),
    }
}

/// The `Windows` of those axes, three at most.
pub fn windows(parameters: &mut Parameters, axes: &[Axis]) -> Result<()> {
    ensure!(axes.len() <= MOST_SPATIAL, Internal, "{} spatial axes", axes.len());
    let missing = Axis { input: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, output: 1 };
    let all: Vec<Axis> =
        std::iter::repeat_n(missing, MOST_SPATIAL - axes.len()).chain(axes.iter().copied()).collect();
    let mut put = |size: fn(&Axis) -> usize, product: bool| -> Result<()> {
        let sizes: Vec<usize> = all.iter().map(size).collect();
        let last = if product { count(&sizes) } else { 0 };
        for size in sizes.into_iter().chain([last]) {
            let size = i32::try_from(size);
            let size =
                size.map_err(|_| err!(LimitExceeded, "a window of {all:?} is too large for the GPU"))?;
            parameters.0.push(size as u32);
        }
        Ok(())
    };
    put(|a| a.input, true)?;
    put(|a| a.output, true)?;
    put(|a| a.kernel, true)?;
    put(|a| a.stride, false)?;
    put(|a| a.dilation, false)?;
    put(|a| a.before, false)?;
    put(|a| a.before + a.input + a.after, false)
}
