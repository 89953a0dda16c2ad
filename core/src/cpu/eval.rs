//! One operator applied to owned values: constant folding, and tests.

use super::{In, Io, Kernel, Out, Pool, RunContext};
use crate::graph::{Fact, Infer};
use crate::ops::Op;
use crate::{DType, Result, Tensor, Value};
use std::sync::atomic::AtomicBool;

/// The outputs of `op`, as many as `wanted` has entries; what is not wanted is `None`.
pub fn eval(op: &Op, inputs: &[Option<Value>], wanted: &[bool]) -> Result<Vec<Option<Value>>> {
    eval_on(op, op.kernel(), 1, inputs, wanted)
}

/// The one output of `op`, which is a tensor.
pub fn eval_one(op: &Op, inputs: &[Option<Tensor>]) -> Result<Tensor> {
    let inputs: Vec<Option<Value>> = inputs.iter().map(|tensor| tensor.clone().map(Value::from)).collect();
    match eval(op, &inputs, &[true])?.into_iter().next().flatten() {
        Some(Value::Tensor(tensor)) => Ok(tensor),
        _ => Err(err!(Internal, "an operator on constants gives no tensor")),
    }
}

/// The outputs of `op`, computed by a kernel that was made for the operator, on so many threads.
fn eval_on(
    op: &Op,
    kernel: &dyn Kernel,
    threads: usize,
    inputs: &[Option<Value>],
    wanted: &[bool],
) -> Result<Vec<Option<Value>>> {
    let facts: Vec<Option<Fact>> = inputs.iter().map(|v| v.as_ref().map(fact_of)).collect();
    let facts: Vec<Option<&Fact>> = facts.iter().map(Option::as_ref).collect();
    let mut fresh = 0;
    let mut infer = Infer::new(&facts, wanted.len(), &mut fresh);
    op.infer(&mut infer)?;
    let facts = infer.finish()?;

    let mut results: Vec<Option<Value>> = Vec::new();
    let mut shapes = Vec::new();
    for (fact, &wanted) in facts.iter().zip(wanted) {
        let shape = fact.as_ref().and_then(Fact::shape);
        let planned = match (fact.as_ref().and_then(Fact::dtype), &shape) {
            (Some(dtype), Some(shape)) if wanted && dtype != DType::Str => {
                Some(Value::Tensor(Tensor::zeros(dtype, shape)?))
            }
            _ => None,
        };
        results.push(planned);
        shapes.push(shape);
    }

    let (pool, cancel) = (Pool::new(threads), AtomicBool::new(false));
    let cx = RunContext::new(&pool, &cancel);
    let ins = inputs
        .iter()
        .enumerate()
        .map(|(i, v)| match v {
            None => In::Absent,
            Some(_) if kernel.packed().contains(&i) => In::Absent,
            Some(Value::Tensor(t)) => In::Tensor(t.view()),
            Some(other) => In::Value(other),
        })
        .collect::<Vec<_>>();
    let in_shapes: Vec<&[usize]> = inputs.iter().map(shape_of).collect();
    let out_shapes: Vec<&[usize]> = results.iter().map(shape_of).collect();
    let mut scratch = crate::Buffer::zeroed(kernel.scratch_bytes(&in_shapes, &out_shapes)?)?;
    let outs = results
        .iter_mut()
        .zip(&shapes)
        .zip(facts.iter().zip(wanted))
        .map(|((slot, shape), (fact, &wanted))| {
            if !wanted {
                return Ok(Out::Unwanted);
            }
            if slot.is_some() {
                let Some(Value::Tensor(t)) = slot else { unreachable!("planned outputs are tensors") };
                return Ok(Out::Planned(t.view_mut()));
            }
            let fact = fact.as_ref().ok_or_else(|| err!(Internal, "no shape rule for a wanted output"))?;
            Ok(Out::Made { kind: fact.kind.clone(), shape: shape.as_deref(), slot })
        })
        .collect::<Result<Vec<_>>>()?;
    kernel.run(&mut Io::new(ins, outs, scratch.as_mut(), &cx))?;
    for (result, &wanted) in results.iter().zip(wanted) {
        ensure!(result.is_some() == wanted, Internal, "the kernel did not make a wanted output");
    }
    Ok(results)
}

