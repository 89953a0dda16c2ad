//! RoiAlign, MaxRoiPool and CropAndResize on the CPU.
//!
//! A region's rows and columns are found by themselves: a sample of a bin is a row sample and a column
//! sample. The maximum in RoiAlign is that of the four weighted neighbors, not of their sum, as everywhere
//! else. Computed in the type that the elements compute in, as rounding decides how many samples there are.

use super::{Io, Kernel};
use crate::ops::rois::Rois;
use crate::{Float, Num, Result, View, ViewMut};

/// More samples than this in one bin mean a broken region.
const MAX_SAMPLES: usize = 1 << 12;

impl Kernel for Rois {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, rois) = (io.input(0)?, io.input(1)?);
        let batches = match self {
            Rois::MaxPool { .. } => rois.to_f32s()?.chunks(5).map(|r| r[0] as i64).collect(),
            _ => io.input(2)?.to_i64s()?,
        };
        let y = io.output(0)?;
        let count = rois.shape()[0];
        ensure!(
            batches.len() == count,
            InvalidInput,
            "{count} regions need as many batch indices, got {}",
            batches.len()
        );
        if let Some(bad) = batches.iter().find(|&&b| b < 0 || b as usize >= x.shape()[0]) {
            bail!(InvalidInput, "batch index {bad} is outside a batch of {}", x.shape()[0]);
        }
        if y.is_empty() {
            return Ok(());
        }
        ensure!(!x.is_empty(), InvalidInput, "{x:?} has no elements to take regions of");
        for_float!(x.dtype(), T => self.all::<T>(io, x, rois, &batches, y))
    }
}

impl Rois {
    fn all<T: Float>(
        &self,
        io: &Io<'_>,
        x: View<'_>,
        rois: View<'_>,
        batches: &[i64],
        y: ViewMut<'_>,
    ) -> Result<()> {
        let [_, channels, height, width] = x.shape()[..] else { bail!(Internal, "rank is not 4") };
        let out = [y.shape()[2], y.shape()[3]];
        let columns = rois.shape()[1];
        let (x, rois) = (x.slice::<T>()?, rois.slice::<T>()?);
        let plane = height * width;
        io.pool().chunks(y.into_slice::<T>()?, channels * out[0] * out[1], |i, y| {
            io.check()?;
            let roi: Vec<T::Wide> = rois[i * columns..][..columns].iter().map(|r| r.widen()).collect();
            let x = &x[batches[i] as usize * channels * plane..][..channels * plane];
            let planes = x.chunks(plane).zip(y.chunks_mut(out[0] * out[1]));
            match self {
                Rois::Align { average, half_pixel, size, sampling_ratio, spatial_scale } => {
                    let region = |start: usize, axis: usize, len: usize| {
                        samples(
                            roi[start],
                            roi[start + 2],
                            *spatial_scale,
                            *half_pixel,
                            *sampling_ratio,
                            size[axis],
                            len,
                        )
                    };
                    let (rows, columns) = (region(1, 0, height)?, region(0, 1, width)?);
                    planes.for_each(|(x, y)| align(x, width, &rows, &columns, *average, y));
                }
                Rois::MaxPool { size, spatial_scale } => {
                    let bins = |start: usize, axis: usize, len: usize| {
                        bins(roi[start], roi[start + 2], *spatial_scale, size[axis], len)
                    };
                    let (rows, columns) = (bins(2, 0, height), bins(1, 1, width));
                    planes.for_each(|(x, y)| max_pool(x, width, &rows, &columns, y));
                }
                Rois::Crop { bilinear, extrapolation } => {
                    let places = |start: usize, axis: usize, len: usize| {
                        places(roi[start], roi[start + 2], *bilinear, out[axis], len)
                    };
                    let (rows, columns) = (places(0, 0, height), places(1, 1, width));
                    let outside = T::from_f32(*extrapolation);
                    planes.for_each(|(x, y)| crop(x, width, &rows, &columns, outside, y));
                }
            }
            Ok(())
        })
    }
}

/// A place between two positions of an axis; `t` is the weight of the second.
#[derive(Clone, Copy)]
struct Between<W> {
    low: usize,
    high: usize,
    t: W,
}

