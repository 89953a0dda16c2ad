//! Resize and Upsample on the CPU.
//!
//! Every axis is resized by itself: for each position of the result a table holds the one source position
//! (nearest), or a span of them with weights. Positions are found in f64, tables once per run.

use super::resample::{Taps, along_axis, fill_outside, gather, narrow_into, widen};
use super::{Io, Kernel};
use crate::ops::resize::{Axis, Coordinates, Mode, Nearest, Resize};
use crate::{DType, Float, Result, Shape, Tensor, View, ViewMut};

impl Kernel for Resize {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let axes = self.plan(io, x.shape())?;
        let shape: Shape = axes.iter().map(|a| a.out).collect();
        let y = io.make(0, x.dtype(), &shape)?;
        if y.is_empty() {
            return Ok(());
        }
        ensure!(!x.is_empty(), InvalidInput, "cannot resize {x:?}, which has no elements, to {shape:?}");
        let regions = self.regions(io, x.rank())?;
        let places: Vec<Vec<f64>> =
            axes.iter().zip(&regions).map(|(a, &r)| self.places(a, r)).collect::<Result<_>>()?;
        let outside: Vec<Vec<bool>> = match self.coordinates {
            Coordinates::TfCropAndResize => axes.iter().zip(&places).map(|(a, p)| outside(a, p)).collect(),
            _ => Vec::new(),
        };
        if self.mode == Mode::Nearest {
            return self.take_nearest(io, x, &axes, &places, &outside, y);
        }
        match x.dtype() {
            DType::F64 | DType::I32 | DType::U32 | DType::I64 | DType::U64 => {
                self.weigh::<f64>(io, x, &axes, &places, &outside, y)
            }
            _ => self.weigh::<f32>(io, x, &axes, &places, &outside, y),
        }
    }
}

impl Resize {
    /// What the axes become, as the inputs say.
    fn plan(&self, io: &Io<'_>, shape: &[usize]) -> Result<Vec<Axis>> {
        if let Some(scales) = &self.fixed_scales {
            return self.by_scales(shape, scales);
        }
        let given = |i| io.optional(i).map(|v| v.filter(|v| !v.is_empty()));
        let (scales, sizes) = (given(self.scales)?, given(self.sizes)?);
        match (scales, sizes) {
            (_, Some(sizes)) => self.by_sizes(shape, &sizes.to_i64s()?),
            (Some(scales), None) => self.by_scales(shape, &scales.to_f32s()?),
            // A scalar has no axes, and so no scales either.
            (None, None) if shape.is_empty() => Ok(Vec::new()),
            (None, None) => Err(err!(InvalidModel, "either scales or sizes must be given")),
        }
    }

    fn regions(&self, io: &Io<'_>, rank: usize) -> Result<Vec<(f64, f64)>> {
        match self.coordinates {
            Coordinates::TfCropAndResize => self.regions_of(&io.input(self.roi)?.to_f32s()?, rank),
            _ => Ok(vec![(0.0, 1.0); rank]),
        }
    }

    /// Start and end of the region of each axis, as the input of that name has them.
    pub fn regions_of(&self, roi: &[f32], rank: usize) -> Result<Vec<(f64, f64)>> {
        let mut regions = vec![(0.0, 1.0); rank];
        let axes = self.axes(rank)?;
        ensure!(
            roi.len() == 2 * axes.len() && roi.iter().all(|x| x.is_finite()),
            InvalidInput,
            "expected a start and an end for each of {} axes, got {roi:?}",
            axes.len()
        );
        for (i, &axis) in axes.iter().enumerate() {
            regions[axis] = (roi[i].into(), roi[axes.len() + i].into());
        }
        Ok(regions)
    }

    /// Where each position of the result lies in the input.
    fn places(&self, axis: &Axis, (start, end): (f64, f64)) -> Result<Vec<f64>> {
        let mut places = Vec::new();
        places
            .try_reserve_exact(axis.out)
            .map_err(|_| err!(OutOfMemory, "no memory for {} positions", axis.out))?;
        places.extend((0..axis.out).map(|i| self.place(axis, (start, end), i as f64)));
        Ok(places)
    }

