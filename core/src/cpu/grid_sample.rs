//! GridSample on the CPU: the neighbors of every position and their weights are found once and serve all
//! channels.
//!
//! Positions are computed in f32 (f64 for an f64 grid), so that halves fall where they do elsewhere; sums in
//! f64. What is no number counts as outside.

use super::{Io, Kernel};
use crate::ops::grid_sample::{GridSample, Mode, Padding};
use crate::{DType, Float, Num, Result, View};

impl Kernel for GridSample {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, grid) = (io.input(0)?, io.input(1)?);
        let y = io.output(0)?;
        let (shape, out) = (x.shape(), grid.shape());
        let (dims, places): (&[usize], usize) = (&shape[2..], out[1..out.len() - 1].iter().product());
        let channels = shape[1];
        if y.is_empty() {
            return Ok(());
        }
        let sampler = Sampler { op: self, dims, grid: positions(grid, dims, self.align_corners)? };
        let (block, len) = (dims.iter().product::<usize>(), channels * places);
        if self.mode != Mode::Nearest {
            return for_num!(x.dtype(), T => {
                let x = x.slice::<T>()?;
                io.pool().chunks(y.into_slice::<T>()?, len, |n, y| {
                    sampler.weigh(io, n, places, &x[n * channels * block..][..channels * block], block, y)
                })
            });
        }
        if x.dtype() == DType::Str {
            let x = x.strings()?;
            return io.pool().chunks(y.into_strings()?, len, |n, y| {
                sampler.take(io, n, places, &x[n * channels * block..][..channels * block], block, y)
            });
        }
        for_width!(x.dtype(), T => {
            let x = x.units::<T>();
            io.pool().chunks(y.into_units::<T>()?, len, |n, y| {
                sampler.take(io, n, places, &x[n * channels * block..][..channels * block], block, y)
            })
        })
    }
}

/// The positions in a grid, in elements of the tensor, the outermost axis first.
fn positions(grid: View<'_>, dims: &[usize], align_corners: bool) -> Result<Vec<f64>> {
    let mut positions = Vec::new();
    positions
        .try_reserve_exact(grid.len())
        .map_err(|_| err!(OutOfMemory, "no memory for a grid's positions"))?;
    for_float!(grid.dtype(), T => {
        for place in grid.slice::<T>()?.chunks(dims.len()) {
            for (x, &len) in place.iter().rev().zip(dims) {
                let x = x.map(
                    |x| match align_corners {
                        true => (x + 1.0) / 2.0 * (len as f32 - 1.0),
                        false => ((x + 1.0) * len as f32 - 1.0) / 2.0,
                    },
                    |x| match align_corners {
                        true => (x + 1.0) / 2.0 * (len as f64 - 1.0),
                        false => ((x + 1.0) * len as f64 - 1.0) / 2.0,
                    },
                );
                positions.push(x.to_f64());
            }
        }
        Ok(())
    })?;
    Ok(positions)
}

struct Sampler<'a> {
    op: &'a GridSample,
    dims: &'a [usize],
    grid: Vec<f64>,
}

