//! Functions of two numbers: operands that move along with the result or stand still.

use crate::vector::{Simd, Task, dispatch_plain};
use crate::{Isa, math};
use std::slice::{from_raw_parts, from_raw_parts_mut};

/// One side of a function.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// The result's own memory, which is overwritten.
    Result,
    /// Elements that move along with the result.
    Along(&'a [f32]),
    /// Elements of which each stands still during a run.
    Still(&'a [f32]),
}

/// A stretch of the result, and where the operands begin for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// How many elements.
    pub len: usize,
    /// Where the first operand begins.
    pub a: usize,
    /// Where the second one does.
    pub b: usize,
}

/// `y = f(a, b)` over the runs, which fill `y` from its beginning on. Panics where a run reaches past an
/// operand or the result.
pub fn binary(
    isa: Isa,
    function: Binary,
    (a, b): (Operand<'_>, Operand<'_>),
    y: &mut [f32],
    runs: &mut dyn Iterator<Item = Run>,
) {
    dispatch_plain(isa, Apply { function, a, b, y, runs });
}

struct Apply<'a> {
    function: Binary,
    a: Operand<'a>,
    b: Operand<'a>,
    y: &'a mut [f32],
    runs: &'a mut dyn Iterator<Item = Run>,
}

/// `len` results at `y`; of each operand where it begins and whether it moves along.
struct Stretch {
    a: *const f32,
    b: *const f32,
    a_moves: bool,
    b_moves: bool,
    y: *mut f32,
    len: usize,
}

impl Apply<'_> {
    /// The next run, checked.
    #[inline(always)]
    fn next(&mut self, done: &mut usize) -> Option<Stretch> {
        let run = self.runs.next()?;
        let y = &mut self.y[*done..][..run.len];
        *done += run.len;
        let place = |operand, at: usize| match operand {
            Operand::Result => (y.as_ptr(), true),
            Operand::Along(x) => (x[at..][..run.len].as_ptr(), true),
            // An empty run asks for nothing.
            Operand::Still(x) => (x[at..][..run.len.min(1)].as_ptr(), false),
        };
        let ((a, a_moves), (b, b_moves)) = (place(self.a, run.a), place(self.b, run.b));
        Some(Stretch { a, b, a_moves, b_moves, y: y.as_mut_ptr(), len: run.len })
    }
}

/// One loop over a stretch; `$load_a` and `$load_b` say how operands are read.
macro_rules! stretch {
    ($s:expr, $t:expr, $a:ident, $b:ident, $a_moves:literal, $b_moves:literal, $f:expr) => {{
        let Stretch { a, b, y, len, .. } = $t;
        let whole = len - len % S::LANES;
        // SAFETY: a stretch lies within what `next` has checked, and is not empty; the operands are read
        // before the result, which may be one of them, is written.
        unsafe {
            let (still_a, still_b) = ($s.splat(*a), $s.splat(*b));
            let mut i = 0;
            while i < whole {
                let $a = if $a_moves { $s.load_at(a.add(i)) } else { still_a };
                let $b = if $b_moves { $s.load_at(b.add(i)) } else { still_b };
                $s.store_at($f, y.add(i));
                i += S::LANES;
            }
            if whole < len {
                let rest = len - whole;
                let $a = if $a_moves { $s.load_some(from_raw_parts(a.add(whole), rest)) } else { still_a };
                let $b = if $b_moves { $s.load_some(from_raw_parts(b.add(whole), rest)) } else { still_b };
                $s.store_some($f, from_raw_parts_mut(y.add(whole), rest));
            }
        }
    }};
}

