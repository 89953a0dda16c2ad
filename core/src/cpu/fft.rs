//! The discrete Fourier transform of any length, in f64.
//!
//! A length is split into its prime factors, each of which costs n·p steps; where a prime is large the
//! transform becomes a convolution of a length that is a power of two (Bluestein's way).

use crate::Result;
use std::f64::consts::PI;
use std::ops::{Add, Mul};

/// A complex number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Complex {
    /// Its real part.
    pub re: f64,
    /// Its imaginary part.
    pub im: f64,
}

impl Complex {
    /// On the unit circle, `turns` around.
    fn turn(turns: f64) -> Complex {
        let (im, re) = (2.0 * PI * turns).sin_cos();
        Complex { re, im }
    }

    /// Its mirror image at the real axis.
    pub fn conj(self) -> Complex {
        Complex { re: self.re, im: -self.im }
    }
}

impl Add for Complex {
    type Output = Complex;
    fn add(self, o: Complex) -> Complex {
        Complex { re: self.re + o.re, im: self.im + o.im }
    }
}

impl Mul for Complex {
    type Output = Complex;
    fn mul(self, o: Complex) -> Complex {
        Complex { re: self.re * o.re - self.im * o.im, im: self.re * o.im + self.im * o.re }
    }
}

/// What is needed for transforms of one length.
pub struct Fft {
    len: usize,
    way: Way,
}

enum Way {
    /// By prime factors; the roots of unity, and the factors.
    Factors(Vec<Complex>, Vec<usize>),
    /// As a convolution: the chirp, the transformed filter, and the transform of the longer length.
    Convolution(Vec<Complex>, Vec<Complex>, Box<Fft>),
}

/// The largest prime factor that is worth its n·p steps.
const LARGEST_FACTOR: usize = 61;

impl Fft {
    /// For signals of `len`, which must not be 0.
    pub fn new(len: usize) -> Result<Fft> {
        let factors = factors(len);
        if factors.iter().all(|&p| p <= LARGEST_FACTOR) {
            let mut roots = buffer(len)?;
            roots.iter_mut().enumerate().for_each(|(i, r)| *r = Complex::turn(-(i as f64) / len as f64));
            return Ok(Fft { len, way: Way::Factors(roots, factors) });
        }
        let long = len.checked_mul(2).and_then(usize::checked_next_power_of_two);
        let long = long.ok_or_else(|| err!(LimitExceeded, "a transform of length {len} is too long"))?;
        let inner = Fft::new(long)?;
        let mut chirp = buffer(len)?;
        for (i, c) in chirp.iter_mut().enumerate() {
            // i² modulo 2·len, exactly: the angle would lose its digits otherwise.
            let square = (i as u128 * i as u128) % (2 * len as u128);
            *c = Complex::turn(-(square as f64) / (2.0 * len as f64));
        }
        let mut filter = buffer(long)?;
        for (i, c) in chirp.iter().enumerate() {
            filter[i] = c.conj();
            filter[(long - i) % long] = c.conj();
        }
        inner.forward(&mut filter)?;
        Ok(Fft { len, way: Way::Convolution(chirp, filter, Box::new(inner)) })
    }

    /// Replaces a signal by its spectrum.
    pub fn forward(&self, x: &mut [Complex]) -> Result<()> {
        match &self.way {
            Way::Factors(roots, factors) => {
                let mut from = buffer(self.len)?;
                from.copy_from_slice(x);
                let mut column = [Complex::default(); LARGEST_FACTOR];
                by_factors(&from, 1, x, roots, factors, &mut column);
            }
            Way::Convolution(chirp, filter, inner) => {
                let mut long = buffer(inner.len)?;
                for ((l, &x), &c) in long.iter_mut().zip(x.iter()).zip(chirp) {
                    *l = x * c;
                }
                inner.forward(&mut long)?;
                for (l, &f) in long.iter_mut().zip(filter) {
                    *l = (*l * f).conj();
                }
                // The conjugate of a transform of conjugates is the inverse, but for the length.
                inner.forward(&mut long)?;
                let scale = 1.0 / inner.len as f64;
                for ((x, &l), &c) in x.iter_mut().zip(&long).zip(chirp) {
                    let l = l.conj() * c;
                    *x = Complex { re: l.re * scale, im: l.im * scale };
                }
            }
        }
        Ok(())
    }

    /// Replaces a spectrum by its signal.
    pub fn inverse(&self, x: &mut [Complex]) -> Result<()> {
        x.iter_mut().for_each(|x| *x = x.conj());
        self.forward(x)?;
        let scale = 1.0 / self.len as f64;
        x.iter_mut().for_each(|x| *x = Complex { re: x.re * scale, im: -x.im * scale });
        Ok(())
    }
}

/// The spectrum of every `stride`th element of `x`, as many as `y` has.
fn by_factors(
    x: &[Complex],
    stride: usize,
    y: &mut [Complex],
    roots: &[Complex],
    factors: &[usize],
    column: &mut [Complex; LARGEST_FACTOR],
) {
    let Some((&p, factors)) = factors.split_first() else {
        y[0] = x[0];
        return;
    };
    let part = y.len() / p;
    for (r, y) in y.chunks_mut(part).enumerate() {
        by_factors(&x[r * stride..], stride * p, y, roots, factors, column);
    }
    for k in 0..part {
        for r in 0..p {
            column[r] = y[r * part + k] * roots[r * k * stride];
        }
        for q in 0..p {
            let root = |r: usize| roots[(r * q % p) * (roots.len() / p)];
            y[q * part + k] = (1..p).fold(column[0], |sum, r| sum + column[r] * root(r));
        }
    }
}

fn factors(mut n: usize) -> Vec<usize> {
    let mut factors = Vec::new();
    let mut p = 2;
    while p * p <= n {
        while n.is_multiple_of(p) {
            factors.push(p);
            n /= p;
        }
        p += 1;
    }
    if n > 1 {
        factors.push(n);
    }
    factors
}

fn buffer(len: usize) -> Result<Vec<Complex>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(len).map_err(|_| err!(OutOfMemory, "no memory for {len} complex numbers"))?;
    buffer.resize(len, Complex::default());
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(x: &[Complex]) -> Vec<Complex> {
        let n = x.len();
        let term = |k: usize, i: usize| x[i] * Complex::turn(-((k * i % n) as f64) / n as f64);
        (0..n).map(|k| (0..n).fold(Complex::default(), |sum, i| sum + term(k, i))).collect()
    }

    #[test]
    fn every_length_agrees_with_the_definition_and_comes_back() {
        for n in [1, 2, 3, 4, 5, 8, 12, 61, 60, 67, 97, 128, 134, 210, 1009] {
            let x: Vec<Complex> = (0..n)
                .map(|i| Complex { re: ((i * 7) % 11) as f64 - 5.0, im: ((i * 3) % 5) as f64 })
                .collect();
            let fft = Fft::new(n).unwrap();
            let mut y = x.clone();
            fft.forward(&mut y).unwrap();
            let close = |a: &[Complex], b: &[Complex]| {
                a.iter().zip(b).all(|(a, b)| (a.re - b.re).abs() < 1e-9 && (a.im - b.im).abs() < 1e-9)
            };
            assert!(close(&y, &naive(&x)), "forward {n}");
            fft.inverse(&mut y).unwrap();
            assert!(close(&y, &x), "inverse {n}");
        }
    }
}
