//! What of a run lies on the device before it begins, and stays there when it has ended.
//!
//! What a reader would get wrong: buffers that callers lend are numbered before all others and are never written, so
//! that whoever else holds one finds in it what it left there, also when a run fails.

use crate::graph::ValueId;

/// What a segment is bound for, beside what is alive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Carry {
    /// How many buffers are lent; the inputs that lie in them are alive from the beginning.
    pub lent: usize,
    /// The outputs that stay on the device, if that is where they are made.
    pub kept: Vec<ValueId>,
}

impl Carry {
    /// Whether a buffer is lent.
    pub fn is_lent(&self, slot: usize) -> bool {
        slot < self.lent
    }
}
