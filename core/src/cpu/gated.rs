//! Activations of two inputs on the CPU.

use super::activation::{fast_gelu, gelu, swish};
use super::broadcast::{pair, zip};
use super::map::map;
use super::{Io, Kernel, vector};
use crate::ops::gated::Gated;
use crate::{DType, Float, Num, Result};
use edgewise_simd::elementwise::{Binary, Unary};

impl Kernel for Gated {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let dtype = io.input(0)?.dtype();
        if dtype == DType::F32 {
            if !io.has(1) {
                return vector::unary(io, Unary::GeluTanh);
            }
            return vector::binary(io, self.vector(), |a, b| self.second_shape(a, b));
        }
        match *self {
            Gated::PRelu { .. } => {
                for_num!(dtype, T => self.zip::<T>(io, |&x, &s| if x < T::zero() { x.mul(s) } else { x }))
            }
            Gated::SwiGLU { alpha } => for_float!(dtype, T => {
                self.zip::<T>(io, |a, b| T::narrow(swish(a.widen(), alpha) * b.widen()))
            }),
            Gated::BiasGelu => {
                for_float!(dtype, T => self.zip::<T>(io, |a, b| T::narrow(gelu(a.widen() + b.widen()))))
            }
            Gated::FastGelu if io.has(1) => {
                for_float!(dtype, T => self.zip::<T>(io, |a, b| T::narrow(fast_gelu(a.widen() + b.widen()))))
            }
            Gated::FastGelu => {
                for_float!(dtype, T => map(io, |x: T| T::narrow(fast_gelu(x.widen()))))
            }
        }
    }
}

impl Gated {
    /// The function of two f32s that works on vectors.
    pub(super) fn vector(&self) -> Binary {
        match *self {
            Gated::PRelu { .. } => Binary::PRelu,
            Gated::SwiGLU { alpha } => Binary::SwiGlu { alpha },
            Gated::BiasGelu => Binary::BiasGelu,
            Gated::FastGelu => Binary::BiasGeluTanh,
        }
    }

    fn zip<T: Num>(&self, io: &mut Io<'_>, f: impl Fn(&T, &T) -> T + Sync) -> Result<()> {
        let (a, b, y) = (io.input(0)?, io.input(1)?, io.output(0)?);
        let shape = self.second_shape(a.shape(), b.shape())?;
        zip(
            io.context(),
            (y.into_slice()?, a.shape()),
            (a.slice()?, a.shape()),
            (b.slice()?, &shape),
            &pair(f),
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{Result, Tensor, Value};

    fn prelu(version: i64, shape: &[usize], slopes: &[usize]) -> Result<Vec<Value>> {
        let x = Tensor::new(shape, &vec![-1i32; shape.iter().product()]).unwrap();
        let slope: Vec<i32> = (1..=slopes.iter().product::<usize>() as i32).collect();
        let slope = Tensor::new(slopes, &slope).unwrap();
        run(("", "PRelu", version), &[], &[Some(x.into()), Some(slope.into())], 1)
    }

    #[test]
    fn old_slopes_go_by_channel_and_new_ones_broadcast() {
        let y = prelu(6, &[1, 2, 2], &[2]).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i32>().unwrap(), [-1, -1, -2, -2]);
        let y = prelu(9, &[1, 2, 2], &[2]).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i32>().unwrap(), [-1, -2, -1, -2]);
    }

    #[test]
    fn slopes_that_do_not_fit_are_refused() {
        assert!(prelu(9, &[2], &[3, 2]).is_err());
        assert!(prelu(9, &[2, 2], &[3]).is_err());
        assert!(prelu(6, &[2, 2, 2], &[3]).is_err());
        assert!(prelu(6, &[3], &[3]).is_err());
    }
}
