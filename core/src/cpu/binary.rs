//! Arithmetic of two tensors on the CPU.
//!
//! An integer divided by zero is 0, and so is its remainder: numpy's answer, where others crash.

use super::broadcast::{Pair, pair, zip, zip_in_place};
use super::{Io, Kernel, vector};
use crate::ops::binary::{Binary, Function};
use crate::{DType, Float, Num, Result, Shape};
use edgewise_simd::elementwise as simd;

impl Kernel for Binary {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let dtype = super::map::output_dtype(io)?;
        if let (DType::F32, Some(function)) = (dtype, self.function.vector()) {
            return vector::binary(io, function, |a, b| self.align.second(a, b));
        }
        match self.function {
            Function::Add => for_num!(dtype, T => self.zip::<T>(io, |&a, &b| a.add(b))),
            Function::Sub => for_num!(dtype, T => self.zip::<T>(io, |&a, &b| a.sub(b))),
            Function::Mul => for_num!(dtype, T => self.zip::<T>(io, |&a, &b| a.mul(b))),
            Function::Div => for_num!(dtype, T => self.zip::<T>(io, |&a, &b| a.div(b))),
            Function::Mod { fmod: true } => for_num!(dtype, T => self.zip::<T>(io, |&a, &b| a.rem(b))),
            Function::Mod { fmod: false } => {
                for_num!(dtype, T => self.zip::<T>(io, |&a, &b| floor_mod(a, b)))
            }
            Function::BitShift { left: true } => {
                for_int!(dtype, T => self.zip::<T>(io, |&a, &b| a.checked_shl(shift(b)).unwrap_or(0)))
            }
            Function::BitShift { left: false } => for_int!(dtype, T => self.zip::<T>(io, |&a, &b| {
                // Shifted all the way, only the sign is left.
                a.checked_shr(shift(b)).unwrap_or(if a < T::default() { !T::default() } else { T::default() })
            })),
            Function::BitwiseAnd => for_int!(dtype, T => self.zip::<T>(io, |&a, &b| a & b)),
            Function::BitwiseOr => for_int!(dtype, T => self.zip::<T>(io, |&a, &b| a | b)),
            Function::BitwiseXor => for_int!(dtype, T => self.zip::<T>(io, |&a, &b| a ^ b)),
            Function::Pow => self.pow(io),
        }
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        match self.function {
            Function::Add | Function::Sub | Function::Mul | Function::Div => &[(0, 0), (1, 0)],
            _ => &[],
        }
    }
}

impl Function {
    /// The function of f32 that works on vectors, where there is one.
    pub(super) fn vector(&self) -> Option<simd::Binary> {
        Some(match self {
            Function::Add => simd::Binary::Add,
            Function::Sub => simd::Binary::Sub,
            Function::Mul => simd::Binary::Mul,
            Function::Div => simd::Binary::Div,
            _ => return None,
        })
    }
}

impl Binary {
    fn zip<T: Num>(&self, io: &mut Io<'_>, f: impl Fn(&T, &T) -> T + Sync) -> Result<()> {
        self.zip_by(io, &pair(f))
    }

    /// [`zip`](Binary::zip), compiled once for a type.
    fn zip_by<T: Num>(&self, io: &mut Io<'_>, f: &Pair<'_, T, T, T>) -> Result<()> {
        let y = io.output(0)?;
        let shape = Shape::from_slice(y.shape());
        let y = (y.into_slice()?, &shape[..]);
        if io.placed(0, 0) {
            let b = io.input(1)?;
            let b_shape = self.align.second(&shape, b.shape())?;
            return zip_in_place(io.context(), y, (b.slice()?, &b_shape), false, f);
        }
        let a = io.input(0)?;
        let a = (a.slice()?, a.shape());
        if io.placed(1, 0) {
            return zip_in_place(io.context(), y, a, true, f);
        }
        let b = io.input(1)?;
        let b_shape = self.align.second(a.1, b.shape())?;
        zip(io.context(), y, a, (b.slice()?, &b_shape), f)
    }
}

impl Binary {
    /// Powers: in one type where both are floats of it, exactly where both are integers, else by f64.
    fn pow(&self, io: &mut Io<'_>) -> Result<()> {
        let (base, exponent) = (io.input(0)?.dtype(), io.input(1)?.dtype());
        if base == exponent && base.is_float() {
            return for_float!(base, T => {
                self.zip::<T>(io, |a, b| T::narrow(a.widen().powf(b.widen())))
            });
        }
        let (x, e, y) = (io.input(0)?, io.input(1)?, io.output(0)?);
        let e_shape = self.align.second(x.shape(), e.shape())?;
        let shape = Shape::from_slice(y.shape());
        if base.is_integer() && exponent.is_integer() {
            let e =
                for_int!(exponent, E => Ok(e.slice::<E>()?.iter().map(|&e| whole(e)).collect::<Vec<i64>>()))?;
            return for_int!(base, T => zip(
                io.context(),
                (y.into_slice::<T>()?, &shape),
                (x.slice::<T>()?, x.shape()),
                (&e, &e_shape),
                &pair(|&x, &e| integer_power(x, e)),
            ));
        }
        let e =
            for_num!(exponent, E => Ok(e.slice::<E>()?.iter().map(|&e| e.to_f64()).collect::<Vec<f64>>()))?;
        for_num!(base, T => zip(
            io.context(),
            (y.into_slice::<T>()?, &shape),
            (x.slice::<T>()?, x.shape()),
            (&e, &e_shape),
            &pair(|x: &T, &e| T::from_f64(x.to_f64().powf(e))),
        ))
    }
}

