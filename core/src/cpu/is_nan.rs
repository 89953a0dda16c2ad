//! IsNaN and IsInf on the CPU.

use super::map::map;
use super::{Io, Kernel};
use crate::ops::is_nan::IsNaN;
use crate::{DType, E4M3Fn, E4M3FnUz, E5M2, E5M2FnUz, Num, Result, Truth};

impl Kernel for IsNaN {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        // Every format's NaN and infinities are those of the f64 that it widens to.
        let test = |x: f64| -> Truth {
            Truth::from(match *self {
                IsNaN::NaN => x.is_nan(),
                IsNaN::Inf { negative, positive } => {
                    negative && x == f64::NEG_INFINITY || positive && x == f64::INFINITY
                }
            })
        };
        match io.input(0)?.dtype() {
            DType::F8E4M3FN => map(io, |x: E4M3Fn| test(x.to_f32() as f64)),
            DType::F8E4M3FNUZ => map(io, |x: E4M3FnUz| test(x.to_f32() as f64)),
            DType::F8E5M2 => map(io, |x: E5M2| test(x.to_f32() as f64)),
            DType::F8E5M2FNUZ => map(io, |x: E5M2FnUz| test(x.to_f32() as f64)),
            dtype => for_float!(dtype, T => map(io, |x: T| test(x.to_f64()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Tensor, Truth};

    #[test]
    fn one_sign_of_infinity_can_be_left_out() {
        let x = Tensor::new(&[4], &[f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX]).unwrap();
        let y = run(("", "IsInf", 10), &[("detect_negative", Attr::Int(0))], &[Some(x.into())], 1).unwrap();
        let expected = [true, false, false, false].map(Truth::from);
        assert_eq!(y[0].tensor().unwrap().slice::<Truth>().unwrap(), expected);
    }
}