macro_rules! functions {
    (|$s:ident, $a:ident, $b:ident| $($(#[$doc:meta])* $name:ident $({ $parameter:ident })? = $f:expr;)*) => {
        /// A function of two numbers.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[allow(missing_docs, reason = "the parameters are those of the formulas")]
        pub enum Binary {
            $($(#[$doc])* $name $({ $parameter: f32 })?,)*
        }

        impl Task for Apply<'_> {
            type Output = ();

            #[inline(always)]
            fn run<S: Simd>(mut self, $s: S) {
                let mut done = 0;
                match self.function {
                    $(Binary::$name $({ $parameter })? => {
                        $(let $parameter = $s.splat($parameter);)?
                        while let Some(t) = self.next(&mut done) {
                            match (t.a_moves, t.b_moves) {
                                _ if t.len == 0 => {}
                                (true, true) => stretch!($s, t, $a, $b, true, true, $f),
                                (true, false) => stretch!($s, t, $a, $b, true, false, $f),
                                (false, true) => stretch!($s, t, $a, $b, false, true, $f),
                                (false, false) => stretch!($s, t, $a, $b, false, false, $f),
                            }
                        }
                    })*
                }
            }
        }
    };
}

functions! { |s, a, b|
    /// `a + b`
    Add = s.add(a, b);
    /// `a - b`
    Sub = s.sub(a, b);
    /// `a · b`
    Mul = s.mul(a, b);
    /// `a / b`
    Div = s.div(a, b);
    /// The larger; NaN where either is.
    Max = s.select(s.is_nan(a), a, s.max(a, b));
    /// The smaller; NaN where either is.
    Min = s.select(s.is_nan(a), a, s.min(a, b));
    /// `a` where it is not negative, else `a · b`.
    PRelu = s.select(s.lt(a, s.splat(0.0)), s.mul(a, b), a);
    /// `swish(a) · b`
    SwiGlu { alpha } = s.mul(math::swish(s, a, alpha), b);
    /// `gelu(a + b)`
    BiasGelu = math::gelu(s, s.add(a, b));
    /// [`Binary::BiasGelu`], approximated by a hyperbolic tangent.
    BiasGeluTanh = math::gelu_tanh(s, s.add(a, b));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formula(f: Binary, a: f32, b: f32) -> f32 {
        match f {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b,
            Binary::Div => a / b,
            Binary::Max if a.is_nan() || a > b => a,
            Binary::Min if a.is_nan() || a < b => a,
            Binary::PRelu if a < 0.0 => a * b,
            Binary::PRelu => a,
            _ => b,
        }
    }

    #[test]
    fn operands_move_or_stand_still_and_ends_are_exact() {
        use Binary::*;
        let nasty = [1.5f32, -0.0, f32::NAN, f32::INFINITY, -7.25, 1e-40, 0.0, 3e38, -2.0];
        for (isa, f) in
            Isa::supported().flat_map(|isa| [Add, Sub, Mul, Div, Max, Min, PRelu].map(|f| (isa, f)))
        {
            for len in 0..40 {
                let a: Vec<f32> = (0..2 * len + 1).map(|i| nasty[(i * 5 + len) % 9]).collect();
                let b: Vec<f32> = (0..2 * len + 1).map(|i| nasty[(i * 7 + 3) % 9]).collect();
                for still in 0..4 {
                    let (still_a, still_b) = (still & 1 == 1, still & 2 == 2);
                    let side = |x, still| if still { Operand::Still(x) } else { Operand::Along(x) };
                    let sides = (side(&a[..], still_a), side(&b[..], still_b));
                    let runs = [Run { len, a: 1, b: 0 }, Run { len, a: 0, b: 1 }];
                    let mut y = vec![0.0; 2 * len];
                    if len == 0 {
                        continue;
                    }
                    binary(isa, f, sides, &mut y, &mut runs.into_iter());
                    for (i, y) in y.iter().enumerate() {
                        let (run, k) = (runs[i / len], i % len);
                        let a = a[run.a + if still_a { 0 } else { k }];
                        let b = b[run.b + if still_b { 0 } else { k }];
                        let expected = formula(f, a, b);
                        let same = y.to_bits() == expected.to_bits() || y.is_nan() && expected.is_nan();
                        assert!(same, "{isa:?} {f:?}({a}, {b}) is {expected}, got {y}");
                    }
                }
                let mut y = a[..len].to_vec();
                binary(
                    isa,
                    f,
                    (Operand::Result, Operand::Along(&b)),
                    &mut y,
                    &mut [Run { len, a: 0, b: 0 }].into_iter(),
                );
                assert!((0..len).all(|i| y[i].is_nan() || y[i] == formula(f, a[i], b[i])), "in place");
            }
        }
    }

    #[test]
    #[should_panic]
    fn runs_past_an_operand_are_refused() {
        let runs = &mut [Run { len: 3, a: 0, b: 0 }].into_iter();
        binary(Isa::current(), Binary::Add, (Operand::Result, Operand::Along(&[1.0])), &mut [0.0; 3], runs);
    }
}
