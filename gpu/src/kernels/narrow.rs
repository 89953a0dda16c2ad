//! Results of kernels that write f32 alone, in the small floats: through scratch, and rounded once.
//!
//! Elements of 16 bits share words, and a kernel whose groups own slices or tiles does not own whole words.

use super::cast;
use crate::Gpu;
use edgewise_core::device::{Bound, Operand, PipelineId, device_bytes};
use edgewise_core::{DType, Result};

/// How f32 becomes the type of an output.
#[derive(Clone, Copy)]
pub struct Narrow(Option<(PipelineId, DType)>);

impl Narrow {
    /// For outputs of that type, which may be f32 itself.
    pub fn to(gpu: &Gpu, dtype: DType) -> Narrow {
        Narrow((dtype != DType::F32).then(|| (cast::pipeline(gpu, DType::F32, dtype), dtype)))
    }

    /// Output 0 of so many elements, by launches that `write` it to where it is told. Where that is scratch memory
    /// it is the first one, and a kernel that has others leaves it a place.
    pub fn after(&self, len: usize, write: impl FnOnce(Operand) -> Result<Bound>) -> Result<Bound> {
        if self.0.is_none() {
            return write(Operand::Output(0));
        }
        let mut bound = write(Operand::Scratch(0))?;
        if bound.launches.is_empty() {
            return Ok(bound);
        }
        let bytes = device_bytes(len.saturating_mul(4));
        match bound.scratch.first_mut() {
            Some(first) => *first = bytes,
            None => bound.scratch.push(bytes),
        }
        self.finish(&mut bound, &Operand::Scratch(0), 0, len)?;
        Ok(bound)
    }

    /// What a kernel writes for output `i`: the output, or scratch of its own.
    pub fn output(&self, bound: &mut Bound, i: usize, len: usize) -> Operand {
        match self.0 {
            None => Operand::Output(i),
            Some(_) => {
                bound.scratch.push(device_bytes(len.saturating_mul(4)));
                Operand::Scratch(bound.scratch.len() - 1)
            }
        }
    }

    /// What follows when the kernel's launches are there: what was written for output `i` becomes it.
    pub fn finish(&self, bound: &mut Bound, written: &Operand, i: usize, len: usize) -> Result<()> {
        if let (Some((pipeline, dtype)), Operand::Scratch(_)) = (self.0, written) {
            let buffers = [written.clone(), Operand::Output(i)];
            bound.launches.extend(cast::launch(pipeline, dtype, len, buffers)?);
        }
        Ok(())
    }
}