impl Sampler<'_> {
    /// One batch entry as weighted means: `x` and `y` hold its channels.
    fn weigh<T: Num>(
        &self,
        io: &Io<'_>,
        n: usize,
        places: usize,
        x: &[T],
        block: usize,
        y: &mut [T],
    ) -> Result<()> {
        let mut corners = Vec::new();
        for i in 0..places {
            if i % 1024 == 0 {
                io.check()?;
            }
            self.corners(n * places + i, &mut corners);
            for (x, y) in x.chunks(block).zip(y[i..].iter_mut().step_by(places)) {
                let mean: f64 = corners.iter().map(|&(at, weight)| x[at].to_f64() * weight).sum();
                *y = T::from_f64(if T::FLOAT { mean } else { mean.round_ties_even() });
            }
        }
        Ok(())
    }

    /// One batch entry as nearest elements.
    fn take<T: Clone + Default>(
        &self,
        io: &Io<'_>,
        n: usize,
        places: usize,
        x: &[T],
        block: usize,
        y: &mut [T],
    ) -> Result<()> {
        let mut corners = Vec::new();
        for i in 0..places {
            if i % 1024 == 0 {
                io.check()?;
            }
            self.corners(n * places + i, &mut corners);
            let at = corners.first().map(|&(at, _)| at);
            for (x, y) in x.chunks(block).zip(y[i..].iter_mut().step_by(places)) {
                *y = at.map(|at| x[at].clone()).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Which elements of a channel make up the `i`th position, and their weights.
    fn corners(&self, i: usize, corners: &mut Vec<(usize, f64)>) {
        corners.clear();
        corners.push((0, 1.0));
        for (&x, &len) in self.grid[i * self.dims.len()..].iter().zip(self.dims) {
            let taps = self.taps(x, len);
            let before = std::mem::take(corners);
            for (at, weight) in before {
                let inside = taps.iter().filter_map(|&(i, w)| Some((self.pixel(i, len)?, w)));
                corners.extend(inside.filter(|&(_, w)| w != 0.0).map(|(i, w)| (at * len + i, weight * w)));
            }
        }
    }

    /// The neighbors of a position along one axis, inside or not, and their weights.
    fn taps(&self, x: f64, len: usize) -> smallvec::SmallVec<[(i64, f64); 4]> {
        let (min, max) = self.borders(len);
        let mut x = if self.op.mode == Mode::Nearest { x.round_ties_even() } else { x };
        if !(min..=max).contains(&x) {
            x = match self.op.padding {
                Padding::Zeros => x,
                // The cubic kernel reaches over the border; only its pixels stay there.
                Padding::Border if self.op.mode == Mode::Cubic => x,
                Padding::Border => x.clamp(0.0, len as f64 - 1.0),
                Padding::Reflection => reflect(x, min, max),
            };
        }
        // So far outside that all its neighbors are, too; and no overflow on the way to an integer.
        let far = -8.0;
        let x = if x.is_nan() { far } else { x.clamp(far, len as f64 - far) };
        let first = x.floor();
        let (first, t) = (first as i64, x - first);
        match self.op.mode {
            Mode::Nearest => smallvec::smallvec![(x as i64, 1.0)],
            Mode::Linear => smallvec::smallvec![(first, 1.0 - t), (first + 1, t)],
            Mode::Cubic => (-1..=2).map(|i| (first + i, cubic((t - i as f64).abs()))).collect(),
        }
    }

    /// The element that position `i` of an axis means; `None` where it counts as zero.
    fn pixel(&self, i: i64, len: usize) -> Option<usize> {
        let last = len as i64 - 1;
        if (0..=last).contains(&i) {
            return Some(i as usize);
        }
        let (min, max) = self.borders(len);
        match self.op.padding {
            Padding::Zeros => None,
            Padding::Border => Some(i.clamp(0, last) as usize),
            Padding::Reflection => Some((reflect(i as f64, min, max) as i64).clamp(0, last) as usize),
        }
    }

    fn borders(&self, len: usize) -> (f64, f64) {
        match self.op.align_corners {
            true => (0.0, len as f64 - 1.0),
            false => (-0.5, len as f64 - 0.5),
        }
    }
}

/// `x` thrown back at the borders until it lies between them.
fn reflect(x: f64, min: f64, max: f64) -> f64 {
    let range = max - min;
    if !(range > 0.0 && x.is_finite()) {
        return min;
    }
    let beyond = (if x < min { min - x } else { x - min }) % (2.0 * range);
    if beyond > range { max - (beyond - range) } else { min + beyond }
}

/// The cubic convolution kernel with a = -0.75, at a distance below 2.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.75;
    if x <= 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else {
        ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    fn sample(mode: &str, padding: &str, x: &[f32], at: &[f32]) -> Vec<f32> {
        let x = Tensor::new(&[1, 1, x.len()], x).unwrap();
        let grid = Tensor::new(&[1, at.len(), 1], at).unwrap();
        let attrs = [("mode", Attr::Str(mode.into())), ("padding_mode", Attr::Str(padding.into()))];
        let y = run(("", "GridSample", 20), &attrs, &[Some(x.into()), Some(grid.into())], 1).unwrap();
        y[0].tensor().unwrap().slice::<f32>().unwrap().to_vec()
    }

    const ODD: [f32; 4] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30];

    #[test]
    fn what_is_no_number_or_far_away_counts_as_outside() {
        for mode in ["nearest", "linear", "cubic"] {
            assert_eq!(sample(mode, "zeros", &[1.0, 2.0], &ODD), [0.0; 4]);
            assert_eq!(sample(mode, "border", &[3.0, 3.0], &ODD), [3.0; 4]);
            assert_eq!(sample(mode, "reflection", &[3.0, 3.0], &ODD), [3.0; 4]);
        }
    }

    #[test]
    fn halves_round_to_the_even_index() {
        // Positions 0.5 and 1.5 of three elements.
        assert_eq!(sample("nearest", "zeros", &[1.0, 2.0, 3.0], &[-1.0 / 3.0, 1.0 / 3.0]), [1.0, 3.0]);
    }

    #[test]
    fn the_grid_must_fit() {
        let x = Tensor::new(&[1, 1, 2], &[1f32, 2.0]).unwrap();
        let grid = Tensor::new(&[1, 1, 2], &[0f32, 0.0]).unwrap();
        assert!(run(("", "GridSample", 20), &[], &[Some(x.into()), Some(grid.into())], 1).is_err());
    }
}
