//! Resampling along axes: tables of weighted spans, gathering by index, and the conversions around them.

use super::Io;
use crate::{Float, Num, Result, Shape, Tensor, View, ViewMut, strides};

/// For each position of a result: a span of source positions and their weights.
#[derive(Default)]
pub struct Taps {
    /// Where the span starts, and where its weights end.
    spans: Vec<(usize, usize)>,
    weights: Vec<f64>,
}

impl Taps {
    /// One source position for each position of the result.
    pub fn single(positions: impl Iterator<Item = usize>) -> Taps {
        let spans: Vec<(usize, usize)> = positions.zip(1..).collect();
        Taps { weights: vec![1.0; spans.len()], spans }
    }

    /// Where each span starts, and its weights.
    pub fn spans(&self) -> impl Iterator<Item = (usize, &[f64])> {
        let mut begin = 0;
        self.spans.iter().map(move |&(start, end)| {
            let weights = self.weights.get(begin..end).unwrap_or(&[]);
            begin = end;
            (start, weights)
        })
    }

    /// Adds a position of the result that lies at `place` of an axis of `len` (not 0) and takes what is no
    /// farther than `reach`. What lies outside becomes the edge, or nothing with `exclude_outside`.
    pub fn push(
        &mut self,
        place: f64,
        reach: f64,
        len: usize,
        exclude_outside: bool,
        normalize: bool,
        weigh: &dyn Fn(f64) -> f64,
    ) {
        let last = len as f64 - 1.0;
        let begin = self.weights.len();
        let (lowest, highest) = ((place - reach).ceil(), (place + reach).floor());
        // What lies far outside is the edge alone, and needs no walk over it.
        if !(highest >= 0.0 && lowest <= last) {
            self.weights.push(1.0);
            self.spans.push((place.clamp(0.0, last) as usize, self.weights.len()));
            return;
        }
        let start = lowest.clamp(0.0, last) as usize;
        let mut i = lowest;
        while i <= highest {
            let weight = weigh(i);
            let at = i.clamp(0.0, last) as usize - start;
            if self.weights.len() == begin + at {
                self.weights.push(0.0);
            }
            if i.clamp(0.0, last) == i || !exclude_outside {
                self.weights[begin + at] += weight;
            }
            i += 1.0;
        }
        if normalize || exclude_outside {
            let sum: f64 = self.weights[begin..].iter().sum();
            if sum != 0.0 {
                self.weights[begin..].iter_mut().for_each(|w| *w /= sum);
            }
        }
        // Infinity times a weight of 0 would be NaN.
        while self.weights.len() > begin + 1 && self.weights.last() == Some(&0.0) {
            self.weights.pop();
        }
        let zeros = self.weights[begin..].iter().take_while(|&&w| w == 0.0).count();
        let zeros = zeros.min(self.weights.len() - begin - 1);
        self.weights.drain(begin..begin + zeros);
        self.spans.push((start + zeros, self.weights.len()));
    }
}

/// Weighted sums along `axis` of a tensor of `shape`, which becomes that of the result.
pub fn along_axis<W: Float>(
    io: &Io<'_>,
    x: Tensor,
    shape: &mut Shape,
    axis: usize,
    taps: &Taps,
) -> Result<Tensor> {
    let len = std::mem::replace(&mut shape[axis], taps.spans.len());
    let inner: usize = shape[axis + 1..].iter().product();
    let mut y = Tensor::zeros(W::DTYPE, shape)?;
    let x = x.slice::<W>()?;
    let weights: Vec<W> = taps.weights.iter().map(|&w| W::from_f64(w)).collect();
    io.pool().chunks(y.view_mut().into_slice::<W>()?, taps.spans.len() * inner, |outer, y| {
        io.check()?;
        let x = &x[outer * len * inner..][..len * inner];
        let mut begin = 0;
        for (y, &(start, end)) in y.chunks_mut(inner).zip(&taps.spans) {
            for (x, &weight) in x[start * inner..].chunks(inner).zip(&weights[begin..end]) {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = y.add(x.mul(weight));
                }
            }
            begin = end;
        }
        Ok(())
    })?;
    Ok(y)
}

/// Takes, along every axis of `x`, the entries that `indices` name; all must be inside.
pub fn gather<T: Clone + Send + Sync>(
    io: &Io<'_>,
    x: &[T],
    shape: &[usize],
    indices: &[Vec<usize>],
    y: &mut [T],
) -> Result<()> {
    let is_identity = |&i: &usize| indices[i].iter().copied().eq(0..shape[i]);
    // Axes after the last one that changes are copied whole.
    let Some(last) = (0..shape.len()).rev().find(|i| !is_identity(i)) else {
        y.clone_from_slice(x);
        return Ok(());
    };
    let inner: usize = shape[last + 1..].iter().product();
    let strides = strides(shape);
    io.pool().chunks(y, indices[last].len() * inner, |row, y| {
        if row % 64 == 0 {
            io.check()?;
        }
        let mut base = 0;
        let mut rest = row;
        for axis in (0..last).rev() {
            let indices = &indices[axis];
            base += indices[rest % indices.len()] * strides[axis];
            rest /= indices.len();
        }
        for (y, &i) in y.chunks_mut(inner).zip(&indices[last]) {
            y.clone_from_slice(&x[base + i * inner..][..inner]);
        }
        Ok(())
    })
}

/// Sets what lies outside along any axis of a tensor whose axes are as long as their flags.
pub fn fill_outside<T: Clone>(y: &mut [T], outside: &[Vec<bool>], value: &T) {
    let mut inner = 1;
    for flags in outside.iter().rev() {
        if flags.contains(&true) {
            let positions = flags.iter().cycle();
            for (part, _) in y.chunks_mut(inner).zip(positions).filter(|(_, outside)| **outside) {
                part.fill(value.clone());
            }
        }
        inner *= flags.len();
    }
}

/// The numbers of `x` as the type to compute in.
pub fn widen<W: Float>(x: View<'_>) -> Result<Tensor> {
    let mut wide = Tensor::zeros(W::DTYPE, x.shape())?;
    let to = wide.view_mut().into_slice::<W>()?;
    for_num!(x.dtype(), T => {
        to.iter_mut().zip(x.slice::<T>()?).for_each(|(w, &x)| *w = W::from_f64(x.to_f64()));
        Ok(())
    })?;
    Ok(wide)
}

/// Those numbers as the type of `y`; integers round half to even and saturate.
pub fn narrow_into<W: Float>(x: &[W], y: ViewMut<'_>) -> Result<()> {
    for_num!(y.dtype(), T => {
        for (y, x) in y.into_slice::<T>()?.iter_mut().zip(x) {
            let x = x.to_f64();
            *y = T::from_f64(if T::FLOAT { x } else { x.round_ties_even() });
        }
        Ok(())
    })
}
