//! Types under 8 bits: what is packed comes out again.

use edgewise_core::{DType, Tensor};
use proptest::prelude::*;

fn packed_dtypes() -> impl Strategy<Value = DType> {
    prop::sample::select(DType::ALL.into_iter().filter(|d| d.is_packed()).collect::<Vec<_>>())
}

/// The value that a code's low bits have.
fn value(dtype: DType, code: i16) -> i16 {
    let bits = dtype.bits();
    let low = code & ((1 << bits) - 1);
    let negative = matches!(dtype, DType::I2 | DType::I4) && low >> (bits - 1) == 1;
    if negative { low - (1 << bits) } else { low }
}

proptest! {
    #[test]
    fn packing_and_unpacking_gives_the_low_bits_back(
        dtype in packed_dtypes(),
        codes in prop::collection::vec(any::<i16>(), 0..70),
    ) {
        let mut tensor = Tensor::zeros(dtype, &[codes.len()]).unwrap();
        tensor.view_mut().pack(&codes).unwrap();
        let expected: Vec<i16> = codes.iter().map(|&c| value(dtype, c)).collect();
        prop_assert_eq!(tensor.view().unpacked().unwrap(), &expected[..]);
        prop_assert_eq!(tensor.bytes(), (codes.len() * dtype.bits()).div_ceil(8));
        if dtype.is_integer() {
            let wide: Vec<i64> = expected.iter().map(|&x| x.into()).collect();
            prop_assert_eq!(tensor.view().to_i64s().unwrap(), wide);
        }

        // The same bytes again, so that nothing lies in the gaps.
        let mut again = Tensor::zeros(dtype, &[codes.len()]).unwrap();
        again.view_mut().pack(&expected).unwrap();
        prop_assert_eq!(again.view().bytes(), tensor.view().bytes());
    }

    #[test]
    fn low_bits_come_first_and_rows_have_no_gaps(
        dtype in packed_dtypes(),
        (rows, cols) in (1usize..5, 1usize..9),
        seed in any::<u64>(),
    ) {
        let codes: Vec<i16> = (0..rows * cols).map(|i| (seed.rotate_left(i as u32 * 7) & 0xf) as i16).collect();
        let mut tensor = Tensor::zeros(dtype, &[rows, cols]).unwrap();
        tensor.view_mut().pack(&codes).unwrap();
        let bits = dtype.bits();
        for (i, code) in codes.iter().enumerate() {
            let byte = tensor.view().bytes()[i * bits / 8];
            prop_assert_eq!(byte >> (i * bits % 8) & ((1 << bits) - 1), *code as u8 & ((1 << bits) - 1));
        }
    }

    #[test]
    fn a_wrong_number_of_codes_is_refused(dtype in packed_dtypes(), len in 0usize..20, other in 0usize..20) {
        prop_assume!(len != other);
        let mut tensor = Tensor::zeros(dtype, &[len]).unwrap();
        prop_assert!(tensor.view_mut().pack(&vec![0; other]).is_err());
    }
}
