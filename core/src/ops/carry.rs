//! The elements of shapes, carried symbolically through operators that only move them.
//!
//! Instead of a second, symbolic version of every such operator, its kernel is run on the elements'
//! positions; each output element then says which input element it is. An element that the kernel makes up
//! itself (padding) is 0.

use crate::cpu::{In, Io, Kernel, Out, Pool, RunContext};
use crate::graph::{Fact, Infer};
use crate::tensor::element_count;
use crate::{DType, Dim, Result, Tensor};
use std::sync::atomic::AtomicBool;

/// Tensors larger than this are no shapes.
const MOST: usize = 1024;

/// Fills in the elements of the outputs, whose dims the rule has set, where those of all inputs are known.
/// `moved` are the inputs whose elements are moved; the others say where to.
pub fn carry(op: &dyn Kernel, cx: &mut Infer<'_>, moved: impl Fn(usize) -> bool) -> Result<()> {
    let known = |i| cx.optional(i).is_none_or(Fact::is_known);
    // Constants are folded by running the operator itself.
    if (0..cx.input_count()).all(known) {
        return Ok(());
    }
    let Some((inputs, elements)) = positions(cx, moved) else { return Ok(()) };
    let Some(mut outputs) = outputs(cx) else { return Ok(()) };
    run(op, &inputs, &mut outputs)?;
    for (i, output) in outputs.into_iter().enumerate() {
        let (Some(output), Some(fact)) = (output, cx.answer(i)) else { continue };
        let (Some(dtype), Some(dims)) = (fact.dtype(), fact.dims.clone()) else { continue };
        let moved = output.slice::<i64>()?.iter().map(|&id| match id {
            0 => Dim::from(0),
            id => elements[id as usize - 1].clone(),
        });
        cx.set_ints(i, dtype, dims, moved.collect());
    }
    Ok(())
}

/// The inputs to run on, those that are moved replaced by positions from 1 on, and the elements there.
fn positions(cx: &Infer<'_>, moved: impl Fn(usize) -> bool) -> Option<(Vec<Option<Tensor>>, Vec<Dim>)> {
    let mut elements = Vec::new();
    let inputs = (0..cx.input_count())
        .map(|i| {
            let Some(fact) = cx.optional(i) else { return Some(None) };
            let shape = small(fact)?;
            if !moved(i) {
                return match fact.view() {
                    Some(view) => view.to_tensor().ok().map(Some),
                    None => Tensor::new(&shape, &cx.known_ints(i)?).ok().map(Some),
                };
            }
            let ints = cx.ints(i)?;
            let ids: Vec<i64> = (1..=ints.len()).map(|k| (elements.len() + k) as i64).collect();
            elements.extend(ints);
            Tensor::new(&shape, &ids).ok().map(Some)
        })
        .collect::<Option<Vec<_>>>()?;
    Some((inputs, elements))
}

fn outputs(cx: &Infer<'_>) -> Option<Vec<Option<Tensor>>> {
    (0..cx.output_count())
        .map(|i| match cx.answer(i) {
            None => Some(None),
            Some(fact) => Tensor::zeros(DType::I64, &small(fact)?).ok().map(Some),
        })
        .collect()
}

fn small(fact: &Fact) -> Option<crate::Shape> {
    fact.shape().filter(|shape| element_count(shape).is_ok_and(|n| n <= MOST))
}

fn run(op: &dyn Kernel, inputs: &[Option<Tensor>], outputs: &mut [Option<Tensor>]) -> Result<()> {
    let ins = inputs.iter().map(|t| t.as_ref().map_or(In::Absent, |t| In::Tensor(t.view()))).collect();
    let outs = outputs
        .iter_mut()
        .map(|t| t.as_mut().map_or(Out::Unwanted, |t| Out::Planned(t.view_mut())))
        .collect();
    let (pool, cancel) = (Pool::new(1), AtomicBool::new(false));
    let cx = RunContext::new(&pool, &cancel);
    op.run(&mut Io::new(ins, outs, &mut [], &cx))
}

#[cfg(test)]
mod tests {
    use crate::graph::{Fact, Infer};
    use crate::ops::{Attr, Attrs, Op};
    use crate::{DType, Dim, Tensor};

    fn apply(op: &str, attrs: &[(&str, Attr)], inputs: &[&Fact]) -> Fact {
        let attrs = attrs.iter().map(|(name, attr)| (name.to_string(), attr.clone())).collect();
        let attrs = Attrs::new("", op, 13, vec![true; inputs.len()], vec![true], attrs);
        let facts: Vec<Option<&Fact>> = inputs.iter().copied().map(Some).collect();
        let mut fresh = 0;
        let mut cx = Infer::new(&facts, 1, &mut fresh);
        Op::parse(attrs).and_then(|op| op.infer(&mut cx)).unwrap();
        cx.finish().unwrap().into_iter().flatten().next().unwrap()
    }

    fn ints(x: &[i64]) -> Fact {
        Fact::constant(Tensor::new(&[x.len()], x).unwrap())
    }

    #[test]
    fn a_computed_shape_stays_a_shape() {
        let (n, s) = (Dim::symbol("N"), Dim::symbol("S"));
        let x = Fact::tensor(DType::F32, [n.clone(), s.clone(), Dim::from(12)]);
        let shape = apply("Shape", &[], &[&x]);
        let batch = apply("Gather", &[], &[&shape, &Fact::constant(Tensor::scalar(0i64))]);
        let batch = apply("Unsqueeze", &[], &[&batch, &ints(&[0])]);
        let tail = apply("Slice", &[], &[&shape, &ints(&[-2]), &ints(&[i64::MAX])]);
        let width = apply("ReduceProd", &[("keepdims", Attr::Int(1))], &[&tail]);
        let heads = apply("Concat", &[("axis", Attr::Int(0))], &[&batch, &ints(&[3, -1])]);
        assert_eq!(width.ints().unwrap(), [s.clone() * Dim::from(12)]);
        let y = apply("Reshape", &[], &[&x, &heads]);
        assert_eq!(&y.dims.unwrap()[..], [n.clone(), Dim::from(3), s * Dim::from(4)]);
        let padded = apply("Pad", &[], &[&batch, &ints(&[1, 0])]);
        assert_eq!(padded.ints().unwrap(), [Dim::from(0), n]);
    }
}
