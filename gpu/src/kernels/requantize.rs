//! Sums of products of bytes as bytes again, by factors that the host computes in the order of the rule.

use super::shared::{count, groups, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Device, Launch, Lowered, Memory, Operand, PipelineId};
use edgewise_core::quant::multiplier;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("requantize", 3, 1);

/// How sums become bytes.
pub struct Requantize {
    pipeline: PipelineId,
    factors: Memory,
    /// One for all, or one for each channel.
    count: usize,
    zero: i32,
    to: DType,
    bias: Option<usize>,
}

/// Where a node has its scales and the result's zero point.
pub struct Places {
    pub left_scale: usize,
    pub right_scale: usize,
    pub scale: usize,
    pub zero: usize,
    pub bias: Option<usize>,
}

impl Requantize {
    /// For a node whose scales are known, one for the left factor and for the result, and one or several for the
    /// right one; `None` for others.
    pub fn lower(gpu: &Gpu, node: &Lowered<'_>, at: Places) -> Result<Option<Requantize>> {
        let one = |i: usize| node.constant(i).filter(|x| x.len() == 1);
        let (left, right, scale, zero) =
            (one(at.left_scale), node.constant(at.right_scale), one(at.scale), one(at.zero));
        let (Some(left), Some(right), Some(scale), Some(zero)) = (left, right, scale, zero) else {
            return Ok(None);
        };
        let to = zero.dtype();
        if !matches!(to, DType::U8 | DType::I8) || right.rank() > 1 {
            return Ok(None);
        }
        let (left, scale) = (left.scalar_f32()?, scale.scalar_f32()?);
        let factors = right.to_f32s()?.into_iter().map(|right| multiplier(left, right, scale));
        let bytes: Vec<u8> = factors.flat_map(f32::to_le_bytes).collect();
        let memory = gpu.allocate(bytes.len() as u64, "the factors of a quantized product")?;
        gpu.write(&memory, &bytes)?;
        let bias = at.bias.filter(|&i| node.has(i));
        let constants = [("TO", kind(to)), ("HAS_BIAS", bias.is_some().into())];
        Ok(Some(Requantize {
            pipeline: gpu.pipeline(Variant::new(&SHADER, &constants)),
            factors: memory,
            count: right.len(),
            zero: zero.scalar_i64()? as i32,
            to,
            bias,
        }))
    }

    /// The launch from sums to output 0, of that shape, whose channels are that axis.
    pub fn launch(&self, sums: Operand, shape: &[usize], axis: usize) -> Result<Launch<Operand>> {
        let (len, channels) = (count(shape), shape.get(axis).copied().unwrap_or(1));
        let inner = count(shape.get(axis + 1..).unwrap_or(&[]));
        ensure!(
            self.count == 1 || self.count == channels,
            InvalidModel,
            "{} scales for {channels} channels",
            self.count
        );
        let words = words(self.to, len);
        let sizes = [len, words, inner, channels.max(1), self.count].map(word);
        let mut parameters = sizes.into_iter().collect::<Result<Vec<u32>>>()?;
        parameters.extend([self.zero as u32, 0, 0]);
        let bias = self.bias.map_or_else(|| sums.clone(), Operand::Input);
        Ok(Launch {
            pipeline: self.pipeline,
            buffers: vec![sums, Operand::Held(self.factors.clone()), bias, Operand::Output(0)],
            parameters,
            groups: groups(words)?,
        })
    }
}
