//! Proves a segment right by replaying it.
//!
//! The checker knows nothing of intervals. It remembers which value's elements lie in which bytes, and holds
//! every read against that: a layout that let one value overwrite another that was still needed is found at
//! the read, whatever the planner believed.

use super::{Destination, Home, Live, Program, Segment, Slot, StepIn};
use crate::Result;
use crate::graph::ValueId;
use std::collections::HashMap;

/// An error that names the first step that would read anything but what the graph means.
pub fn check(program: &Program, start: usize, live: &[Live], segment: &Segment) -> Result<()> {
    let mut arena = Arena { contents: Vec::new(), roots: HashMap::new(), end: segment.arena_bytes };
    for (id, _, home) in live {
        if let Home::Arena(slot) = home {
            arena.contents.push((*slot, *id));
        }
    }
    let mut steps = segment.steps.iter().peekable();
    for at in start..segment.end {
        let node = &program.graph().nodes[at];
        let Some(step) = steps.next_if(|step| step.node == at) else {
            // Folded, or an alias: the output is the input under another shape.
            if let (Some(Some(from)), [Some(to)]) = (node.inputs.first(), &node.outputs[..]) {
                let root = arena.root(*from);
                arena.roots.insert(*to, root);
            }
            continue;
        };
        let place = |e: crate::Error| e.at_node(&node.name, &node.op_name);
        for (input, meant) in step.inputs.iter().zip(&node.inputs) {
            match input {
                StepIn::Tensor(id, _, _, Home::Arena(slot)) => {
                    ensure!(Some(*id) == *meant, Internal, "reads value {} in place of {meant:?}", id.0);
                    arena.read(*id, *slot).map_err(place)?;
                }
                StepIn::Placed(id, j) => {
                    let Some(Destination::Arena(_, _, _, slot)) = step.outputs.get(*j) else {
                        bail!(Internal, "input {} lies in an output without a slot", id.0);
                    };
                    arena.read(*id, *slot).map_err(place)?;
                }
                _ => {}
            }
        }
        arena.write(step).map_err(place)?;
    }
    for (id, _, home) in &segment.live {
        if let Home::Arena(slot) = home {
            arena.read(*id, *slot)?;
        }
    }
    Ok(())
}

struct Arena {
    /// Which value's elements begin where.
    contents: Vec<(Slot, ValueId)>,
    /// Of an alias: the value whose elements it names.
    roots: HashMap<ValueId, ValueId>,
    end: usize,
}

impl Arena {
    fn root(&self, id: ValueId) -> ValueId {
        self.roots.get(&id).copied().unwrap_or(id)
    }

    fn read(&self, id: ValueId, slot: Slot) -> Result<()> {
        let root = self.root(id);
        let found = slot.bytes == 0
            || self
                .contents
                .iter()
                .any(|(s, v)| s.offset == slot.offset && (*v == root || self.root(*v) == root));
        ensure!(found, Internal, "value {} is read at byte {} and does not lie there", id.0, slot.offset);
        Ok(())
    }

    fn write(&mut self, step: &super::Step) -> Result<()> {
        let mut written: Vec<Slot> = Vec::new();
        let outputs = step.outputs.iter().filter_map(|o| match o {
            Destination::Arena(id, _, _, slot) => Some((Some(*id), *slot)),
            _ => None,
        });
        let scratch = step.scratch.iter().map(|slot| (None, *slot));
        // Inputs must survive the step, but for those that an output takes over.
        let read: Vec<Slot> = step
            .inputs
            .iter()
            .filter_map(|i| match i {
                StepIn::Tensor(_, _, _, Home::Arena(slot)) => Some(*slot),
                _ => None,
            })
            .collect();
        for (id, slot) in outputs.chain(scratch) {
            ensure!(slot.offset + slot.bytes <= self.end, Internal, "byte {} is past the arena", slot.offset);
            let clash = written.iter().chain(&read).any(|other| meet(*other, slot));
            ensure!(!clash, Internal, "bytes from {} on are written while they are in use", slot.offset);
            self.contents.retain(|(other, _)| !meet(*other, slot));
            if let Some(id) = id {
                self.contents.push((slot, id));
            }
            written.push(slot);
        }
        Ok(())
    }
}

fn meet(a: Slot, b: Slot) -> bool {
    a.bytes > 0 && b.bytes > 0 && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes
}
