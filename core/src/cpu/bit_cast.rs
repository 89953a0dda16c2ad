//! BitCast on the CPU.

use super::map::IN_PLACE;
use super::{Io, Kernel};
use crate::Result;
use crate::ops::bit_cast::BitCast;

impl Kernel for BitCast {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        if io.placed(0, 0) {
            return io.output(0).map(drop);
        }
        let (from, to) = (io.input(0)?.bytes(), io.output(0)?.into_units::<u8>()?);
        ensure!(from.len() == to.len(), Internal, "{} bytes do not fill {}", from.len(), to.len());
        to.copy_from_slice(from);
        Ok(())
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        IN_PLACE
    }
}
