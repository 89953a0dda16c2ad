//! Launches that nodes have in common: three products of one input, say, that all want its rows rounded first. The
//! first of them makes the launch, and what it makes stays until the last of them has read it. Or the node that makes
//! the input has done it already.
//!
//! What a reader would get wrong: storages on the device are written once, so a launch of the same buffers makes the
//! same elements, whatever has run between.

use super::Binder;
use crate::device::{Common, Launch, Memory, Target, device_bytes};

/// A launch that was made, and the storages that it wrote.
pub(super) struct Made {
    launch: Launch<Target>,
    makes: Vec<usize>,
}

impl Made {
    /// By launches that did it besides.
    pub(super) fn already(launch: Launch<Target>, makes: Vec<usize>) -> Made {
        Made { launch, makes }
    }

    /// Whether `other`, which would make `own`, makes the same.
    fn is_like(&self, other: &Launch<Target>, own: &[usize]) -> bool {
        let (ours, theirs) = (&self.launch, other);
        let alike = (ours.pipeline, ours.groups) == (theirs.pipeline, theirs.groups)
            && ours.parameters == theirs.parameters
            && ours.buffers.len() == theirs.buffers.len();
        let place = |makes: &[usize], stay: &usize| makes.iter().position(|made| made == stay);
        alike
            && ours.buffers.iter().zip(&theirs.buffers).all(|both| match both {
                (Target::Slot(a), Target::Slot(b)) => match (place(&self.makes, a), place(own, b)) {
                    (None, None) => a == b,
                    (a, b) => a == b,
                },
                (Target::Held(a), Target::Held(b)) => is_same(a, b),
                _ => false,
            })
    }
}

fn is_same(a: &Memory, b: &Memory) -> bool {
    std::ptr::eq(std::ptr::from_ref(a.of_device()).cast::<()>(), std::ptr::from_ref(b.of_device()).cast())
}

impl Binder<'_> {
    /// Takes out those launches of node `at` that an earlier node has made, and lets the others read what that left.
    pub(super) fn leave_out_common(
        &mut self,
        at: usize,
        launches: &mut Vec<Launch<Target>>,
        common: &[Common],
        scratch: &[usize],
    ) {
        // From the last one on, so that places of those before stay what they are.
        for Common { launch, makes } in common.iter().rev() {
            let own: Vec<usize> = makes.iter().filter_map(|i| scratch.get(*i).copied()).collect();
            let Some(candidate) = launches.get(*launch) else { continue };
            let Some(made) = self.common.iter().find(|made| made.is_like(candidate, &own)) else {
                self.common.push(Made { launch: candidate.clone(), makes: own });
                continue;
            };
            launches.remove(*launch);
            for (own, earlier) in own.iter().zip(&made.makes) {
                self.stays[*earlier].last = at;
                self.stays[*own].bytes = device_bytes(0);
                let buffers = launches.iter_mut().flat_map(|launch| &mut launch.buffers);
                for buffer in buffers.filter(|buffer| matches!(buffer, Target::Slot(slot) if slot == own)) {
                    *buffer = Target::Slot(*earlier);
                }
            }
        }
    }
}
