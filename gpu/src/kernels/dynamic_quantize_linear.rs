//! DynamicQuantizeLinear: the range of all numbers, what follows from it, and the numbers in steps of that.

use super::Kernel;
use super::shared::{GROUP, count, groups, input_type, word, words};
use super::{quantize_linear, scales};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::dynamic_quantize_linear::DynamicQuantizeLinear;
use edgewise_core::ops::granularity::Granularity;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("dynamic_quantize_linear", 1, 2);

/// Groups that look at the numbers side by side.
const MOST_GROUPS: usize = 128;
/// Numbers that are worth an invocation.
const EACH: usize = 16;

pub fn lower(gpu: &Gpu, _: &DynamicQuantizeLinear, node: &Lowered<'_>) -> Result<Kernel> {
    if input_type(node, 0) != Some(DType::F32) {
        return Ok(None);
    }
    let range = |last: bool| gpu.pipeline(Variant::new(&SHADER, &[("LAST", last.into())]));
    let types = [DType::F32, DType::F32, DType::F32, DType::U8];
    let quantize = quantize_linear::pipeline(gpu, types, true);
    let wanted = [0, 1, 2].map(|i| node.output(i).is_some());
    Ok(Some(Box::new(Lower { first: range(false), last: range(true), quantize, wanted })))
}

struct Lower {
    first: PipelineId,
    last: PipelineId,
    quantize: PipelineId,
    wanted: [bool; 3],
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let x = cx.input(0)?;
        let len = count(&x);
        let teams = len.div_ceil(GROUP * EACH).clamp(1, MOST_GROUPS);
        let mut bound = Bound::nothing();
        bound.scratch = vec![8 * teams as u64, 4, 4];
        let [_, scale_wanted, zero_wanted] = self.wanted;
        let scale = if scale_wanted { Operand::Output(1) } else { Operand::Scratch(1) };
        let zero = if zero_wanted { Operand::Output(2) } else { Operand::Scratch(2) };
        let range = |pipeline, buffers: [Operand; 3], len: usize, teams: usize| -> Result<Launch<Operand>> {
            let parameters = vec![word(len)?, word(teams)?, 0, 0];
            Ok(Launch { pipeline, buffers: buffers.to_vec(), parameters, groups: [teams as u32, 1, 1] })
        };
        let ranges = Operand::Scratch(0);
        bound.launches = vec![
            range(self.first, [Operand::Input(0), ranges.clone(), Operand::Scratch(2)], len, teams)?,
            range(self.last, [ranges, scale.clone(), zero.clone()], teams, 1)?,
        ];
        let [true, ..] = self.wanted else { return Ok(bound) };
        if len > 0 {
            let one = Granularity::for_all();
            bound.launches.push(Launch {
                pipeline: self.quantize,
                buffers: vec![Operand::Input(0), scale, zero, Operand::Output(0)],
                parameters: scales::parameters(&one, DType::U8, &x, &[])?,
                groups: groups(words(DType::U8, len))?,
            });
        }
        Ok(bound)
    }
}
