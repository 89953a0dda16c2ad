//! Functions of one number on the CPU.
//!
//! Round goes to the even neighbor; the sign of NaN is NaN, that of a zero is zero. Integers wrap: the
//! absolute value of the smallest one is itself.

use super::map::{IN_PLACE, map_floats, map_same, output_dtype};
use super::{Io, Kernel, vector};
use crate::ops::unary::Unary;
use crate::{Num, Result, Truth};
use edgewise_simd::elementwise as simd;

/// A function of either float.
type OfFloats = (fn(f32) -> f32, fn(f64) -> f64);

impl Kernel for Unary {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        if let (true, Some(function)) = (vector::is_f32(io)?, self.vector()) {
            return vector::unary(io, function);
        }
        match self {
            Unary::Abs => for_num!(output_dtype(io)?, T => map_same::<T>(io, Num::abs)),
            Unary::Neg => for_num!(output_dtype(io)?, T => map_same::<T>(io, Num::neg)),
            Unary::Sign => for_num!(output_dtype(io)?, T => map_same::<T>(io, sign)),
            Unary::Not => map_same(io, |x: Truth| (!x.get()).into()),
            Unary::BitwiseNot => for_int!(output_dtype(io)?, T => map_same::<T>(io, |x| !x)),
            Unary::Erf if output_dtype(io)?.is_integer() => {
                for_int!(output_dtype(io)?, T => map_same::<T>(io, |x| T::from_f64(libm::erf(x.to_f64()))))
            }
            // Instructions of their own on many machines.
            Unary::Ceil => map_floats(io, f32::ceil, f64::ceil),
            Unary::Floor => map_floats(io, f32::floor, f64::floor),
            _ => {
                let (f32s, f64s) = self.of_floats();
                map_floats(io, f32s, f64s)
            }
        }
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        IN_PLACE
    }
}

impl Unary {
    /// The function of f32 that works on vectors, where there is one.
    pub(super) fn vector(&self) -> Option<simd::Unary> {
        Some(match self {
            Unary::Abs => simd::Unary::Abs,
            Unary::Neg => simd::Unary::Neg,
            Unary::Erf => simd::Unary::Erf,
            Unary::Exp => simd::Unary::Exp,
            Unary::Reciprocal => simd::Unary::Reciprocal,
            Unary::Round => simd::Unary::Round,
            Unary::Sqrt => simd::Unary::Sqrt,
            Unary::Tanh => simd::Unary::Tanh,
            _ => return None,
        })
    }

    /// The functions of floats; those of booleans and of bits leave them as they are.
    pub(super) fn of_floats(&self) -> OfFloats {
        match self {
            Unary::Abs => (f32::abs, f64::abs),
            Unary::Acos => (f32::acos, f64::acos),
            Unary::Acosh => (f32::acosh, f64::acosh),
            Unary::Asin => (f32::asin, f64::asin),
            Unary::Asinh => (f32::asinh, f64::asinh),
            Unary::Atan => (f32::atan, f64::atan),
            Unary::Atanh => (f32::atanh, f64::atanh),
            Unary::Ceil => (f32::ceil, f64::ceil),
            Unary::Cos => (f32::cos, f64::cos),
            Unary::Cosh => (f32::cosh, f64::cosh),
            Unary::Erf => (libm::erff, libm::erf),
            Unary::Exp => (f32::exp, f64::exp),
            Unary::Floor => (f32::floor, f64::floor),
            Unary::Log => (f32::ln, f64::ln),
            Unary::Neg => (|x| -x, |x| -x),
            Unary::Reciprocal => (f32::recip, f64::recip),
            Unary::Round => (f32::round_ties_even, f64::round_ties_even),
            Unary::Sign => (sign, sign),
            Unary::Sin => (f32::sin, f64::sin),
            Unary::Sinh => (f32::sinh, f64::sinh),
            Unary::Sqrt => (f32::sqrt, f64::sqrt),
            Unary::Tan => (f32::tan, f64::tan),
            Unary::Tanh => (f32::tanh, f64::tanh),
            Unary::Not | Unary::BitwiseNot => (|x| x, |x| x),
        }
    }
}

fn sign<T: Num>(x: T) -> T {
    match x.partial_cmp(&T::zero()) {
        Some(std::cmp::Ordering::Less) => T::from_i64(-1),
        Some(std::cmp::Ordering::Greater) => T::one(),
        _ => x,
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::{map_f32s, run};
    use crate::{DType, Tensor};

    #[test]
    fn rounding_goes_to_the_even_neighbor() {
        let y = map_f32s(("", "Round", 11), &[], &[6], &[0.5, 1.5, 2.5, -0.5, -1.5, f32::INFINITY]);
        assert_eq!(y, [0.0, 2.0, 2.0, 0.0, -2.0, f32::INFINITY]);
    }

    #[test]
    fn the_sign_of_nan_is_nan_and_empty_tensors_pass() {
        let y = map_f32s(("", "Sign", 13), &[], &[4], &[f32::NAN, -0.0, -7.0, 1e-40]);
        assert!(y[0].is_nan() && y[1..] == [0.0, -1.0, 1.0]);
        assert!(map_f32s(("", "Exp", 1), &[], &[2, 0], &[]).is_empty());
    }

    #[test]
    fn the_smallest_integer_wraps() {
        let x = Tensor::new(&[2], &[i8::MIN, -3]).unwrap();
        for (op, expected) in [("Abs", [i8::MIN, 3]), ("Neg", [i8::MIN, 3]), ("BitwiseNot", [127, 2])] {
            let y = run(("", op, 18), &[], &[Some(x.clone().into())], 1).unwrap();
            assert_eq!(y[0].tensor().unwrap().slice::<i8>().unwrap(), expected, "{op}");
        }
    }

    #[test]
    fn other_types_are_refused_by_name() {
        let x = Tensor::zeros(DType::Str, &[1]).unwrap();
        let e = run(("", "Exp", 13), &[], &[Some(x.into())], 1).unwrap_err();
        assert!(e.what().contains("string"), "{e}");
    }
}