    fn place(&self, axis: &Axis, (start, end): (f64, f64), x: f64) -> f64 {
        let last = axis.len as f64 - 1.0;
        let half_pixel = axis.unscale(x + 0.5) - 0.5;
        match self.coordinates {
            Coordinates::HalfPixel => half_pixel,
            Coordinates::HalfPixelSymmetric => {
                // What the whole length of the result leaves over, in elements of the input.
                (axis.len as f64 - axis.unscale(axis.out as f64)) / 2.0 + half_pixel
            }
            Coordinates::PytorchHalfPixel if axis.out > 1 => half_pixel,
            Coordinates::PytorchHalfPixel => 0.0,
            Coordinates::Asymmetric => axis.unscale(x),
            Coordinates::TfHalfPixelForNn => axis.unscale(x + 0.5),
            Coordinates::AlignCorners if axis.out > 1 => x * last / (axis.scaled_len() - 1.0),
            Coordinates::AlignCorners => 0.0,
            Coordinates::TfCropAndResize => {
                let place = match axis.out {
                    1 => 0.5 * (start + end) * last,
                    _ => start * last + x * (end - start) * last / (axis.scaled_len() - 1.0),
                };
                // Regions are f32s: what is whole in f32 is meant to be.
                f64::from(place as f32)
            }
        }
    }

    fn nearest(&self, place: f64, axis: &Axis) -> usize {
        let shrinks = axis.numerator < axis.denominator;
        let whole = match self.nearest {
            Nearest::RoundPreferFloor => (place - 0.5).ceil(),
            Nearest::RoundPreferCeil => (place + 0.5).floor(),
            Nearest::Ceil => place.ceil(),
            Nearest::Simple if shrinks => place.ceil(),
            Nearest::Floor | Nearest::Simple => place.floor(),
        };
        (whole.max(0.0) as usize).min(axis.len - 1)
    }

    fn take_nearest(
        &self,
        io: &Io<'_>,
        x: View<'_>,
        axes: &[Axis],
        places: &[Vec<f64>],
        outside: &[Vec<bool>],
        y: ViewMut<'_>,
    ) -> Result<()> {
        let indices: Vec<Vec<usize>> = axes
            .iter()
            .zip(places)
            .map(|(a, places)| places.iter().map(|&p| self.nearest(p, a)).collect())
            .collect();
        if x.dtype() == DType::Str {
            let y = y.into_strings()?;
            gather(io, x.strings()?, x.shape(), &indices, y)?;
            fill_outside(y, outside, &String::new());
            return Ok(());
        }
        let value = self.extrapolated(x.dtype())?;
        for_width!(x.dtype(), T => {
            let y = y.into_units::<T>()?;
            gather(io, x.units::<T>(), x.shape(), &indices, y)?;
            fill_outside(y, outside, &value.view().units::<T>()[0]);
            Ok(())
        })
    }

    /// Weighted means along one axis after the other.
    fn weigh<W: Float>(
        &self,
        io: &Io<'_>,
        x: View<'_>,
        axes: &[Axis],
        places: &[Vec<f64>],
        outside: &[Vec<bool>],
        y: ViewMut<'_>,
    ) -> Result<()> {
        let mut data = widen::<W>(x)?;
        let mut shape = Shape::from(x.shape());
        for (i, (axis, places)) in axes.iter().zip(places).enumerate() {
            if axis.len != axis.out || places.iter().enumerate().any(|(i, &p)| p != i as f64) {
                data = along_axis::<W>(io, data, &mut shape, i, &self.taps(axis, places))?;
            }
        }
        let data = data.view_mut().into_slice::<W>()?;
        fill_outside(data, outside, &W::from_f32(self.extrapolation));
        narrow_into(data, y)
    }

    fn taps(&self, axis: &Axis, places: &[f64]) -> Taps {
        let shrink = if self.antialias { (axis.numerator / axis.denominator).min(1.0) } else { 1.0 };
        let (radius, kernel): (f64, &dyn Fn(f64) -> f64) = match self.mode {
            Mode::Cubic => (2.0, &|x| cubic(x, self.cubic_a)),
            _ => (1.0, &|x: f64| (1.0 - x.abs()).max(0.0)),
        };
        let mut taps = Taps::default();
        for &place in places {
            let weigh = |i: f64| kernel((i - place) * shrink);
            taps.push(place, radius / shrink, axis.len, self.exclude_outside, shrink < 1.0, &weigh);
        }
        taps
    }
}

impl Resize {
    /// What stands where a position lies outside of its axis.
    pub fn extrapolated(&self, dtype: DType) -> Result<Tensor> {
        let mut value = Tensor::zeros(dtype, &[1])?;
        if self.extrapolation != 0.0 {
            narrow_into(&[self.extrapolation], value.view_mut())?;
        }
        Ok(value)
    }

    /// Which positions of the result along an axis lie outside of it, in that region.
    pub fn outside(&self, axis: &Axis, region: (f64, f64)) -> Result<Vec<bool>> {
        match self.coordinates {
            Coordinates::TfCropAndResize => Ok(outside(axis, &self.places(axis, region)?)),
            _ => Ok(vec![false; axis.out]),
        }
    }