/// An integer as i64; those beyond, which only u64 has, as the largest one of the same parity.
fn whole<E: Num + TryInto<i64>>(e: E) -> i64 {
    e.try_into().unwrap_or(i64::MAX - 1 + (e.to_i64() & 1))
}

/// `x` to the power `e`, wrapping; what is less than one in magnitude is 0.
fn integer_power<T: Num>(x: T, e: i64) -> T {
    if e < 0 && x != T::one() {
        let minus_one = x.add(T::one()) == T::zero() && x < T::zero();
        return match (minus_one, e % 2 == 0) {
            (true, true) => T::one(),
            (true, false) => x,
            _ => T::zero(),
        };
    }
    let (mut result, mut square, mut rest) = (T::one(), x, e.unsigned_abs());
    while rest > 0 {
        if rest & 1 == 1 {
            result = result.mul(square);
        }
        square = square.mul(square);
        rest >>= 1;
    }
    result
}

/// By how much to shift; more than any type has bits where that is negative or too much.
fn shift<T: Num>(b: T) -> u32 {
    u32::try_from(b.to_i64()).unwrap_or(u32::MAX)
}

/// The remainder with the sign of the divisor, a zero's included.
fn floor_mod<T: Num>(a: T, b: T) -> T {
    let r = a.rem(b);
    if r == T::zero() {
        // A float's zero has a sign: that of the divisor.
        return if T::FLOAT && b < T::zero() { T::zero().neg() } else { T::zero() };
    }
    if (r < T::zero()) != (b < T::zero()) { r.add(b) } else { r }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Element, Result, Tensor};

    fn binary<T: Element>(
        op: &str,
        version: i64,
        attrs: &[(&str, Attr)],
        a: (&[usize], &[T]),
        b: (&[usize], &[T]),
    ) -> Result<Vec<T>> {
        let a = Tensor::new(a.0, a.1)?;
        let b = Tensor::new(b.0, b.1)?;
        let y = run(("", op, version), attrs, &[Some(a.into()), Some(b.into())], 1)?;
        Ok(y[0].tensor()?.slice::<T>()?.to_vec())
    }

    #[test]
    fn integers_wrap_and_division_by_zero_is_zero() {
        let y = binary("Div", 14, &[], (&[3], &[i32::MIN, 7, -7]), (&[3], &[-1, 0, 2])).unwrap();
        assert_eq!(y, [i32::MIN, 0, -3]);
        assert_eq!(binary("Mod", 13, &[], (&[2], &[5i8, i8::MIN]), (&[2], &[0, -1])).unwrap(), [0, 0]);
        assert_eq!(binary("Add", 14, &[], (&[1], &[255u8]), (&[], &[2])).unwrap(), [1]);
    }

    #[test]
    fn remainders_follow_the_divisor_or_the_dividend() {
        let (a, b) = ([-7.0f32, 7.0, -0.0, 1.0], [3.0f32, -3.0, 3.0, f32::NEG_INFINITY]);
        let y = binary("Mod", 28, &[], (&[4], &a), (&[4], &b)).unwrap();
        assert_eq!(y, [2.0, -2.0, 0.0, f32::NEG_INFINITY]);
        assert!(y[2].is_sign_positive());
        let y = binary("Mod", 28, &[("fmod", Attr::Int(1))], (&[4], &a), (&[4], &b)).unwrap();
        assert_eq!(y, [-1.0, 1.0, 0.0, 1.0]);
    }

    #[test]
    fn shifts_by_too_much_leave_the_sign() {
        let right = [("direction", Attr::Str("RIGHT".into()))];
        let y = binary("BitShift", 28, &right, (&[3], &[-5i8, 5, -5]), (&[3], &[100, -1, 1])).unwrap();
        assert_eq!(y, [-1, 0, -3]);
        let left = [("direction", Attr::Str("LEFT".into()))];
        assert_eq!(
            binary("BitShift", 11, &left, (&[2], &[1u64, 1]), (&[2], &[63, 64])).unwrap(),
            [1 << 63, 0]
        );
    }

    #[test]
    fn before_opset_7_the_second_input_lies_where_axis_says() {
        let (a, b): (&[usize], &[usize]) = (&[2, 2, 1], &[2]);
        let attrs = |axis| [("broadcast", Attr::Int(1)), ("axis", Attr::Int(axis))];
        let sum = |axis| binary("Add", 6, &attrs(axis), (a, &[0.0f32; 4]), (b, &[1.0, 2.0]));
        assert_eq!(sum(0).unwrap(), [1.0, 1.0, 2.0, 2.0]);
        assert_eq!(sum(1).unwrap(), [1.0, 2.0, 1.0, 2.0]);
        assert!(sum(2).is_err() && sum(3).is_err());
        assert!(binary("Add", 6, &[], (a, &[0.0f32; 4]), (b, &[1.0, 2.0])).is_err());
    }

    #[test]
    fn powers_of_integers_are_exact() {
        let y = binary("Pow", 15, &[], (&[4], &[3i64, -1, 2, 0]), (&[4], &[39, -3, -1, 0])).unwrap();
        assert_eq!(y, [3i64.pow(39), -1, 0, 1]);
        let x = Tensor::new(&[2], &[2i32, 9]).unwrap();
        let e = Tensor::new(&[], &[0.5f32]).unwrap();
        let y = run(("", "Pow", 15), &[], &[Some(x.into()), Some(e.into())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i32>().unwrap(), [1, 3]);
    }
}
