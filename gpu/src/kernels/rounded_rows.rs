//! Rows of numbers in 8 bits, as products with weights of few bits take them.
//!
//! A product asks for them by a launch that other products of the same rows have in common; or the node that makes the
//! rows has rounded them already, since the product [wished](edgewise_core::device::Wish) for it.

use super::arrange::scratch;
use super::shared::{kind, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Bound, Launch, Operand, PipelineId};
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("rounded_rows", 1, 2);

/// How rows are rounded, whatever the weights: so that all products with weights of as many bits can share them.
#[derive(Clone, Copy)]
pub struct Rounding {
    pipeline: PipelineId,
    bits: u32,
    block: u32,
    /// Whether an invocation rounds a block alone.
    alone: bool,
}

impl Rounding {
    /// Of rows of that type, for weights of so many bits in such blocks.
    pub fn new(gpu: &Gpu, dtype: DType, bits: u32, block: u32) -> Rounding {
        let variant = Variant::new(&SHADER, &[("KIND", kind(dtype)), ("BITS", bits)]);
        Rounding { pipeline: gpu.pipeline(variant), bits, block, alone: !gpu.features().barriers }
    }

    /// What a product wishes for.
    pub fn form(&self) -> u64 {
        u64::from(self.bits) << 32 | u64::from(self.block)
    }

    /// How a product wishes to have rows of that type.
    pub fn wished(gpu: &Gpu, dtype: DType, form: u64) -> Rounding {
        Rounding::new(gpu, dtype, (form >> 32) as u32, form as u32)
    }

    pub fn bits(&self) -> u32 {
        self.bits
    }

    pub fn block(&self) -> u32 {
        self.block
    }

    /// Memory for rows of so many numbers: for codes, and for what belongs to each block.
    pub fn memory(&self, bound: &mut Bound, [rows, depth]: [usize; 2]) -> [usize; 2] {
        let first = bound.scratch.len();
        let blocks = depth.div_ceil(self.block as usize);
        scratch(bound, rows * blocks * self.block as usize);
        scratch(bound, rows * blocks * 8);
        [first, first + 1]
    }

    /// Rounds rows to there.
    pub fn launch(&self, of: Operand, [rows, depth]: [usize; 2], to: [usize; 2]) -> Result<Launch<Operand>> {
        let blocks = depth.div_ceil(self.block as usize);
        let groups = blocks.div_ceil(if self.alone { 64 } else { 1 });
        let [codes, steps] = to.map(Operand::Scratch);
        Ok(Launch {
            pipeline: self.pipeline,
            buffers: vec![of, codes, steps],
            parameters: vec![word(depth)?, self.block, word(blocks)?, 0],
            groups: [word(groups)?, word(rows)?, 1],
        })
    }
}
