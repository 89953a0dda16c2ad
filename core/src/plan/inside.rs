//! What the graphs of a segment's last node will do, for people: each is planned as for its first run.
//!
//! What a reader would get wrong: which branch runs, and how often a body does, only data tells. So this is a forecast
//! of one run of each graph; a run plans for itself.

use super::segment::{FlowStep, Segment, StepIn, Work};
use super::{Carry, DeviceSlot, Home, Live, Program};
use crate::Result;
use crate::cpu::Body;
use crate::device::device_bytes;
use crate::graph::{Fact, Inside, infer_inside};
use crate::tensor::byte_count;
use std::sync::Arc;

/// A graph of a node, and the plan of its first run.
pub struct Planned<'a> {
    /// The node that runs it.
    pub node: usize,
    /// The attribute that holds it.
    pub name: &'static str,
    /// What runs.
    pub program: &'a Program,
    /// From its inputs on, as far as it goes without data; `None` where not even their sizes are known.
    pub segment: Option<Arc<Segment>>,
}

impl Program {
    /// The graphs that a segment runs, planned for inputs that lie where the segment has them.
    pub fn planned_inside(&self, segment: &Segment) -> Result<Vec<Planned<'_>>> {
        let steps = segment.tasks.iter().filter_map(|task| match &task.work {
            Work::Flow(step) => Some(step),
            _ => None,
        });
        let mut all = Vec::new();
        for step in steps {
            all.extend(self.planned(step)?);
        }
        Ok(all)
    }

    fn planned(&self, step: &FlowStep) -> Result<Vec<Planned<'_>>> {
        let Some(flow) = self.flow(step.node) else { return Ok(Vec::new()) };
        let insides = infer_inside(&self.graph().nodes[step.node], &self.facts_of(step))?;
        let bodies = flow.bodies().into_iter().zip(insides).map(|(body, inside)| {
            let segment = match given(&body, inside, step) {
                Some((live, carry)) => Some(body.program.segment_carrying(0, &live, false, &carry)?),
                None => None,
            };
            Ok(Planned { node: step.node, name: body.name, program: body.program, segment })
        });
        bodies.collect()
    }

    /// What a step's inputs are.
    fn facts_of(&self, step: &FlowStep) -> Vec<Option<Fact>> {
        let mut facts: Vec<Option<Fact>> = vec![None; self.graph().values.len()];
        for input in &step.inputs {
            if let StepIn::Tensor(id, dtype, shape, _) = input {
                facts[id.at()] = Some(Fact::sized(*dtype, shape));
            }
        }
        for value in step.on_device.iter().flatten() {
            facts[value.id.at()] = Some(Fact::sized(value.dtype, &value.shape));
        }
        facts
    }
}

/// What a graph is given first, and where that lies, if all sizes are known.
fn given(body: &Body<'_>, inside: Inside, step: &FlowStep) -> Option<(Vec<Live>, Carry)> {
    let (mut live, mut lent) = (Vec::new(), 0);
    for ((id, from), fact) in body.program.graph().inputs.iter().zip(&body.inputs).zip(inside.inputs) {
        let fact = fact.filter(|fact| fact.shape().is_some())?;
        let on_device = from.is_some_and(|i| matches!(step.on_device.get(i), Some(Some(_))));
        let on_host = from.is_none_or(|i| !matches!(step.inputs.get(i), None | Some(StepIn::Absent)));
        if on_host {
            live.push((*id, fact.clone(), Home::Owned(*id)));
        }
        if on_device {
            let bytes = device_bytes(byte_count(fact.dtype()?, &fact.shape()?).ok()?);
            live.push((*id, fact, Home::Device(DeviceSlot { slot: lent, bytes })));
            lent += 1;
        }
    }
    Some((live, Carry { lent, kept: body.kept.to_vec() }))
}
