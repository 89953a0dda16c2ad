//! MaxPool, AveragePool, LpPool and NhwcMaxPool on the CPU.
//!
//! Sums are kept in f64 and rounded once. Of equal maxima the first one is told; a window with nothing but
//! padding has the lowest number as its maximum, the index -1, and 0 as its mean and norm.

use super::window::{Images, Windows};
use super::{Io, Kernel};
use crate::ops::max_pool::{MaxPool, Pooling, spatial};
use crate::ops::window::Window;
use crate::{DType, Num, Result, View};
use edgewise_simd::Isa;
use edgewise_simd::reduce::{max_byte_cells, max_cells};

impl Kernel for MaxPool {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let images = images(&self.window, x, self.channels_last)?;
        match self.pooling {
            Pooling::Max if images.inner >= 8 && !io.wants(1) && is_vector(x.dtype()) => {
                vector_maxima(io, x, &images)
            }
            Pooling::Max => for_num!(x.dtype(), T => maxima::<T>(self.column_major, io, x, &images)),
            _ => for_float!(x.dtype(), T => self.sums::<T>(io, x, &images)),
        }
    }
}

/// The images of `x` under a window of which the kernel is known.
pub fn images(window: &Window, x: View<'_>, channels_last: bool) -> Result<Images> {
    let kernel: Vec<usize> = window.kernel.iter().map(|&k| k as usize).collect();
    let axes = window.axes(spatial(x.shape(), channels_last)?, &kernel)?;
    let inner = if channels_last { x.shape().last().copied().unwrap_or(1) } else { 1 };
    Ok(Images { windows: Windows::new(axes, false), inner })
}

impl MaxPool {
    fn sums<T: Num>(&self, io: &mut Io<'_>, x: View<'_>, images: &Images) -> Result<()> {
        let (cx, x, y) = (io.context(), x.slice::<T>()?, io.output(0)?.into_slice::<T>()?);
        match self.pooling {
            Pooling::Norm { p } => images.pool(
                cx,
                x,
                y,
                0.0,
                |sum, x, _| sum + power(x.to_f64(), p),
                |sum, _| T::from_f64(root(sum, p)),
            ),
            Pooling::Average { count_pads: true } => images.pool(
                cx,
                x,
                y,
                0.0,
                |sum, x, _| sum + x.to_f64(),
                |sum, pixel| T::from_f64(sum / images.windows.padded_taps(pixel)),
            ),
            _ => images.pool(
                cx,
                x,
                y,
                (0.0, 0u32),
                |(sum, count), x, _| (sum + x.to_f64(), count + 1),
                |(sum, count), _| T::from_f64(sum / f64::from(count.max(1))),
            ),
        }
    }
}

/// Whether [`vector_maxima`] takes that type.
fn is_vector(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::U8 | DType::I8)
}

/// The maxima of all channels of a window at once.
fn vector_maxima(io: &mut Io<'_>, x: View<'_>, images: &Images) -> Result<()> {
    let (cx, isa, y, channels) = (io.context(), Isa::current(), io.output(0)?, images.inner);
    if x.dtype() == DType::F32 {
        return images
            .cells(cx, x.slice()?, y.into_slice()?, |x, cells, y| max_cells(isa, x, cells, channels, y));
    }
    let signed = x.dtype() == DType::I8;
    images.cells(cx, x.bytes(), y.into_units()?, |x, cells, y| {
        max_byte_cells(isa, signed, x, cells, channels, y)
    })
}

/// The maxima, and where they lie, as far as these are wanted.
fn maxima<T: Num>(column_major: bool, io: &mut Io<'_>, x: View<'_>, images: &Images) -> Result<()> {
    let (cx, x) = (io.context(), x.slice::<T>()?);
    if io.wants(0) {
        let y = io.output(0)?.into_slice::<T>()?;
        let fold = |max: T, x: T, _| if x > max || x.is_nan() { x } else { max };
        images.pool(cx, x, y, lowest(), fold, |max, _| max)?;
    }
    if !io.wants(1) {
        return Ok(());
    }
    let y = io.output(1)?.into_slice::<i64>()?;
    let finish = |max: Max<T>, _: usize| max.map_or(-1, |(_, at)| at as i64);
    images.pool(cx, x, y, None, Max::<T>::fold, finish)?;
    // The index counts through the planes before, too.
    let windows = &images.windows;
    for (plane, y) in y.chunks_mut(windows.pixels().max(1)).enumerate() {
        for y in y.iter_mut().filter(|y| **y >= 0) {
            let at = if column_major { windows.column_major(*y as usize) } else { *y as usize };
            *y = (plane * windows.cells() + at) as i64;
        }
    }
    Ok(())
}

