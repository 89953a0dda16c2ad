//! Symbolic elements through element-wise operators: how a shape that a model computes stays a shape.

use crate::cpu::broadcast::Broadcast;
use crate::graph::Infer;
use crate::{DType, Dim, Result, Shape};

/// More elements than this are data, not a shape.
const MOST: usize = 1024;

/// Adds to output 0, whose type and dims are answered already, the elements `f(inputs)`, where all inputs'
/// elements are known and `f` can tell every one. `i32` results that would have wrapped stay unknown.
pub fn propagate<const N: usize>(
    cx: &mut Infer<'_>,
    inputs: [usize; N],
    dtype: DType,
    f: impl Fn([&Dim; N]) -> Option<Dim>,
) -> Result<()> {
    if !matches!(dtype, DType::I64 | DType::I32 | DType::Bool) {
        return Ok(());
    }
    let mut shapes: [Shape; N] = std::array::from_fn(|_| Shape::new());
    let mut elements: [Vec<Dim>; N] = std::array::from_fn(|_| Vec::new());
    for (n, i) in inputs.into_iter().enumerate() {
        let Some(shape) = cx.optional(i).and_then(|fact| fact.shape()) else { return Ok(()) };
        if shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).is_none_or(|n| n > MOST) {
            return Ok(());
        }
        let Some(ints) = cx.ints(i) else { return Ok(()) };
        (shapes[n], elements[n]) = (shape, ints);
    }
    let refs: [&[usize]; N] = std::array::from_fn(|n| &shapes[n][..]);
    let shape = crate::cpu::broadcast::broadcast_shape(&refs)?;
    let walk = Broadcast::new(&shape, refs)?;
    let count: usize = shape.iter().product();
    if count > MOST {
        return Ok(());
    }
    let mut out = Vec::with_capacity(count);
    for run in walk.runs(0..count) {
        for k in 0..run.out.len() {
            match f(std::array::from_fn(|n| &elements[n][run.at[n] + k * walk.step(n)])) {
                Some(x) if fits(&x, dtype) => out.push(x),
                _ => return Ok(()),
            }
        }
    }
    cx.set_ints(0, dtype, shape.iter().map(|&d| Dim::from(d)).collect(), out);
    Ok(())
}

fn fits(x: &Dim, dtype: DType) -> bool {
    match x.known() {
        Some(x) if dtype == DType::I32 => i32::try_from(x).is_ok(),
        // Saturated arithmetic ends there; the kernel would have wrapped.
        Some(x) => x != i64::MAX && x != i64::MIN,
        None => true,
    }
}

/// Whether the two are equal, where that is certain: sizes are never negative.
pub fn equal(a: &Dim, b: &Dim) -> Option<bool> {
    let never = |a: &Dim, b: &Dim| a.known().is_some_and(|n| n < 0) && b.is_never_negative();
    match (a.clone() - b.clone()).known() {
        Some(difference) => Some(difference == 0),
        None if never(a, b) || never(b, a) => Some(false),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::graph::{Fact, Known};
    use crate::ops::{Attrs, Op};
    use std::collections::BTreeMap;

    fn known(elements: &[Dim]) -> Fact {
        let fact = Fact::sized(DType::I64, &[elements.len()]);
        Fact { known: Some(Known::Dims(elements.to_vec())), ..fact }
    }

    fn ints(elements: &[i64]) -> Fact {
        Fact::constant(Tensor::new(&[elements.len()], elements).unwrap())
    }

    fn infer(op: &str, inputs: &[&Fact]) -> Fact {
        let there = vec![true; inputs.len()];
        let op = Op::parse(Attrs::new("", op, 14, there, vec![true], BTreeMap::new())).unwrap();
        let (inputs, mut fresh): (Vec<_>, _) = (inputs.iter().map(|&fact| Some(fact)).collect(), 0);
        let mut cx = Infer::new(&inputs, 1, &mut fresh);
        op.infer(&mut cx).unwrap();
        cx.finish().unwrap()[0].clone().unwrap()
    }

    #[test]
    fn shapes_stay_known_through_arithmetic() {
        let (n, two) = (Dim::symbol("N"), Dim::from(2));
        let shape = known(&[n.clone(), Dim::from(6)]);
        let of = |op: &str, by: &Fact| infer(op, &[&shape, by]).ints();
        assert_eq!(of("Add", &ints(&[1])), Some(vec![n.clone() + Dim::from(1), Dim::from(7)]));
        assert_eq!(of("Mul", &ints(&[2])), Some(vec![n.clone() * two.clone(), Dim::from(12)]));
        assert_eq!(of("Div", &ints(&[2])), Some(vec![n.div_floor(&two), Dim::from(3)]));
        assert_eq!(of("Max", &ints(&[8])), Some(vec![Dim::larger(&n, &Dim::from(8)), Dim::from(8)]));
        assert_eq!(of("Div", &ints(&[0])), None);
        assert_eq!(of("Div", &known(&[n.clone() - Dim::from(9)])), None);
    }

    #[test]
    fn the_minus_one_of_expand_is_replaced_though_sizes_are_symbols() {
        let shape = known(&[Dim::symbol("N"), Dim::from(-1)]);
        let is_minus_one = infer("Equal", &[&shape, &ints(&[-1])]);
        let fixed = infer("Where", &[&is_minus_one, &ints(&[1]), &shape]);
        assert_eq!(fixed.ints(), Some(vec![Dim::symbol("N"), Dim::from(1)]));
        assert_eq!(infer("Equal", &[&shape, &ints(&[3])]).ints(), None);
    }
}
