//! Flatten on the CPU.

use super::reshape::relabel;
use super::{Io, Kernel};
use crate::Result;
use crate::ops::flatten::Flatten;

impl Kernel for Flatten {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        relabel(io)
    }

    fn is_alias(&self) -> bool {
        true
    }
}