fn shape_of(value: &Option<Value>) -> &[usize] {
    match value {
        Some(Value::Tensor(t)) => t.shape(),
        _ => &[],
    }
}

fn fact_of(value: &Value) -> Fact {
    match value {
        Value::Tensor(t) => Fact::constant(t.clone()),
        other => Fact::of(other.kind()),
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A short way to run one operator in a unit test.

    use super::*;
    use crate::cpu::Lowering;
    use crate::ops::{Attr, Attrs};

    /// Runs `op` of `domain` at `version` with all outputs wanted.
    pub fn run(
        op: (&str, &str, i64),
        attrs: &[(&str, Attr)],
        inputs: &[Option<Value>],
        outputs: usize,
    ) -> Result<Vec<Value>> {
        let results = eval(&parse(op, attrs, inputs, outputs)?, inputs, &vec![true; outputs])?;
        Ok(results.into_iter().flatten().collect())
    }

    /// Runs `op` as [`run`] does, and lowered with the inputs in `constants` known, on one thread and on
    /// three; all must give the same bytes. The output, or the error that all of them end with.
    pub fn lowered_as_plain(
        op: (&str, &str, i64),
        attrs: &[(&str, Attr)],
        inputs: &[Option<Value>],
        constants: &[usize],
    ) -> Result<Value> {
        op_lowered_as_plain(&parse(op, attrs, inputs, 1)?, inputs, constants)
    }

    /// The same for an operator that no attributes say.
    pub fn op_lowered_as_plain(op: &Op, inputs: &[Option<Value>], constants: &[usize]) -> Result<Value> {
        let plain = run_op(op, inputs);
        for threads in [1, 3] {
            match (&plain, op_lowered(op, inputs, constants, threads)) {
                (Ok(plain), Ok(fast)) => {
                    let fast = fast.tensor()?;
                    assert_eq!(plain.tensor()?.shape(), fast.shape());
                    assert_eq!(plain.tensor()?.view().bytes(), fast.view().bytes(), "{threads} threads");
                }
                (Err(_), Err(_)) => {}
                (plain, fast) => panic!("{plain:?} and {:?}", fast.map(|_| ())),
            }
        }
        plain
    }

    /// The output of an operator that was lowered with the inputs in `constants` known.
    pub fn op_lowered(
        op: &Op,
        inputs: &[Option<Value>],
        constants: &[usize],
        threads: usize,
    ) -> Result<Value> {
        let known = |(i, value): (usize, &Option<Value>)| {
            value.as_ref().filter(|_| constants.contains(&i)).map(fact_of)
        };
        let facts: Vec<Option<Fact>> = inputs.iter().enumerate().map(known).collect();
        let facts: Vec<Option<&Fact>> = facts.iter().map(Option::as_ref).collect();
        let present: Vec<bool> = inputs.iter().map(Option::is_some).collect();
        let lowered = op.kernel().lower(&Lowering { inputs: &facts, present: &present, beside: None })?;
        let lowered = lowered.expect("these constants are enough");
        let outputs = eval_on(op, &*lowered, threads, inputs, &[true])?;
        Ok(outputs.into_iter().flatten().next().expect("an output"))
    }

    /// The output of an operator that has one.
    pub fn run_op(op: &Op, inputs: &[Option<Value>]) -> Result<Value> {
        Ok(eval(op, inputs, &[true])?.into_iter().flatten().next().expect("an output"))
    }

    fn parse(
        (domain, op, version): (&str, &str, i64),
        attrs: &[(&str, Attr)],
        inputs: &[Option<Value>],
        outputs: usize,
    ) -> Result<Op> {
        let attrs = Attrs::new(
            domain,
            op,
            version,
            inputs.iter().map(Option::is_some).collect(),
            vec![true; outputs],
            attrs.iter().map(|(name, attr)| (name.to_string(), attr.clone())).collect(),
        );
        Op::parse(attrs)
    }

    /// Runs an operator of one tensor to one tensor on f32s and returns its elements.
    pub fn map_f32s(op: (&str, &str, i64), attrs: &[(&str, Attr)], shape: &[usize], x: &[f32]) -> Vec<f32> {
        let x = Tensor::new(shape, x).unwrap();
        let y = run(op, attrs, &[Some(x.into())], 1).unwrap();
        y[0].tensor().unwrap().slice::<f32>().unwrap().to_vec()
    }
}
