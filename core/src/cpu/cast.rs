//! Cast and CastLike on the CPU.

use super::convert::convert;
use super::{Io, Kernel};
use crate::Result;
use crate::ops::cast::Cast;

impl Kernel for Cast {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, y) = (io.input(0)?, io.output(0)?);
        convert(io.context(), x, y, self.rule)
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{DType, Element, Tensor};
    use half::f16;

    fn cast(x: Tensor, to: DType) -> Tensor {
        let y = run(("", "Cast", 25), &[("to", Attr::Int(to as i64))], &[Some(x.into())], 1).unwrap();
        y[0].tensor().unwrap().clone()
    }

    fn to<T: Element>(x: impl Into<Vec<f64>>) -> Vec<T> {
        let x: Vec<f64> = x.into();
        cast(Tensor::new(&[x.len()], &x).unwrap(), T::DTYPE).slice::<T>().unwrap().to_vec()
    }

    #[test]
    fn every_pair_of_types_but_the_complex_ones_is_there() {
        let types = DType::ALL.iter().filter(|d| !matches!(d, DType::C64 | DType::C128));
        for from in types.clone() {
            let one = cast(Tensor::new(&[3], &[1f32; 3]).unwrap(), *from);
            for to in types.clone() {
                let back = cast(cast(one.clone(), *to), DType::F32);
                assert_eq!(back.slice::<f32>().unwrap(), [1.0; 3], "{from} to {to}");
            }
        }
    }

    #[test]
    fn floats_become_integers_toward_zero_and_never_panic() {
        assert_eq!(to::<i32>([1.9, -1.9, f64::NAN, f64::INFINITY, -1e300]), [1, -1, 0, i32::MAX, i32::MIN]);
        assert_eq!(to::<u64>([1.8e19, -1.0]), [18_000_000_000_000_000_000, u64::MAX]);
        assert_eq!(to::<u8>([300.0, -1.0]), [44, 255]);
        assert_eq!(to::<i64>([1e19]), [i64::MAX]);
    }

    #[test]
    fn integers_keep_their_low_bits() {
        let x = Tensor::new(&[3], &[200i16, -9, 7]).unwrap();
        assert_eq!(cast(x.clone(), DType::I8).slice::<i8>().unwrap(), [-56, -9, 7]);
        assert_eq!(cast(x, DType::I4).view().unpacked().unwrap(), [-8, 7, 7]);
        let big = Tensor::new(&[1], &[u64::MAX]).unwrap();
        assert_eq!(cast(big.clone(), DType::F32).slice::<f32>().unwrap(), [18446744073709551615f32]);
        assert_eq!(cast(big, DType::I64).slice::<i64>().unwrap(), [-1]);
    }

    #[test]
    fn strings_are_read_and_written() {
        let words = ["1e-5", " 3.5", "+INF", "-inf", "NaN", "100"].map(String::from).to_vec();
        let x = cast(Tensor::from_strings(&[6], words).unwrap(), DType::F32);
        let x = x.slice::<f32>().unwrap();
        assert!(x[..4] == [1e-5, 3.5, f32::INFINITY, f32::NEG_INFINITY] && x[4].is_nan());
        let x =
            Tensor::new(&[4], &[f16::from_f32(0.5), f16::INFINITY, f16::NAN, f16::from_f32(-3.0)]).unwrap();
        assert_eq!(cast(x, DType::Str).view().strings().unwrap(), ["0.5", "INF", "NaN", "-3"]);
        let x = Tensor::from_strings(&[1], vec!["18446744073709551615".into()]).unwrap();
        assert_eq!(cast(x, DType::U64).slice::<u64>().unwrap(), [u64::MAX]);
        let bad = Tensor::from_strings(&[1], vec!["Hello".into()]).unwrap();
        assert!(run(("", "Cast", 25), &[("to", Attr::Int(1))], &[Some(bad.into())], 1).is_err());
    }
}
