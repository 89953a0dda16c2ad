//! Every function of every instruction set against libm in f64, on a grid over all f32s.

use crate::Isa;
use crate::elementwise::{Unary, unary, unary_in_place};

/// Every so many-th number is tried: all signs, exponents and denormals are among them.
const STEP: usize = 977;

/// The distance of `y` from the truth, in units of the truth's last place.
fn ulps(y: f32, truth: f64) -> f64 {
    let nearest = truth as f32;
    if y.is_nan() || nearest.is_nan() || nearest.is_infinite() || y.is_infinite() {
        let same = y.is_nan() && truth.is_nan() || y == nearest;
        // Within one step of where f32 ends, either side may round away from the other.
        return if same || y.abs() >= f32::MAX && nearest.abs() >= f32::MAX { 0.0 } else { f64::INFINITY };
    }
    let exponent = nearest.abs().max(f32::MIN_POSITIVE).to_bits() >> 23;
    (f64::from(y) - truth).abs() / f64::from(exponent as i32 - 150).exp2()
}

fn worst(f: Unary, limit: f64, truth: impl Fn(f64) -> f64) {
    let x: Vec<f32> = (0..=u32::MAX).step_by(STEP).map(f32::from_bits).collect();
    let truths: Vec<f64> = x.iter().map(|&x| truth(f64::from(x))).collect();
    for isa in Isa::supported() {
        let mut y = vec![0.0; x.len()];
        unary(isa, f, &x, &mut y);
        let (mut most, mut at) = (0.0, 0.0);
        for ((&x, &y), &truth) in x.iter().zip(&y).zip(&truths) {
            let error = ulps(y, truth);
            if error > most {
                (most, at) = (error, x);
            }
        }
        println!("{isa:?} {f:?}: {most:.3} ulp at {at:e}");
        assert!(most <= limit, "{isa:?} {f:?}: {most} ulp at {at:e}");
    }
}

#[test]
fn exp_is_nearly_the_nearest_number() {
    worst(Unary::Exp, 1.1, libm::exp);
}

#[test]
fn erf_is_within_one_and_a_half_ulps() {
    worst(Unary::Erf, 1.5, libm::erf);
}

#[test]
fn tanh_is_nearly_the_nearest_number() {
    worst(Unary::Tanh, 1.3, libm::tanh);
}

#[test]
fn sigmoid_is_near_and_zero_where_it_is_no_normal_number() {
    worst(Unary::Sigmoid, 2.3, |x| if x < -88.722 { 0.0 } else { 1.0 / (1.0 + libm::exp(-x)) });
}

/// Their formulas cancel where x is negative: the error is measured against x itself.
#[test]
fn gelus_are_within_a_few_parts_of_their_argument() {
    let gelu = |x: f64| 0.5 * x * (1.0 + libm::erf(x / 2f64.sqrt()));
    let tanh = |x: f64| {
        0.5 * x * (1.0 + libm::tanh((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)))
    };
    let swish = |x: f64| x / (1.0 + libm::exp(-1.702 * x));
    let x: Vec<f32> = (-20_000..20_000).map(|i| i as f32 * 1e-3).collect();
    for isa in Isa::supported() {
        for (f, truth) in [
            (Unary::Gelu, &gelu as &dyn Fn(f64) -> f64),
            (Unary::GeluTanh, &tanh),
            (Unary::Swish { alpha: 1.702 }, &swish),
        ] {
            let mut y = vec![0.0; x.len()];
            unary(isa, f, &x, &mut y);
            for (&x, &y) in x.iter().zip(&y) {
                let error = (f64::from(y) - truth(x.into())).abs();
                assert!(error <= 4e-7 * f64::from(x.abs()), "{isa:?} {f:?}({x}) is off by {error:e}");
            }
        }
    }
}

#[test]
fn ends_of_the_line() {
    const INF: f32 = f32::INFINITY;
    for isa in Isa::supported() {
        let at = |f, x: f32| {
            let mut y = [x; 3];
            unary_in_place(isa, f, &mut y);
            y[2]
        };
        let expected = [
            (Unary::Exp, [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (-200.0, 0.0), (89.5, INF)]),
            (Unary::Erf, [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (4.5, 1.0), (-4.5, -1.0)]),
            (Unary::Tanh, [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (12.0, 1.0), (1e-40, 1e-40)]),
            (Unary::Sigmoid, [(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (50.0, 1.0), (-200.0, 0.0)]),
            (Unary::Gelu, [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (9.0, 9.0), (-9.0, -0.0), (-30.0, -0.0)]),
        ];
        for (f, points) in expected {
            for (x, y) in points {
                assert_eq!(at(f, x).to_bits(), f32::to_bits(y), "{isa:?} {f:?}({x})");
            }
            assert!(at(f, f32::NAN).is_nan(), "{isa:?} {f:?}");
        }
    }
}
