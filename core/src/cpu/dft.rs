//! DFT and STFT on the CPU, computed in f64 and rounded once.

use super::fft::{Complex, Fft};
use super::{Io, Kernel};
use crate::ops::dft::{Dft, Stft, signal_axis};
use crate::{Float, Num, Result, View, ViewMut};

impl Kernel for Dft {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let axis = match self.axis {
            Some(axis) => axis,
            None => io.optional(2)?.map_or(Ok(-2), |v| v.scalar_i64())?,
        };
        let axis = signal_axis(axis, x.rank())?;
        let real_signal = self.inverse && self.onesided;
        let len = match io.optional(1)? {
            Some(len) => len.scalar_i64()?,
            None if real_signal => 2 * (x.shape()[axis] as i64 - 1),
            None => x.shape()[axis] as i64,
        };
        ensure!(len > 0, InvalidInput, "a transform must have a positive length, got {len}");
        let len =
            usize::try_from(len).map_err(|_| err!(LimitExceeded, "a transform of {len} is too long"))?;
        let mut shape = crate::Shape::from(x.shape());
        shape[axis] = if self.onesided && !self.inverse { len / 2 + 1 } else { len };
        *shape.last_mut().ok_or_else(|| err!(InvalidModel, "a signal cannot be a scalar"))? =
            if real_signal { 1 } else { 2 };
        let y = io.make(0, x.dtype(), &shape)?;
        if y.is_empty() {
            return Ok(());
        }
        let fft = Fft::new(len)?;
        for_float!(x.dtype(), T => self.all::<T>(io, &fft, len, x, axis, y))
    }
}

impl Dft {
    fn all<T: Float>(
        &self,
        io: &Io<'_>,
        fft: &Fft,
        len: usize,
        x: View<'_>,
        axis: usize,
        y: ViewMut<'_>,
    ) -> Result<()> {
        let (have, out) = (x.shape()[axis], y.shape()[axis]);
        let parts = x.shape()[x.rank() - 1];
        let out_parts = *y.shape().last().unwrap_or(&1);
        let inner: usize = x.shape()[axis + 1..x.rank() - 1].iter().product();
        let x = x.slice::<T>()?;
        io.pool().chunks(y.into_slice::<T>()?, out * inner * out_parts, |outer, y| {
            let x = &x[outer * have * inner * parts..][..have * inner * parts];
            let mut line = vec![Complex::default(); len];
            for i in 0..inner {
                io.check()?;
                line.fill(Complex::default());
                for (c, x) in line.iter_mut().zip(x.chunks(parts).skip(i).step_by(inner)) {
                    *c = complex(x);
                }
                if self.inverse && self.onesided {
                    mirror(&mut line);
                }
                if self.inverse {
                    fft.inverse(&mut line)?
                } else {
                    fft.forward(&mut line)?
                };
                for (y, c) in y.chunks_mut(out_parts).skip(i).step_by(inner).zip(&line) {
                    store(y, *c);
                }
            }
            Ok(())
        })
    }
}

/// Fills the second half of a spectrum from the first, as that of a real signal has it.
fn mirror(line: &mut [Complex]) {
    let n = line.len();
    line[0].im = 0.0;
    for i in 1..=n / 2 {
        line[n - i] = line[i].conj();
        if 2 * i == n {
            line[i].im = 0.0;
        }
    }
}

fn complex<T: Num>(parts: &[T]) -> Complex {
    Complex { re: parts[0].to_f64(), im: parts.get(1).map_or(0.0, |x| x.to_f64()) }
}

fn store<T: Num>(parts: &mut [T], c: Complex) {
    for (part, x) in parts.iter_mut().zip([c.re, c.im]) {
        *part = T::from_f64(x);
    }
}

