//! What rules that look for a shape of graph have in common: reading it backwards from its last node.

use super::Draft;
use crate::graph::{NodeId, ValueId};
use crate::ops::Op;
use crate::ops::align::Align;
use crate::ops::binary::Function;
use crate::ops::reduce::Reduce;
use crate::ops::unary::Unary;

/// Reads a graph backwards.
#[derive(Clone, Copy)]
pub struct Pattern<'a> {
    draft: &'a Draft,
}

impl<'a> Pattern<'a> {
    /// Of that graph.
    pub fn of(draft: &'a Draft) -> Pattern<'a> {
        Pattern { draft }
    }

    /// The operator of a node, what it takes first and second, and its first output.
    pub fn node(self, id: NodeId) -> Option<(&'a Op, &'a [Option<ValueId>], ValueId)> {
        let node = self.draft.get(id)?;
        Some((&node.op, &node.inputs, node.outputs.first().copied()??))
    }

    /// The two sides of the arithmetic that made a value.
    pub fn binary(self, value: ValueId, function: Function) -> Option<[ValueId; 2]> {
        let node = self.draft.maker(value)?;
        match (&node.op, &node.inputs[..]) {
            (Op::Binary(op), &[Some(a), Some(b)]) if op.function == function && op.align == Align::Numpy => {
                Some([a, b])
            }
            _ => None,
        }
    }

    /// What the function was applied to that made a value.
    pub fn unary(self, value: ValueId, function: Unary) -> Option<ValueId> {
        let node = self.draft.maker(value)?;
        match (&node.op, &node.inputs[..]) {
            (Op::Unary(op), &[Some(x)]) if **op == function => Some(x),
            _ => None,
        }
    }

    /// Both orders of the sides of a sum or product.
    pub fn either(self, value: ValueId, function: Function) -> impl Iterator<Item = [ValueId; 2]> {
        self.binary(value, function).into_iter().flat_map(|[a, b]| [[a, b], [b, a]])
    }

    /// A float constant of one element.
    pub fn scalar(self, value: ValueId) -> Option<f64> {
        let view = self.draft.single(value).filter(|view| view.dtype().is_float())?;
        view.to_f32s().ok()?.first().map(|&x| x.into())
    }

    /// Whether a value is a constant of one element near `x`: exporters round as they please.
    pub fn is(self, value: ValueId, x: f64) -> bool {
        self.scalar(value).is_some_and(|got| (got - x).abs() <= 1e-3 * x.abs())
    }

    /// The other factor of a product with a constant near `factor`, or of a quotient by its inverse.
    pub fn scaled(self, value: ValueId, factor: f64) -> Option<ValueId> {
        let product = self.either(value, Function::Mul).find(|[_, c]| self.is(*c, factor));
        let quotient = || self.binary(value, Function::Div).filter(|[_, c]| self.is(*c, 1.0 / factor));
        product.or_else(quotient).map(|[x, _]| x)
    }

    /// The other term of a sum with a constant near `term`.
    pub fn plus(self, value: ValueId, term: f64) -> Option<ValueId> {
        self.either(value, Function::Add).find(|[_, c]| self.is(*c, term)).map(|[x, _]| x)
    }

    /// `x`, of x² written as a power or a product.
    pub fn squared(self, value: ValueId) -> Option<ValueId> {
        let power = self.binary(value, Function::Pow).filter(|[_, two]| self.is(*two, 2.0));
        let product = || self.binary(value, Function::Mul).filter(|[a, b]| a == b);
        power.or_else(product).map(|[x, _]| x)
    }

    /// The factors of a product of products. What is used elsewhere too is a factor of its own.
    pub fn factors(self, value: ValueId) -> Vec<ValueId> {
        const MOST: usize = 4;
        let mut factors = vec![value];
        let mut next = 0;
        while let Some(&factor) = factors.get(next) {
            let own = next == 0 || self.draft.only_user(factor).is_some();
            match self.binary(factor, Function::Mul).filter(|_| own && factors.len() < MOST) {
                Some([a, b]) => {
                    factors[next] = a;
                    factors.push(b);
                }
                None => next += 1,
            }
        }
        factors
    }

    /// The reduction that made a value, and its inputs.
    pub fn reduce(self, value: ValueId) -> Option<(&'a Reduce, &'a [Option<ValueId>])> {
        let node = self.draft.maker(value)?;
        match &node.op {
            Op::Reduce(op) => Some((op, &node.inputs)),
            _ => None,
        }
    }

    /// Whether a value has the dims of another, but for one in place of its last, known, dim of more.
    pub fn keeps_all_but_last(self, value: ValueId, of: ValueId) -> bool {
        let dims = |id| self.draft.fact(id).and_then(|fact| fact.dims.as_deref());
        match (dims(value), dims(of)) {
            (Some([kept @ .., one]), Some([outer @ .., last])) => {
                kept == outer && one.known() == Some(1) && last.known().is_some_and(|n| n > 1)
            }
            _ => false,
        }
    }

    /// Whether two values surely have the same shape.
    pub fn same_shape(self, a: ValueId, b: ValueId) -> bool {
        let dims = |id| self.draft.fact(id).and_then(|fact| fact.dims.as_ref());
        dims(a).is_some() && dims(a) == dims(b)
    }

    /// Whether a value is one row as long as the last axis of another.
    pub fn is_row_of(self, row: ValueId, of: ValueId) -> bool {
        let dims = |id| self.draft.fact(id).and_then(|fact| fact.dims.as_deref());
        match (dims(row), dims(of)) {
            (Some([len]), Some([.., last])) => len == last && len.known().is_some(),
            _ => false,
        }
    }
}
