//! One step: borrow the inputs and outputs, call the kernel, keep what it made.

use super::Run;
use super::carve::{Part, carve};
use crate::cpu::{In, Io, Out};
use crate::plan::{Destination, Home, Step, StepIn};
use crate::tensor::byte_count;
use crate::{Result, Tensor, Value, View, ViewMut};

impl Run<'_> {
    pub(super) fn step(&mut self, step: &Step) -> Result<()> {
        self.afford(step.outputs.iter().map(owned_bytes).sum())?;
        let mut results = step.outputs.iter().map(allocate).collect::<Result<Vec<_>>>()?;
        self.call(step, &mut results)?;
        for (output, result) in step.outputs.iter().zip(results) {
            match output {
                Destination::Owned(id, ..) => {
                    let value = result.ok_or_else(|| err!(Internal, "an output has no memory"))?;
                    self.keep(*id, value)?;
                }
                Destination::Made(id, kind, shape) => {
                    let value = result.ok_or_else(|| err!(Internal, "the kernel did not make an output"))?;
                    ensure!(
                        value.kind() == *kind,
                        Internal,
                        "expected {kind}, the kernel made {}",
                        value.kind()
                    );
                    if let (Some(shape), Value::Tensor(t)) = (shape, &value) {
                        let made = t.shape();
                        ensure!(
                            made == &shape[..],
                            Internal,
                            "expected the shape {shape:?}, the kernel made {made:?}"
                        );
                    }
                    self.keep(*id, value)?;
                }
                Destination::Unwanted | Destination::Arena(..) => {}
            }
        }
        Ok(())
    }

    fn call(&mut self, step: &Step, results: &mut [Option<Value>]) -> Result<()> {
        // Inputs, then outputs, then scratch: the parts come back in that order.
        let mut asked = Vec::new();
        for input in &step.inputs {
            if let StepIn::Tensor(_, _, _, Home::Arena(slot)) = input {
                asked.push((*slot, false));
            }
        }
        for output in &step.outputs {
            if let Destination::Arena(_, _, _, slot) = output {
                asked.push((*slot, true));
            }
        }
        asked.extend(step.scratch.iter().map(|slot| (*slot, true)));
        let mut parts = carve(self.arena.as_mut(), &asked)?.into_iter();
        let owned = &self.owned;

        let mut inputs = Vec::with_capacity(step.inputs.len());
        for input in &step.inputs {
            inputs.push(match input {
                StepIn::Absent => In::Absent,
                StepIn::Placed(_, j) => In::Placed(*j),
                StepIn::Tensor(_, dtype, shape, Home::Arena(_)) => match parts.next() {
                    Some(Part::Shared(bytes)) => In::Tensor(View::over(*dtype, shape, bytes)),
                    _ => bail!(Internal, "no part for an input"),
                },
                StepIn::Tensor(_, _, shape, Home::Known(tensor)) => In::Tensor(tensor.view().reshaped(shape)),
                StepIn::Tensor(id, _, _, Home::Device(_)) => {
                    bail!(Internal, "value {} lies on the device only", id.0)
                }
                StepIn::Tensor(id, _, shape, Home::Owned(owner)) => match &owned[owner.at()] {
                    Some(Value::Tensor(tensor)) => In::Tensor(tensor.view().reshaped(shape)),
                    _ => bail!(Internal, "value {} is gone", id.0),
                },
                StepIn::Compound(owner) => match &owned[owner.at()] {
                    Some(value) => In::Value(value),
                    None => bail!(Internal, "value {} is gone", owner.0),
                },
            });
        }
        let mut outputs = Vec::with_capacity(step.outputs.len());
        for (output, slot) in step.outputs.iter().zip(results) {
            outputs.push(match output {
                Destination::Unwanted => Out::Unwanted,
                Destination::Arena(_, dtype, shape, _) => match parts.next() {
                    Some(Part::Mut(bytes)) => Out::Planned(ViewMut::over(*dtype, shape, bytes)),
                    _ => bail!(Internal, "no part for an output"),
                },
                Destination::Owned(..) => match slot {
                    Some(Value::Tensor(tensor)) => Out::Planned(tensor.view_mut()),
                    _ => bail!(Internal, "no memory for an output"),
                },
                Destination::Made(_, kind, shape) => {
                    Out::Made { kind: kind.clone(), shape: shape.as_deref(), slot }
                }
            });
        }
        let scratch = match parts.next() {
            Some(Part::Mut(bytes)) => bytes,
            _ => &mut [],
        };
        self.program.kernel(step.node).run(&mut Io::new(inputs, outputs, scratch, self.cx))
    }
}

/// Bytes that [`allocate`] will take.
fn owned_bytes(output: &Destination) -> u64 {
    match output {
        // What overflows is refused where it is allocated.
        Destination::Owned(_, dtype, shape) => byte_count(*dtype, shape).map_or(0, |bytes| bytes as u64),
        _ => 0,
    }
}

fn allocate(output: &Destination) -> Result<Option<Value>> {
    match output {
        Destination::Owned(_, dtype, shape) => Ok(Some(Tensor::zeros(*dtype, shape)?.into())),
        _ => Ok(None),
    }
}