/// RoiAlign: the samples along one axis, bin by bin; `None` lies outside.
fn samples<W: Float>(
    start: W,
    end: W,
    scale: f32,
    half_pixel: bool,
    ratio: usize,
    bins: usize,
    len: usize,
) -> Result<Vec<Vec<Option<Between<W>>>>> {
    let number = |x: f64| W::from_f64(x);
    let offset = number(if half_pixel { 0.5 } else { 0.0 });
    let scaled = |x: W| x.mul(W::from_f32(scale)).sub(offset);
    let start = scaled(start);
    let mut size = scaled(end).sub(start);
    if !half_pixel {
        size = size.max_of(W::one());
    }
    let bin = size.div(number(bins as f64));
    let count = if ratio > 0 { ratio } else { bin.to_f64().ceil().max(0.0) as usize };
    ensure!(
        count <= MAX_SAMPLES,
        LimitExceeded,
        "a bin of {count} samples along an axis has more than {MAX_SAMPLES}"
    );
    let sample = |b: usize, i: usize| {
        let within = number(i as f64 + 0.5).mul(bin).div(number(count as f64));
        let place = start.add(number(b as f64).mul(bin)).add(within);
        if !(place >= number(-1.0) && place <= number(len as f64)) {
            return None;
        }
        let place = place.max_of(W::zero());
        let low = place.to_i64() as usize;
        Some(match low + 1 >= len {
            true => Between { low: len - 1, high: len - 1, t: W::zero() },
            false => Between { low, high: low + 1, t: place.sub(number(low as f64)) },
        })
    };
    Ok((0..bins).map(|b| (0..count).map(|i| sample(b, i)).collect()).collect())
}

fn align<T: Float>(
    x: &[T],
    width: usize,
    rows: &[Vec<Option<Between<T::Wide>>>],
    columns: &[Vec<Option<Between<T::Wide>>>],
    average: bool,
    y: &mut [T],
) {
    let bins = rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
    for (y, (row, column)) in y.iter_mut().zip(bins) {
        let count = row.len() * column.len();
        let pairs = row.iter().flat_map(|r| column.iter().map(move |c| (*r, *c)));
        // The neighbors of a sample, times their weights; zeros where it lies outside.
        let parts = pairs.map(|pair| {
            let (Some(r), Some(c)) = pair else { return [T::Wide::zero(); 4] };
            let (rest_r, rest_c) = (T::Wide::one().sub(r.t), T::Wide::one().sub(c.t));
            let at = |i: usize, j: usize| x[i * width + j].widen();
            [
                rest_r.mul(rest_c).mul(at(r.low, c.low)),
                rest_r.mul(c.t).mul(at(r.low, c.high)),
                r.t.mul(rest_c).mul(at(r.high, c.low)),
                r.t.mul(c.t).mul(at(r.high, c.high)),
            ]
        });
        let value = if average {
            let sum = parts.fold(T::Wide::zero(), |sum, [a, b, c, d]| sum.add(a.add(b).add(c).add(d)));
            sum.div(T::Wide::from_f64(count.max(1) as f64))
        } else {
            parts.flatten().reduce(T::Wide::max_of).unwrap_or(T::Wide::zero())
        };
        *y = T::narrow(value);
    }
}

/// MaxRoiPool: start and end of the bins along one axis.
fn bins<W: Float>(start: W, end: W, scale: f32, bins: usize, len: usize) -> Vec<(usize, usize)> {
    let scaled = |x: W| x.mul(W::from_f32(scale)).to_f64().round();
    let start = scaled(start);
    let size = (scaled(end) - start + 1.0).max(1.0);
    let bin = W::from_f64(size).div(W::from_f64(bins as f64));
    let edge = |i: usize| W::from_f64(i as f64).mul(bin).to_f64();
    let clamp = |x: f64| x.clamp(0.0, len as f64) as usize;
    (0..bins).map(|i| (clamp(edge(i).floor() + start), clamp(edge(i + 1).ceil() + start))).collect()
}

