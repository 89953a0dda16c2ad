//! ConstantOfShape: one element, over and over. What other kernels begin with is written the same way.

use super::Kernel;
use super::shared::{count, groups, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::constant_of_shape::ConstantOfShape;
use edgewise_core::{DType, Result};
use std::sync::Arc;

pub static SHADER: Shader = shader!("constant_of_shape", 0, 1);

pub fn lower(gpu: &Gpu, op: &Arc<ConstantOfShape>, _: &Lowered<'_>) -> Result<Kernel> {
    let dtype = op.value.dtype();
    let pattern = pattern(op.value.view().bytes());
    let kernel = |pattern| Box::new(Lower { fill: Fill::new(gpu), dtype, pattern }) as _;
    Ok(pattern.filter(|_| dtype != DType::Str).map(kernel))
}

/// The two words that an element of one, two, four or eight bytes fills by itself.
pub fn pattern(element: &[u8]) -> Option<[u32; 2]> {
    let bits = element.iter().rev().fold(0u64, |bits, &byte| bits << 8 | u64::from(byte));
    let ones = match element.len() {
        1 => 0x0101_0101_0101_0101,
        2 => 0x0001_0001_0001_0001,
        4 => 0x0000_0001_0000_0001,
        8 => 1,
        _ => return None,
    };
    let bits = bits.wrapping_mul(ones);
    Some([bits as u32, (bits >> 32) as u32])
}

/// What fills memory.
#[derive(Clone, Copy)]
pub struct Fill(PipelineId);

impl Fill {
    pub fn new(gpu: &Gpu) -> Fill {
        Fill(gpu.pipeline(Variant::new(&SHADER, &[])))
    }

    /// A launch that fills so many words with two in turn; none for none.
    pub fn launch(self, words: usize, [even, odd]: [u32; 2], to: Operand) -> Result<Option<Launch<Operand>>> {
        if words == 0 {
            return Ok(None);
        }
        let parameters = vec![word(words)?, even, odd, 0];
        Ok(Some(Launch { pipeline: self.0, buffers: vec![to], parameters, groups: groups(words)? }))
    }
}

struct Lower {
    fill: Fill,
    dtype: DType,
    pattern: [u32; 2],
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let words = words(self.dtype, count(&cx.output(0)?));
        let launch = self.fill.launch(words, self.pattern, Operand::Output(0))?;
        Ok(launch.map_or_else(Bound::nothing, Bound::one))
    }

    /// The shape is that of the output.
    fn on_host(&self) -> &[usize] {
        &[0]
    }
}
