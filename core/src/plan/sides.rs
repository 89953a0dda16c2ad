//! On which sides a program reads what it is given: what a loop captures is copied there once, not in every iteration.

use super::Program;
use crate::graph::ValueId;

/// The host, the device, both or neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// The host.
    pub host: bool,
    /// The device.
    pub device: bool,
}

impl Sides {
    /// The host alone.
    pub const HOST: Sides = Sides { host: true, device: false };
    /// The device alone.
    pub const DEVICE: Sides = Sides { host: false, device: true };

    /// The sides of both.
    pub fn or(self, other: Sides) -> Sides {
        Sides { host: self.host || other.host, device: self.device || other.device }
    }
}

impl Program {
    /// On which sides input `i` is read.
    pub fn sides(&self, i: usize) -> Sides {
        self.graph().inputs.get(i).map_or(Sides::default(), |id| self.sides_of(*id))
    }

    fn sides_of(&self, id: ValueId) -> Sides {
        let mut sides = Sides::default();
        // The value itself, and those that give its elements another shape.
        let mut names = vec![id];
        for (at, node) in self.graph().nodes.iter().enumerate() {
            for (i, id) in node.inputs.iter().enumerate() {
                if !id.is_some_and(|id| names.contains(&id)) {
                    continue;
                }
                let on_device = self.placement().and_then(|placement| placement.kernel(at));
                sides = sides.or(match (on_device, self.flow(at)) {
                    (Some(kernel), _) if kernel.on_host().contains(&i) => Sides::HOST,
                    (Some(_), _) => Sides::DEVICE,
                    (None, Some(flow)) => flow.sides(i),
                    (None, None) if i == 0 && self.kernel(at).is_alias() => {
                        names.extend(node.outputs.first().copied().flatten());
                        Sides::default()
                    }
                    (None, None) => Sides::HOST,
                });
            }
        }
        sides
    }
}