impl Kernel for Stft {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let window = io.optional(2)?;
        let signal = x.shape()[1];
        let positive = |what: &str, v: i64| {
            usize::try_from(v)
                .ok()
                .filter(|&v| v > 0)
                .ok_or_else(|| err!(InvalidInput, "{what} must be positive, got {v}"))
        };
        let step = positive("frame_step", io.input(1)?.scalar_i64()?)?;
        let len = match (io.optional(3)?, window) {
            (Some(len), _) => len.scalar_i64()?,
            (None, Some(window)) => window.len() as i64,
            (None, None) => signal as i64,
        };
        let len = positive("frame_length", len)?;
        ensure!(len <= signal, InvalidInput, "frames of {len} do not fit into a signal of {signal}");
        if let Some(window) = window {
            ensure!(
                window.len() == len && window.dtype() == x.dtype(),
                InvalidInput,
                "a window for frames of {len} must have as many elements of {}, got {window:?}",
                x.dtype()
            );
        }
        let bins = if self.onesided { len / 2 + 1 } else { len };
        let frames = (signal - len) / step + 1;
        let y = io.make(0, x.dtype(), &[x.shape()[0], frames, bins, 2])?;
        let fft = Fft::new(len)?;
        for_float!(x.dtype(), T => {
            let window = window.map(|w| w.slice::<T>()).transpose()?;
            let parts = if x.rank() == 3 { x.shape()[2] } else { 1 };
            let x = x.slice::<T>()?;
            io.pool().chunks(y.into_slice::<T>()?, bins * 2, |frame, y| {
                io.check()?;
                let (batch, frame) = (frame / frames, frame % frames);
                let x = &x[(batch * signal + frame * step) * parts..][..len * parts];
                let mut line: Vec<Complex> = x.chunks(parts).map(complex).collect();
                if let Some(window) = window {
                    line.iter_mut().zip(window).for_each(|(c, w)| {
                        let w = Num::to_f64(*w);
                        *c = Complex { re: c.re * w, im: c.im * w };
                    });
                }
                fft.forward(&mut line)?;
                y.chunks_mut(2).zip(&line).for_each(|(y, c)| store(y, *c));
                Ok(())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    fn dft(attrs: &[(&str, i64)], x: &Tensor, len: Option<i64>) -> crate::Result<Tensor> {
        let attrs: Vec<(&str, Attr)> = attrs.iter().map(|&(k, v)| (k, Attr::Int(v))).collect();
        let inputs = [Some(x.clone().into()), len.map(|l| Tensor::scalar(l).into())];
        Ok(run(("", "DFT", 20), &attrs, &inputs, 1)?[0].tensor()?.clone())
    }

    #[test]
    fn one_sided_spectra_come_back_for_even_and_odd_lengths() {
        for n in [1usize, 2, 5, 8] {
            let signal: Vec<f32> = (0..n).map(|i| (i * i % 7) as f32 - 2.0).collect();
            let x = Tensor::new(&[1, n, 1], &signal).unwrap();
            let y = dft(&[("onesided", 1)], &x, None).unwrap();
            assert_eq!(y.shape(), [1, n / 2 + 1, 2]);
            let z = dft(&[("onesided", 1), ("inverse", 1)], &y, Some(n as i64)).unwrap();
            assert_eq!(z.shape(), [1, n, 1]);
            assert!(z.slice::<f32>().unwrap().iter().zip(&signal).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }

    #[test]
    fn signals_are_cut_and_filled_up() {
        let x = Tensor::new(&[2, 1], &[1f32, 2.0]).unwrap();
        assert_eq!(dft(&[], &x, Some(1)).unwrap().slice::<f32>().unwrap(), [1.0, 0.0]);
        assert_eq!(dft(&[], &x, Some(3)).unwrap().slice::<f32>().unwrap()[..2], [3.0, 0.0]);
        assert!(dft(&[], &x, Some(0)).is_err());
        assert!(dft(&[], &x, Some(i64::MAX)).is_err());
        assert!(dft(&[], &Tensor::new::<f32>(&[0, 1], &[]).unwrap(), None).is_err());
    }

    #[test]
    fn a_frame_must_fit_into_the_signal() {
        let x = Tensor::new(&[1, 2, 1], &[1f32, 2.0]).unwrap();
        let stft = |step: i64, len: i64| {
            let inputs = [x.clone(), Tensor::scalar(step), Tensor::scalar(len)];
            let [x, step, len] = inputs.map(|t| Some(t.into()));
            run(("", "STFT", 17), &[], &[x, step, None, len], 1)
        };
        assert!(stft(1, 2).is_ok());
        assert!(stft(0, 2).is_err());
        assert!(stft(1, 3).is_err());
        assert!(stft(1, 0).is_err());
    }
}