fn max_pool<T: Float>(
    x: &[T],
    width: usize,
    rows: &[(usize, usize)],
    columns: &[(usize, usize)],
    y: &mut [T],
) {
    let bins = rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
    for (y, (&(top, bottom), &(left, right))) in y.iter_mut().zip(bins) {
        let elements = (top..bottom).flat_map(|i| (left..right).map(move |j| x[i * width + j]));
        *y = elements.reduce(T::max_of).unwrap_or(T::zero());
    }
}

/// CropAndResize: the places along one axis; `None` lies outside.
fn places<W: Float>(start: W, end: W, bilinear: bool, out: usize, len: usize) -> Vec<Option<Between<W>>> {
    let number = |x: f64| W::from_f64(x);
    let last = number(len as f64 - 1.0);
    let (start, end) = (start.mul(last), end.mul(last));
    let step = end.sub(start).div(number(out.max(2) as f64 - 1.0));
    let place = |i: usize| match out {
        1 => number(0.5).mul(start.add(end)),
        _ => start.add(number(i as f64).mul(step)),
    };
    let between = |place: W| {
        if !(place >= W::zero() && place <= last) {
            return None;
        }
        let whole = if bilinear { place.to_f64().floor() } else { place.to_f64().round() };
        let t = if bilinear { place.sub(number(whole)) } else { W::zero() };
        Some(Between { low: whole as usize, high: (whole as usize + 1).min(len - 1), t })
    };
    (0..out).map(|i| between(place(i))).collect()
}

fn crop<T: Float>(
    x: &[T],
    width: usize,
    rows: &[Option<Between<T::Wide>>],
    columns: &[Option<Between<T::Wide>>],
    outside: T,
    y: &mut [T],
) {
    let pairs = rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
    for (y, pair) in y.iter_mut().zip(pairs) {
        let (Some(r), Some(c)) = pair else {
            *y = outside;
            continue;
        };
        let at = |i: usize, j: usize| x[i * width + j].widen();
        let mix = |a: T::Wide, b: T::Wide, t: T::Wide| {
            if t == T::Wide::zero() { a } else { a.add(b.sub(a).mul(t)) }
        };
        let top = mix(at(r.low, c.low), at(r.low, c.high), c.t);
        let bottom = mix(at(r.high, c.low), at(r.high, c.high), c.t);
        *y = T::narrow(mix(top, bottom, r.t));
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor, Value};

    fn align(roi: &[f32; 4], batch: i64) -> Result<Vec<Value>> {
        let x = Tensor::new(&[1, 1, 2, 2], &[1f32, 2.0, 3.0, 4.0]).unwrap();
        let roi = Tensor::new(&[1, 4], roi).unwrap();
        let batch = Tensor::new(&[1], &[batch]).unwrap();
        run(("", "RoiAlign", 16), &[], &[Some(x.into()), Some(roi.into()), Some(batch.into())], 1)
    }

    #[test]
    fn broken_regions_neither_panic_nor_run_forever() {
        let one = |roi| align(roi, 0).unwrap()[0].tensor().unwrap().slice::<f32>().unwrap()[0];
        assert_eq!(one(&[2.0, 2.0, 0.0, 0.0]), 0.0);
        assert_eq!(one(&[f32::NAN; 4]), 0.0);
        assert!(align(&[0.0, 0.0, 1e30, 1e30], 0).is_err());
        assert!(align(&[0.0, 0.0, 1.0, 1.0], 1).is_err());
        assert!(align(&[0.0, 0.0, 1.0, 1.0], -1).is_err());
    }

    #[test]
    fn an_empty_bin_of_max_pool_is_zero() {
        let x = Tensor::new(&[1, 1, 1, 2], &[-1f32, -2.0]).unwrap();
        let roi = Tensor::new(&[2, 5], &[0f32, 0.0, 0.0, 1.0, 0.0, 0.0, 9.0, 9.0, 9.0, 9.0]).unwrap();
        let attrs = [("pooled_shape", Attr::Ints(vec![1, 1]))];
        let y = run(("", "MaxRoiPool", 1), &attrs, &[Some(x.into()), Some(roi.into())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [-1.0, 0.0]);
    }
}