/// A maximum and the offset of its cell.
type Max<T> = Option<(T, usize)>;

trait Fold<T> {
    /// With one more cell; the first NaN stays.
    fn fold(self, x: T, at: usize) -> Self;
}

impl<T: Num> Fold<T> for Max<T> {
    fn fold(self, x: T, at: usize) -> Max<T> {
        match self {
            Some((max, _)) if max.is_nan() || !(x > max || x.is_nan()) => self,
            _ => Some((x, at)),
        }
    }
}

/// Below every other number.
pub fn lowest<T: Num>() -> T {
    if T::FLOAT { T::from_f64(f64::NEG_INFINITY) } else { T::LOWEST }
}

/// |x|^p
pub fn power(x: f64, p: f64) -> f64 {
    match p {
        1.0 => x.abs(),
        2.0 => x * x,
        p => x.abs().powf(p),
    }
}

/// The p-th root.
pub fn root(x: f64, p: f64) -> f64 {
    match p {
        1.0 => x,
        2.0 => x.sqrt(),
        p => x.powf(1.0 / p),
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::{map_f32s, run};
    use crate::ops::Attr;

    fn ints(name: &'static str, values: &[i64]) -> (&'static str, Attr) {
        (name, Attr::Ints(values.to_vec()))
    }

    #[test]
    fn the_first_maximum_is_told_and_nan_wins() {
        let x = Tensor::new(&[1, 2, 3], &[5.0, 5.0, 1.0, 2.0, f32::NAN, 3.0]).unwrap();
        let attrs = [ints("kernel_shape", &[2])];
        let y = run(("", "MaxPool", 12), &attrs, &[Some(x.into())], 2).unwrap();
        let max = y[0].tensor().unwrap().slice::<f32>().unwrap();
        assert_eq!(max[..2], [5.0, 5.0]);
        assert!(max[2..].iter().all(|x| x.is_nan()));
        assert_eq!(y[1].tensor().unwrap().slice::<i64>().unwrap(), [0, 1, 4, 4]);
    }

    #[test]
    fn column_major_indices_count_down_the_columns() {
        let x = Tensor::new(&[1, 1, 2, 3], &[0i8, 0, 0, 0, 0, 1]).unwrap();
        let attrs = [ints("kernel_shape", &[2, 3]), ("storage_order", Attr::Int(1))];
        let y = run(("", "MaxPool", 12), &attrs, &[Some(x.into())], 2).unwrap();
        assert_eq!(y[1].tensor().unwrap().slice::<i64>().unwrap(), [5]);
        let x = Tensor::new(&[1, 1, 2, 3], &[0i8, 1, 0, 0, 0, 0]).unwrap();
        let y = run(("", "MaxPool", 12), &attrs, &[Some(x.into())], 2).unwrap();
        assert_eq!(y[1].tensor().unwrap().slice::<i64>().unwrap(), [2]);
    }

    #[test]
    fn a_window_of_padding_alone() {
        let attrs = [ints("kernel_shape", &[1]), ints("pads", &[1, 0])];
        assert_eq!(map_f32s(("", "MaxPool", 12), &attrs, &[1, 1, 1], &[3.0]), [f32::NEG_INFINITY, 3.0]);
        assert_eq!(map_f32s(("", "AveragePool", 11), &attrs, &[1, 1, 1], &[3.0]), [0.0, 3.0]);
        assert_eq!(map_f32s(("", "LpPool", 11), &attrs, &[1, 1, 1], &[-3.0]), [0.0, 3.0]);
    }

    #[test]
    fn an_average_counts_padding_only_where_it_lies_within_the_pads() {
        let attrs = [
            ints("kernel_shape", &[3]),
            ints("strides", &[2]),
            ints("pads", &[1, 0]),
            ("ceil_mode", Attr::Int(1)),
            ("count_include_pad", Attr::Int(1)),
        ];
        // The last window hangs over the end by one cell, which is no padding.
        let y = map_f32s(("", "AveragePool", 19), &attrs, &[1, 1, 3], &[3.0, 6.0, 9.0]);
        assert_eq!(y, [3.0, 7.5]);
    }

    #[test]
    fn bad_kernels_are_refused() {
        let x = || Some(Tensor::new(&[1, 1, 3], &[0f32; 3]).unwrap().into());
        for attrs in [&[][..], &[ints("kernel_shape", &[0])], &[ints("kernel_shape", &[2, 2])]] {
            assert!(run(("", "MaxPool", 12), attrs, &[x()], 1).is_err());
        }
    }
}
