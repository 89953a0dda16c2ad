//! Sums of products of bytes as the numbers that they stand for, whose scales may come from a run.

use super::activation::Function;
use super::shared::{Parameters, count, groups, input_type, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Launch, Lowered, Operand, PipelineId};
use edgewise_core::graph::Fact;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("scale_sums", 4, 1);

/// Where MatMulIntegerToFloat and ConvIntegerToFloat have the scales of both factors and the bias.
const LEFT: usize = 2;
const RIGHT: usize = 3;
const BIAS: usize = 6;

/// How sums become numbers.
pub struct ScaleSums {
    pipeline: PipelineId,
    activation: Function,
}

impl ScaleSums {
    /// For f32, one scale on the left, and one or several on the right.
    pub fn lower(gpu: &Gpu, node: &Lowered<'_>, activation: Function) -> Option<ScaleSums> {
        let floats = [LEFT, RIGHT, BIAS].into_iter().filter(|&i| node.has(i));
        let plain = floats.into_iter().all(|i| input_type(node, i) == Some(DType::F32));
        let one = node.fact(LEFT).is_some_and(is_one);
        let line = |i: usize| node.fact(i).and_then(|fact| fact.dims.as_ref()).is_none_or(|dims| dims.len() <= 1);
        let constants = [("HAS_BIAS", node.has(BIAS).into()), ("ACTIVATION", activation.number)];
        (plain && one && line(RIGHT) && line(BIAS))
            .then(|| ScaleSums { pipeline: gpu.pipeline(Variant::new(&SHADER, &constants)), activation })
    }

    /// The launch from sums to output 0, of that shape, whose channels are that axis.
    pub fn launch(&self, cx: &Binding<'_>, sums: Operand, shape: &[usize], axis: usize) -> Result<Launch<Operand>> {
        let (len, channels) = (count(shape), shape.get(axis).copied().unwrap_or(1).max(1));
        let inner = count(shape.get(axis + 1..).unwrap_or(&[]));
        let scales = count(&cx.input(RIGHT)?);
        let bias = cx.optional(BIAS).map_or(channels, |bias| count(&bias));
        ensure!(
            (scales == 1 || scales == channels) && bias == channels,
            InvalidInput,
            "{scales} scales and a bias of {bias} for {channels} channels"
        );
        let mut parameters = Parameters::default().floats(&self.activation.parameters).0;
        for size in [len, inner, channels, scales] {
            parameters.push(word(size)?);
        }
        let bias = if cx.optional(BIAS).is_some() { Operand::Input(BIAS) } else { Operand::Input(LEFT) };
        Ok(Launch {
            pipeline: self.pipeline,
            buffers: vec![sums, Operand::Input(LEFT), Operand::Input(RIGHT), bias, Operand::Output(0)],
            parameters,
            groups: groups(len)?,
        })
    }
}

/// Whether it is one number, whatever its rank.
fn is_one(fact: &Fact) -> bool {
    fact.dims.as_ref().is_some_and(|dims| dims.iter().all(|dim| dim.known() == Some(1)))
}
