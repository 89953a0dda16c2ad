//! Outputs of 16-bit floats for kernels whose invocations own no whole words: those write floats of 32 bits, and
//! one more launch narrows them.

use super::shared::{groups, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Bound, Launch, Operand, PipelineId};
use edgewise_core::{DType, Result};

pub static SHADERS: &[Shader] = &[shader!("narrow", 1, 1)];

/// What becomes of an output of floats.
pub struct Narrow(Option<PipelineId>);

impl Narrow {
    /// For an output of that type.
    pub fn new(gpu: &Gpu, dtype: DType) -> Narrow {
        let narrow = SHADERS.first().filter(|_| dtype != DType::F32);
        Narrow(
            narrow.map(|shader| gpu.pipeline(Variant::new(shader, &[("KIND", super::shared::kind(dtype))]))),
        )
    }

    /// Output 0 of so many elements, by launches that `write` it to where it is told. Where that is scratch
    /// memory it is the first one, and a kernel that has others leaves it a place.
    pub fn after(&self, len: usize, write: impl FnOnce(Operand) -> Result<Bound>) -> Result<Bound> {
        let Some(pipeline) = self.0 else { return write(Operand::Output(0)) };
        let mut bound = write(Operand::Scratch(0))?;
        if bound.launches.is_empty() {
            return Ok(bound);
        }
        match bound.scratch.first_mut() {
            Some(bytes) => *bytes = 4 * len as u64,
            None => bound.scratch.push(4 * len as u64),
        }
        bound.launches.push(Launch {
            pipeline,
            buffers: vec![Operand::Scratch(0), Operand::Output(0)],
            parameters: vec![word(len)?],
            groups: groups(len.div_ceil(2))?,
        });
        Ok(bound)
    }
}