    /// From where each position of the result along an axis (of one element at least) takes what, the nearest
    /// one included: the same for every device.
    pub fn spans(&self, axis: &Axis, region: (f64, f64)) -> Result<Taps> {
        let places = self.places(axis, region)?;
        if self.mode == Mode::Nearest {
            return Ok(Taps::single(places.iter().map(|&place| self.nearest(place, axis))));
        }
        Ok(self.taps(axis, &places))
    }
}

impl Axis {
    /// `x` divided by the scale.
    ///
    /// A scale that is given is an f32, so what is whole in f32 is meant to be whole: 1 / 0.1 is 10.
    fn unscale(&self, x: f64) -> f64 {
        let exact = x * self.denominator / self.numerator;
        let rounded = f64::from(exact as f32);
        if self.denominator == 1.0 && rounded.fract() == 0.0 { rounded } else { exact }
    }

    /// The length of the result before it is made whole.
    fn scaled_len(&self) -> f64 {
        f64::from((self.len as f64 * self.numerator / self.denominator) as f32)
    }
}

fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}

/// Which positions of the result come from outside the axis.
fn outside(axis: &Axis, places: &[f64]) -> Vec<bool> {
    places.iter().map(|&p| p < 0.0 || p > (axis.len - 1) as f64).collect()
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor, Value};

    fn resize(attrs: &[(&str, &str)], x: Tensor, scales: &[f32], sizes: &[i64]) -> Result<Value> {
        let attrs: Vec<(&str, Attr)> = attrs.iter().map(|&(k, v)| (k, Attr::Str(v.into()))).collect();
        let scales = Tensor::new(&[scales.len()], scales).unwrap();
        let sizes = Tensor::new(&[sizes.len()], sizes).unwrap();
        let inputs = [Some(x.into()), None, Some(scales.into()), Some(sizes.into())];
        Ok(run(("", "Resize", 19), &attrs, &inputs, 1)?.remove(0))
    }

    fn count(n: usize) -> Tensor {
        Tensor::new(&[n], &(0..n).map(|i| i as f32).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_scale_that_f32_cannot_say_still_hits_whole_positions() {
        let attrs = [("nearest_mode", "floor"), ("coordinate_transformation_mode", "asymmetric")];
        let y = resize(&attrs, count(30), &[0.1], &[]).unwrap();
        assert_eq!(y.tensor().unwrap().slice::<f32>().unwrap(), [0.0, 10.0, 20.0]);
        let y = resize(&attrs, count(10), &[0.7], &[]).unwrap();
        assert_eq!(y.tensor().unwrap().shape(), [7]);
    }

    #[test]
    fn means_of_integers_round_half_to_even() {
        let x = Tensor::new(&[2], &[0u8, 255]).unwrap();
        let attrs = [("mode", "linear"), ("coordinate_transformation_mode", "align_corners")];
        let y = resize(&attrs, x, &[], &[3]).unwrap();
        assert_eq!(y.tensor().unwrap().slice::<u8>().unwrap(), [0, 128, 255]);
    }

    #[test]
    fn infinity_does_not_spoil_a_neighbor_that_weighs_nothing() {
        let x = Tensor::new(&[2], &[1.0, f32::INFINITY]).unwrap();
        let attrs = [("mode", "linear"), ("coordinate_transformation_mode", "align_corners")];
        let y = resize(&attrs, x, &[], &[3]).unwrap();
        assert_eq!(y.tensor().unwrap().slice::<f32>().unwrap(), [1.0, f32::INFINITY, f32::INFINITY]);
    }

    #[test]
    fn empty_results_and_bad_sizes() {
        assert!(resize(&[], count(3), &[], &[0]).unwrap().tensor().unwrap().is_empty());
        assert!(resize(&[], count(0), &[], &[2]).is_err());
        assert!(resize(&[], count(3), &[], &[-1]).is_err());
        assert!(resize(&[], count(3), &[0.0], &[]).is_err());
        assert!(resize(&[], count(3), &[f32::NAN], &[]).is_err());
        assert!(resize(&[], count(3), &[1e30], &[]).is_err());
        assert!(resize(&[], count(3), &[1.0, 1.0], &[]).is_err());
        assert!(resize(&[], count(3), &[], &[]).is_err());
    }

    #[test]
    fn strings_are_taken_whole() {
        let x = Tensor::from_strings(&[2], vec!["a".into(), "b".into()]).unwrap();
        let y = resize(&[], x, &[2.0], &[]).unwrap();
        assert_eq!(y.tensor().unwrap().view().strings().unwrap(), ["a", "a", "b", "b"]);
    }
}
