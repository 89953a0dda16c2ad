//! Bytes and words put in another order, before and behind the kernels that want them so.

use super::shared::{count, groups, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Bound, Launch, Operand, PipelineId, device_bytes};
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("arrange", 1, 1);

/// What arranges elements of a byte or of a word.
#[derive(Clone, Copy)]
pub struct Arrange {
    pipeline: PipelineId,
    dtype: DType,
}

/// Where elements go: the sizes of four axes, outermost first, and their steps in what is read.
pub struct Order {
    pub sizes: [usize; 4],
    pub steps: [usize; 4],
    /// How many of the innermost axis there are.
    pub valid: usize,
    /// So many fewer with every step along the second axis.
    pub fewer: usize,
    /// What turns bits, and what lies behind the innermost elements.
    pub turn: u32,
    pub padding: u32,
}

impl Order {
    /// All elements, as they are.
    pub fn of(sizes: [usize; 4], steps: [usize; 4]) -> Order {
        let [.., valid] = sizes;
        Order { sizes, steps, valid, fewer: 0, turn: 0, padding: 0 }
    }
}

impl Arrange {
    pub fn new(gpu: &Gpu, dtype: DType) -> Result<Arrange> {
        Ok(Arrange { pipeline: gpu.pipeline(Variant::new(&SHADER, &[("KIND", kind(dtype))])), dtype })
    }

    /// One more launch.
    pub fn launch(&self, bound: &mut Bound, from: Operand, to: Operand, order: &Order) -> Result<()> {
        let len = count(&order.sizes);
        let words = words(self.dtype, len);
        if words == 0 {
            return Ok(());
        }
        let [_, sizes @ ..] = order.sizes;
        let mut parameters = vec![word(words)?, word(len)?, word(order.valid)?, word(order.fewer)?];
        for size in sizes.into_iter().chain([0]).chain(order.steps) {
            parameters.push(word(size)?);
        }
        parameters.extend([order.turn, order.padding, 0, 0]);
        let (pipeline, buffers) = (self.pipeline, vec![from, to]);
        bound.launches.push(Launch { pipeline, buffers, parameters, groups: groups(words)? });
        Ok(())
    }

    /// The same into scratch of its own.
    pub fn scratched(&self, bound: &mut Bound, from: Operand, order: &Order) -> Result<Operand> {
        let bytes = count(&order.sizes) * self.dtype.bits() / 8;
        let to = scratch(bound, bytes);
        self.launch(bound, from, to.clone(), order)?;
        Ok(to)
    }
}

/// So many bytes of scratch more; a vector of four words at least, as that is what some kernels read.
pub fn scratch(bound: &mut Bound, bytes: usize) -> Operand {
    bound.scratch.push(device_bytes(bytes.max(16)));
    Operand::Scratch(bound.scratch.len() - 1)
}
