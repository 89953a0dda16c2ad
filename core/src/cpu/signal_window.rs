//! The windows of spectral analysis and the mel matrix, on the CPU.

use super::{Io, Kernel};
use crate::ops::signal_window::{MelWeightMatrix, SignalWindow};
use crate::{Num, Result};
use std::f64::consts::PI;

impl Kernel for SignalWindow {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let size = size(io, 0)?;
        let y = io.make(0, self.dtype, &[size])?;
        // A window of one element has no period.
        let period = (if self.periodic { size } else { size.saturating_sub(1) }) as f64;
        for_num!(self.dtype, T => {
            for (i, y) in y.into_slice::<T>()?.iter_mut().enumerate() {
                let turn = if period == 0.0 { PI } else { 2.0 * PI * i as f64 / period };
                let [a, b, c] = self.cosines;
                *y = T::from_f64(a + b * turn.cos() + c * (2.0 * turn).cos());
            }
            Ok(())
        })
    }
}

impl Kernel for MelWeightMatrix {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (columns, len) = (size(io, 0)?, size(io, 1)?);
        let rate = io.input(2)?.scalar_i64()?;
        let (low, high) = (io.input(3)?.scalar_f32()?, io.input(4)?.scalar_f32()?);
        let rows = len / 2 + 1;
        let bins = mel_bins(columns, len, rate, low.into(), high.into())?;
        let y = io.make(0, self.dtype, &[rows, columns])?;
        for_num!(self.dtype, T => {
            let y = y.into_slice::<T>()?;
            for (column, edges) in bins.windows(3).enumerate() {
                triangle([edges[0], edges[1], edges[2]], |row, weight| {
                    let row = usize::try_from(row).ok().filter(|&row| row < rows).ok_or_else(|| {
                        err!(InvalidInput, "mel bin {column} reaches outside a spectrum of {rows} bins")
                    })?;
                    y[row * columns + column] = T::from_f64(weight);
                    Ok(())
                })?;
            }
            Ok(())
        })
    }
}

fn size(io: &Io<'_>, i: usize) -> Result<usize> {
    let n = io.input(i)?.scalar_i64()?;
    usize::try_from(n).map_err(|_| err!(InvalidInput, "a size must not be negative, got {n}"))
}

/// The bins of the spectrum at which the triangles begin, peak and end.
fn mel_bins(columns: usize, len: usize, rate: i64, low: f64, high: f64) -> Result<Vec<i64>> {
    ensure!(rate > 0, InvalidInput, "the sample rate must be positive, got {rate}");
    let mel = |hertz: f64| 2595.0 * (1.0 + hertz / 700.0).log10();
    let hertz = |mel: f64| 700.0 * (10f64.powf(mel / 2595.0) - 1.0);
    let count = columns.saturating_add(2);
    let step = (mel(high) - mel(low)) / count as f64;
    let mut bins = Vec::new();
    bins.try_reserve_exact(count).map_err(|_| err!(OutOfMemory, "no memory for {count} mel bins"))?;
    let bin = |i: usize| ((len as f64 + 1.0) * hertz(mel(low) + i as f64 * step) / rate as f64).floor();
    bins.extend((0..count).map(|i| bin(i) as i64));
    Ok(bins)
}

/// The weights of a triangle; stops at the first error.
fn triangle([start, peak, end]: [i64; 3], mut set: impl FnMut(i64, f64) -> Result<()>) -> Result<()> {
    if start == peak {
        set(peak, 1.0)?;
    } else {
        let rise = peak.saturating_sub(start) as f64;
        (start..=peak).try_for_each(|row| set(row, (row - start) as f64 / rise))?;
    }
    let fall = end.saturating_sub(peak) as f64;
    (peak..end).try_for_each(|row| set(row, (end - row) as f64 / fall))
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    #[test]
    fn windows_of_no_and_one_element() {
        let hann = |n: i64, periodic: i64| {
            let attrs = [("periodic", Attr::Int(periodic))];
            let y = run(("", "HannWindow", 17), &attrs, &[Some(Tensor::scalar(n).into())], 1)?;
            Ok::<_, crate::Error>(y[0].tensor()?.slice::<f32>()?.to_vec())
        };
        assert!(hann(0, 1).unwrap().is_empty());
        assert!(hann(0, 0).unwrap().is_empty());
        assert_eq!(hann(1, 0).unwrap(), [1.0]);
        assert!(hann(-1, 1).is_err());
        assert!(hann(i64::MAX, 1).is_err());
    }

    #[test]
    fn a_mel_bin_outside_the_spectrum_is_refused() {
        let mel = |rate: i64, high: f32| {
            let inputs = [Tensor::scalar(8i64), Tensor::scalar(16i64), Tensor::scalar(rate)];
            let edges = [Tensor::scalar(0f32), Tensor::scalar(high)];
            let inputs: Vec<_> = inputs.into_iter().chain(edges).map(|t| Some(t.into())).collect();
            run(("", "MelWeightMatrix", 17), &[], &inputs, 1)
        };
        assert!(mel(8192, 4096.0).is_ok());
        assert!(mel(8192, 1e9).is_err());
        assert!(mel(8192, f32::NAN).is_ok());
        assert!(mel(8192, f32::INFINITY).is_err());
        assert!(mel(0, 4096.0).is_err());
    }
}
