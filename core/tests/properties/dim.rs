//! Symbolic sizes against plain numbers: what a [`Dim`] evaluates to is what the same arithmetic gives.

use edgewise_core::Dim;
use proptest::prelude::*;

/// An expression, to be built as a `Dim` and computed as a number.
#[derive(Clone, Debug)]
enum Expr {
    Number(i64),
    Symbol(usize),
    Binary(Op, Box<Expr>, Box<Expr>),
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Add,
    Sub,
    Mul,
    DivFloor,
    DivCeil,
    Min,
    Max,
}

const SYMBOLS: [&str; 3] = ["batch", "heads", "length"];

impl Expr {
    fn dim(&self) -> Dim {
        let (op, a, b) = match self {
            Expr::Number(n) => return Dim::from(*n),
            Expr::Symbol(i) => return Dim::symbol(SYMBOLS[*i]),
            Expr::Binary(op, a, b) => (op, a.dim(), b.dim()),
        };
        match op {
            Op::Add => a + b,
            Op::Sub => a - b,
            Op::Mul => a * b,
            Op::DivFloor => a.div_floor(&b),
            Op::DivCeil => a.div_ceil(&b),
            Op::Min => Dim::smaller(&a, &b),
            Op::Max => Dim::larger(&a, &b),
        }
    }

    /// The number; `None` where something is divided by zero (the size of nothing) or overflows (where a
    /// `Dim` saturates).
    fn number(&self, sizes: &[i64; 3]) -> Option<i64> {
        let (op, a, b) = match self {
            Expr::Number(n) => return Some(*n),
            Expr::Symbol(i) => return Some(sizes[*i]),
            Expr::Binary(op, a, b) => (op, a.number(sizes)?, b.number(sizes)?),
        };
        match op {
            Op::Add => a.checked_add(b),
            Op::Sub => a.checked_sub(b),
            Op::Mul => a.checked_mul(b),
            Op::DivFloor => (b != 0).then(|| (a as f64 / b as f64).floor() as i64),
            Op::DivCeil => (b != 0).then(|| (a as f64 / b as f64).ceil() as i64),
            Op::Min => Some(a.min(b)),
            Op::Max => Some(a.max(b)),
        }
    }

    /// No intermediate result of the multiplied-out form is larger, whatever the signs.
    fn bound(&self, sizes: &[i64; 3]) -> f64 {
        match self {
            Expr::Number(n) => n.abs().max(1) as f64,
            Expr::Symbol(i) => sizes[*i].max(1) as f64,
            Expr::Binary(Op::Mul, a, b) => a.bound(sizes) * b.bound(sizes),
            Expr::Binary(_, a, b) => a.bound(sizes) + b.bound(sizes),
        }
    }
}

fn exprs() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![(-9..100i64).prop_map(Expr::Number), (0..3usize).prop_map(Expr::Symbol)];
    let op = prop_oneof![
        3 => Just(Op::Add),
        2 => Just(Op::Sub),
        3 => Just(Op::Mul),
        2 => Just(Op::DivFloor),
        1 => Just(Op::DivCeil),
        1 => Just(Op::Min),
        1 => Just(Op::Max),
    ];
    leaf.prop_recursive(4, 12, 2, move |inner| {
        (op.clone(), inner.clone(), inner).prop_map(|(op, a, b)| Expr::Binary(op, a.into(), b.into()))
    })
}

/// Sizes, zero and one among them more often than chance would have it.
fn sizes() -> impl Strategy<Value = [i64; 3]> {
    let size = || prop_oneof![1 => 0..3i64, 2 => 0..500i64];
    (size(), size(), size()).prop_map(<[i64; 3]>::from)
}

fn eval(dim: &Dim, sizes: &[i64; 3]) -> Option<i64> {
    dim.eval(&|name| Some(sizes[SYMBOLS.iter().position(|s| *s == name)?]))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, max_global_rejects: 200_000, ..Default::default() })]

    #[test]
    fn a_dim_evaluates_to_what_the_arithmetic_gives(expr in exprs(), sizes in sizes()) {
        // Below 2^50 the reference's division in f64 is exact enough, too.
        prop_assume!(expr.bound(&sizes) < 2f64.powi(50));
        let Some(number) = expr.number(&sizes) else { return Err(TestCaseError::reject("no number")) };
        let dim = expr.dim();
        prop_assert_eq!(eval(&dim, &sizes), Some(number), "{}", dim);
        // What is called never negative is not.
        prop_assert!(number >= 0 || !dim.is_never_negative(), "{}", dim);
    }

    #[test]
    fn equal_polynomials_are_equal_dims(a in exprs(), b in exprs(), c in exprs(), sizes in sizes()) {
        prop_assume!([&a, &b, &c].map(|e| e.bound(&sizes)).iter().product::<f64>() < 2f64.powi(60));
        let (a, b, c) = (a.dim(), b.dim(), c.dim());
        prop_assert_eq!(a.clone() + b.clone(), b.clone() + a.clone());
        prop_assert_eq!(a.clone() * b.clone(), b.clone() * a.clone());
        prop_assert_eq!((a.clone() + b.clone()) + c.clone(), a.clone() + (b.clone() + c.clone()));
        prop_assert_eq!(
            a.clone() * (b.clone() + c.clone()),
            a.clone() * b.clone() + a.clone() * c.clone()
        );
        prop_assert_eq!((a.clone() + b.clone()) - b, a);
    }
}
