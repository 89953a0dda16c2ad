//! Tables that follow from sizes: the host computes them when a kernel is bound, and launches write them down
//! from their parameters, since a kernel has no device at hand then.

use super::shared::word;
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::Result;
use edgewise_core::device::{Bound, Launch, Operand, PipelineId};

pub static SHADERS: &[Shader] = &[shader!("table", 0, 1)];

/// Words of a launch, as the shader has them.
const MOST: usize = 2044;

/// What writes tables.
pub struct Tables(PipelineId);

impl Tables {
    /// Tables on that device.
    pub fn new(gpu: &Gpu) -> Option<Tables> {
        Some(Tables(gpu.pipeline(Variant::new(SHADERS.first()?, &[]))))
    }

    /// A table of those words, behind what is bound already.
    pub fn write(&self, bound: &mut Bound, words: &[u32]) -> Result<Operand> {
        let table = Operand::Scratch(bound.scratch.len());
        bound.scratch.push(4 * words.len().max(1) as u64);
        for (i, part) in words.chunks(MOST).enumerate() {
            let mut parameters = vec![word(part.len())?, word(i * MOST)?, 0, 0];
            parameters.extend(part);
            parameters.resize(4 + MOST, 0);
            let buffers = vec![table.clone()];
            bound.launches.push(Launch { pipeline: self.0, buffers, parameters, groups: [1, 1, 1] });
        }
        Ok(table)
    }
}
