//! QLinearAveragePool and QLinearGlobalAveragePool on the CPU. Sums are exact integers; a window with nothing
//! but padding has the mean 0.

use super::bytes::{Bytes, Rounding, zero_points};
use super::max_pool::images;
use super::{Io, Kernel};
use crate::Result;
use crate::ops::max_pool::spatial;
use crate::ops::qlinear_average_pool::QLinearAveragePool;
use crate::ops::window::{AutoPad, Window};
use edgewise_simd::Isa;
use edgewise_simd::reduce::add_bytes;

impl Kernel for QLinearAveragePool {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, y) = (io.input(0)?, io.output(0)?);
        let (x_scale, y_scale) = (io.input(1)?.scalar_f32()?, io.input(3)?.scalar_f32()?);
        let (x_zero, y_zero) = (zero_points(io, 2, 1, 1)?.at(0), zero_points(io, 4, 1, 1)?.at(0));
        let whole;
        let window = match &self.window {
            Some(window) => window,
            None => {
                whole = over(spatial(x.shape(), self.channels_last)?);
                &whole
            }
        };
        let images = images(window, x, self.channels_last)?;
        let (bytes, rounding) = (Bytes::new(x)?, Rounding::to(y.dtype())?);
        let cells = images.windows.cells();
        if images.windows.is_whole() && images.inner >= 8 && (1..1 << 22).contains(&cells) {
            // One window sees all of an image: bytes are added up channel by channel.
            let (inner, cx) = (images.inner, io.context());
            let factor = x_scale / (y_scale * cells as f32);
            return cx.pool.chunks(y.into_units::<u8>()?, inner, |image, y| {
                cx.check()?;
                let mut sums = vec![x_zero.wrapping_mul(-(cells as i32)); inner];
                for cell in bytes.data[image * cells * inner..][..cells * inner].chunks(inner) {
                    add_bytes(Isa::current(), bytes.signed, cell, &mut sums);
                }
                y.iter_mut().zip(sums).for_each(|(y, sum)| *y = rounding.round(sum as f32 * factor, y_zero));
                Ok(())
            });
        }
        images.pool(
            io.context(),
            bytes.data,
            y.into_units::<u8>()?,
            (0i64, 0u32),
            |(sum, count), x, _| (sum + i64::from(bytes.wide(x) - x_zero), count + 1),
            |(sum, count), pixel| {
                let cells = match count {
                    _ if self.count_pads => images.windows.padded_taps(pixel) as f32,
                    count => count.max(1) as f32,
                };
                rounding.round(sum as f32 * (x_scale / (y_scale * cells)), y_zero)
            },
        )
    }
}

/// One window over all of an image.
pub fn over(image: &[usize]) -> Window {
    Window {
        kernel: image.iter().map(|&d| d.max(1) as i64).collect(),
        strides: Vec::new(),
        dilations: Vec::new(),
        pads: image.iter().map(|_| 0).chain(image.iter().map(|&d| (d == 0) as i64)).collect(),
        auto_pad: AutoPad::Explicit,
        ceil: false,
    }
}
