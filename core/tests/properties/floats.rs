//! The small floats against a slow, exact search over all their codes.

use edgewise_core::{DType, E4M3Fn, E4M3FnUz, E5M2, E5M2FnUz, Num, Tensor};
use half::{bf16, f16};
use proptest::prelude::*;

/// The magnitudes of a format, exact, by code from 0 up; and what lies beyond them.
struct Magnitudes {
    values: Vec<f64>,
    /// Where the next magnitude would lie if the format went on.
    next: f64,
}

impl Magnitudes {
    /// A format with those bits, whose largest finite magnitude has the code `max`.
    fn new(mantissa: u32, bias: i32, max: u32) -> Magnitudes {
        let value = |code: u32| {
            let (e, m) = ((code >> mantissa) as i32, (code & ((1 << mantissa) - 1)) as f64);
            let one = (1u32 << mantissa) as f64;
            match e {
                0 => m / one * 2f64.powi(1 - bias),
                e => (1.0 + m / one) * 2f64.powi(e - bias),
            }
        };
        Magnitudes { values: (0..=max).map(value).collect(), next: value(max + 1) }
    }

    /// The code nearest to `x`, ties to the even one; `None` where that is past the largest.
    fn nearest(&self, x: f64) -> Option<usize> {
        let all = self.values.iter().copied().chain([self.next]).enumerate();
        // The difference of neighbors in magnitude is exact in f64 for every f32.
        let key = |(code, value): (usize, f64)| ((x - value).abs(), code % 2, code);
        let best = all.map(key).min_by(|a, b| a.partial_cmp(b).expect("no NaN here"))?;
        (best.2 < self.values.len() && x < self.next).then_some(best.2)
    }
}

/// Every f32, those near the limits of the small formats more often.
fn floats() -> impl Strategy<Value = f32> {
    prop_oneof![
        3 => any::<u32>().prop_map(f32::from_bits),
        3 => (-20..20i32, any::<bool>(), 0..1u32 << 23)
            .prop_map(|(e, s, m)| f32::from_bits((s as u32) << 31 | ((127 + e) as u32) << 23 | m)),
        // Few bits set: ties.
        3 => (-20..20i32, any::<bool>(), 0..64u32)
            .prop_map(|(e, s, m)| f32::from_bits((s as u32) << 31 | ((127 + e) as u32) << 23 | m << 17)),
        1 => prop::sample::select(vec![0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX]),
    ]
}

/// What the format gives for `x`, by search; NaN for an overflow that is not saturated, unless `infinite`.
fn expected(format: &Magnitudes, x: f32, saturate: bool, infinite: bool) -> f32 {
    if x.is_nan() {
        return x;
    }
    let sign = if x.is_sign_negative() { -1.0 } else { 1.0 };
    let magnitude = match format.nearest(x.abs().into()) {
        Some(code) => format.values[code],
        None if saturate => format.values[format.values.len() - 1],
        None if infinite => f64::INFINITY,
        None => f64::NAN,
    };
    (sign * magnitude) as f32
}

/// Equal, zeros of either sign and all NaNs included.
fn same(a: f32, b: f32) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn eight_bits_round_to_the_nearest_code(x in floats(), saturate in any::<bool>()) {
        let e4m3 = Magnitudes::new(3, 7, 0x7e);
        let found = E4M3Fn::from_f32(x, saturate).to_f32();
        prop_assert!(same(found, expected(&e4m3, x, saturate, false)), "e4m3fn {} {}", x, found);

        let e4m3_uz = Magnitudes::new(3, 8, 0x7f);
        let found = E4M3FnUz::from_f32(x, saturate);
        prop_assert!(same(found.to_f32(), expected(&e4m3_uz, x, saturate, false)), "e4m3fnuz {} {:?}", x, found);
        prop_assert!(found.0 != 0x80 || found.to_f32().is_nan());

        let e5m2 = Magnitudes::new(2, 15, 0x7b);
        let found = E5M2::from_f32(x, saturate).to_f32();
        prop_assert!(same(found, expected(&e5m2, x, saturate, true)), "e5m2 {} {}", x, found);

        let e5m2_uz = Magnitudes::new(2, 16, 0x7f);
        let found = E5M2FnUz::from_f32(x, saturate).to_f32();
        prop_assert!(same(found, expected(&e5m2_uz, x, saturate, false)), "e5m2fnuz {} {}", x, found);
    }
}

proptest! {
    // Their codes are many, and every one is looked at.
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn sixteen_bits_round_once_from_f64(x in floats(), tail in -1.0..1.0f64) {
        // A number that f32 cannot hold, close to one that it can: rounding twice would show.
        let x = f64::from(x) * (1.0 + tail * 2f64.powi(-30));
        prop_assume!(!x.is_nan());
        let check = |format: Magnitudes, found: f64| {
            let magnitude = match format.nearest(x.abs()) {
                Some(code) => format.values[code],
                None => f64::INFINITY,
            };
            prop_assert_eq!(found.abs(), magnitude, "of {}", x);
            prop_assert_eq!(found.is_sign_negative(), x.is_sign_negative());
            Ok(())
        };
        check(Magnitudes::new(10, 15, 0x7bff), f64::from(<f16 as Num>::from_f64(x)))?;
        check(Magnitudes::new(7, 127, 0x7f7f), f64::from(<bf16 as Num>::from_f64(x)))?;
    }
}

#[test]
fn every_four_bit_code_has_its_value() {
    let codes: Vec<i16> = (0..16).collect();
    let mut tensor = Tensor::zeros(DType::F4E2M1, &[16]).unwrap();
    tensor.view_mut().pack(&codes).unwrap();
    let e2m1 = Magnitudes::new(1, 1, 7);
    let expected =
        [1.0, -1.0].into_iter().flat_map(|sign| e2m1.values.iter().map(move |&x| (sign * x) as f32));
    assert_eq!(tensor.view().to_f32s().unwrap(), expected.collect::<Vec<_>>());
}
