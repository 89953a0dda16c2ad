//! Functions of one number: each element by itself.

use crate::math::{Floats, Several};
use crate::vector::{Simd, Task, dispatch_plain};
use crate::{Isa, math};
use std::ptr::copy_nonoverlapping;

/// `y = f(x)` for every element; both must be equally long.
pub fn unary(isa: Isa, function: Unary, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len());
    dispatch_plain(isa, Apply { function, x: x.as_ptr(), y: y.as_mut_ptr(), len: y.len() });
}

/// `y = f(y)` for every element.
pub fn unary_in_place(isa: Isa, function: Unary, y: &mut [f32]) {
    dispatch_plain(isa, Apply { function, x: y.as_ptr(), y: y.as_mut_ptr(), len: y.len() });
}

/// `len` elements are read at `x` and written at `y`, which is the same place or apart from it.
struct Apply {
    function: Unary,
    x: *const f32,
    y: *mut f32,
    len: usize,
}

/// Vectors that are computed side by side.
const SIDE: usize = 4;
/// Elements of so many of the widest set.
const MOST: usize = SIDE * 16;

/// A loop over the elements; those at the end go through a buffer, so that there is one copy of the formula. A
/// macro, because closures are not sure to be compiled for the instruction set.
macro_rules! each {
    ($apply:expr, $s:expr, $x:ident => $f:expr) => {{
        let Apply { x, y, len, .. } = $apply;
        let group = SIDE * S::LANES;
        let mut buffer = [0f32; MOST];
        let mut i = 0;
        while i < len {
            let left = (len - i).min(group);
            // SAFETY: as many elements are left in both places, and the buffer has room for a group.
            unsafe {
                let (from, to) = if left < group {
                    copy_nonoverlapping(x.add(i), buffer.as_mut_ptr(), left);
                    (buffer.as_ptr(), buffer.as_mut_ptr())
                } else {
                    (x.add(i), y.add(i))
                };
                let mut $x = [$s.load_at(from); SIDE];
                for v in 1..SIDE {
                    $x[v] = $s.load_at(from.add(v * S::LANES));
                }
                let result = $f;
                for v in 0..SIDE {
                    $s.store_at(result[v], to.add(v * S::LANES));
                }
                if left < group {
                    copy_nonoverlapping(buffer.as_ptr(), y.add(i), left);
                }
            }
            i += left;
        }
    }};
}

