//! QLinearAdd and QLinearMul whose scales and zero points are known: a table of all pairs of bytes, made by the
//! operator itself.

use super::Kernel;
use super::packed_bytes::{held, is_byte, words_of};
use super::shared::{Axis, Parameters, broadcast, count, groups, input_type, ranks_fit, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::cpu::eval;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Memory, Operand, PipelineId};
use edgewise_core::ops::qlinear_elementwise::QLinearElementwise;
use edgewise_core::{DType, Result, Tensor, Value};

pub static SHADER: Shader = shader!("qlinear_elementwise", 3, 1);

pub fn lower(gpu: &Gpu, _op: &QLinearElementwise, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_byte(dtype) && ranks_fit(node)) else {
        return Ok(None);
    };
    let all = all_bytes(dtype)?;
    let pairs = [(0, all.clone().reshaped(&[256, 1])?), (3, all)];
    let Some(table) = made_of(node, &pairs)? else { return Ok(None) };
    let table = held(gpu, &words_of(table.view().bytes()), "a table of pairs")?;
    Ok(Some(Box::new(Pairs { pipeline: gpu.pipeline(Variant::new(&SHADER, &[])), table })))
}

/// All bytes, in the order of their bits.
pub fn all_bytes(dtype: DType) -> Result<Tensor> {
    let bytes: Vec<u8> = (0..=u8::MAX).collect();
    Tensor::from_bytes(dtype, &[256], &bytes)
}

/// What the operator makes of these inputs, and of the others where they are known.
pub fn made_of(node: &Lowered<'_>, given: &[(usize, Tensor)]) -> Result<Option<Tensor>> {
    let mut inputs: Vec<Option<Value>> = Vec::new();
    for i in 0..node.inputs.len() {
        let given = given.iter().find(|(at, _)| *at == i).map(|(_, tensor)| tensor.clone());
        inputs.push(match (given, node.has(i), node.constant(i)) {
            (Some(given), _, _) => Some(given.into()),
            (None, false, _) => None,
            (None, true, Some(known)) => Some(known.to_tensor()?.into()),
            (None, true, None) => return Ok(None),
        });
    }
    // What the operator refuses, it refuses on the host.
    let Ok(made) = eval(&node.node.op, &inputs, &[true]) else { return Ok(None) };
    Ok(made.into_iter().next().flatten().and_then(|made| made.tensor().ok().cloned()))
}

struct Pairs {
    pipeline: PipelineId,
    table: Memory,
}

impl DeviceKernel for Pairs {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let y = cx.output(0)?;
        let (len, words) = (count(&y), words(DType::U8, count(&y)));
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let axes = broadcast(&y, [&cx.input(0)?, &cx.input(3)?]);
        let alike = axes.iter().all(|axis| *axis == Axis { size: len, steps: [1, 1] });
        let head = [word(words)?, word(len)?, word(axes.len())?, alike.into()];
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![
                Operand::Input(0),
                Operand::Input(3),
                Operand::Held(self.table.clone()),
                Operand::Output(0),
            ],
            parameters: Parameters(head.to_vec()).axes(&axes)?.0,
            groups: groups(words)?,
        }))
    }

    fn packed(&self) -> &[usize] {
        &[1, 2, 4, 5, 6, 7]
    }
}