/// The table of functions. Parameters come as vectors of equal lanes.
macro_rules! functions {
    (|$s:ident, $x:ident| $($(#[$doc:meta])* $name:ident $({ $($parameter:ident),* })? = $f:expr;)*) => {
        /// A function of one number.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[allow(missing_docs, reason = "the parameters are those of the formulas")]
        pub enum Unary {
            $($(#[$doc])* $name $({ $($parameter: f32),* })?,)*
        }

        impl Task for Apply {
            type Output = ();

            #[inline(always)]
            fn run<S: Simd>(self, s: S) {
                let $s = Several::<S, SIDE>(s);
                match self.function {
                    $(Unary::$name $({ $($parameter),* })? => {
                        $($(let $parameter = $s.splat($parameter);)*)?
                        each!(self, s, $x => $f)
                    })*
                }
            }
        }
    };
}

functions! { |s, x|
    /// Without its sign.
    Abs = s.abs(x);
    /// With the other sign.
    Neg = s.neg(x);
    /// To the nearest integer, halves to even.
    Round = s.round(x);
    /// The square root.
    Sqrt = s.sqrt(x);
    /// `1 / x`
    Reciprocal = s.div(s.splat(1.0), x);
    /// `e^x`
    Exp = math::exp(s, x);
    /// The error function.
    Erf = math::erf(s, x);
    /// The hyperbolic tangent.
    Tanh = math::tanh(s, x);
    /// `1 / (1 + e^-x)`
    Sigmoid = math::sigmoid(s, x);
    /// `x · sigmoid(alpha · x)`
    Swish { alpha } = math::swish(s, x, alpha);
    /// `x · Φ(x)`
    Gelu = math::gelu(s, x);
    /// The approximation of [`Unary::Gelu`] by a hyperbolic tangent.
    GeluTanh = math::gelu_tanh(s, x);
    /// 0 where it is negative.
    Relu = s.max(s.splat(0.0), x);
    /// `alpha · x` where it is negative.
    LeakyRelu { alpha } = s.select(s.lt(x, s.splat(0.0)), s.mul(alpha, x), x);
    /// `alpha · x + beta`, cut off at 0 and 1.
    HardSigmoid { alpha, beta } = math::hard_sigmoid(s, x, alpha, beta);
    /// `x · hard_sigmoid(x / 6 + 1 / 2)`
    HardSwish = s.mul(x, math::hard_sigmoid(s, x, s.splat(1.0 / 6.0), s.splat(0.5)));
    /// Cut off at both ends; `high` where they cross.
    Clip { low, high } = {
        let raised = s.select(s.is_nan(x), x, s.max(x, low));
        s.select(s.is_nan(raised), raised, s.min(raised, high))
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIMPLE: [Unary; 9] = [
        Unary::Abs,
        Unary::Neg,
        Unary::Round,
        Unary::Sqrt,
        Unary::Reciprocal,
        Unary::Relu,
        Unary::LeakyRelu { alpha: 0.1 },
        Unary::HardSigmoid { alpha: 0.2, beta: 0.5 },
        Unary::Clip { low: -1.5, high: 6.0 },
    ];

    fn formula(f: Unary, x: f32) -> f32 {
        match f {
            Unary::Abs => x.abs(),
            Unary::Neg => -x,
            Unary::Round => x.round_ties_even(),
            Unary::Sqrt => x.sqrt(),
            Unary::Reciprocal => 1.0 / x,
            Unary::Relu if x < 0.0 => 0.0,
            Unary::LeakyRelu { alpha } if x < 0.0 => alpha * x,
            Unary::HardSigmoid { alpha, beta } => (alpha * x + beta).clamp(0.0, 1.0),
            Unary::Clip { low, .. } if x < low => low,
            Unary::Clip { high, .. } if x > high => high,
            _ => x,
        }
    }

    #[test]
    fn simple_functions_are_exact_wherever_an_element_lies() {
        let nasty = [0.0, -0.0, 0.5, 2.5, -3.5, 1e-40, -1e-40, f32::MAX, f32::NEG_INFINITY, f32::NAN, 7.25];
        for (isa, f) in Isa::supported().flat_map(|isa| SIMPLE.map(|f| (isa, f))) {
            for len in 0..50 {
                let x: Vec<f32> = (0..len).map(|i| nasty[(i * 7 + len) % nasty.len()]).collect();
                let mut y = vec![9.0; len + 1];
                unary(isa, f, &x, &mut y[..len]);
                for (x, y) in x.iter().zip(&y) {
                    let expected = formula(f, *x);
                    let same = y.to_bits() == expected.to_bits() || y.is_nan() && expected.is_nan();
                    assert!(same, "{isa:?} {f:?}({x}) is {expected}, got {y}");
                }
                assert_eq!(y[len], 9.0);
                let mut z = x.clone();
                unary_in_place(isa, f, &mut z);
                assert!(z.iter().zip(&y).all(|(z, y)| z.to_bits() == y.to_bits()), "{isa:?} {f:?} in place");
            }
        }
    }

    #[test]
    fn crossed_limits_give_the_upper_one() {
        for isa in Isa::supported() {
            let mut y = [0.0, f32::NAN];
            unary_in_place(isa, Unary::Clip { low: 3.0, high: 1.0 }, &mut y);
            assert!(y[0] == 1.0 && y[1].is_nan());
        }
    }
}
