//! QLinearWhere whose scales and zero points are known: a table for each choice, made by the operator itself.

use super::Kernel;
use super::packed_bytes::{held, is_byte, words_of};
use super::qlinear_elementwise::{all_bytes, made_of};
use super::shared::{Parameters, broadcast, count, groups, input_type, ranks_fit, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Memory, Operand, PipelineId};
use edgewise_core::ops::qlinear_where::QLinearWhere;
use edgewise_core::{DType, Result, Tensor};

pub static SHADER: Shader = shader!("qlinear_where", 4, 1);

pub fn lower(gpu: &Gpu, _op: &QLinearWhere, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 1).filter(|&dtype| is_byte(dtype) && ranks_fit(node)) else {
        return Ok(None);
    };
    let mut tables = Vec::new();
    for chosen in [1u8, 0] {
        let condition = Tensor::from_bytes(DType::Bool, &[1], &[chosen])?;
        let given = [(0, condition), (1, all_bytes(dtype)?), (4, all_bytes(dtype)?)];
        let Some(table) = made_of(node, &given)? else { return Ok(None) };
        tables.extend(words_of(table.view().bytes()));
    }
    let tables = held(gpu, &tables, "two tables")?;
    Ok(Some(Box::new(Choice { pipeline: gpu.pipeline(Variant::new(&SHADER, &[])), tables })))
}

struct Choice {
    pipeline: PipelineId,
    tables: Memory,
}

impl DeviceKernel for Choice {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let y = cx.output(0)?;
        let (len, words) = (count(&y), words(DType::U8, count(&y)));
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let axes = broadcast(&y, [&cx.input(0)?, &cx.input(1)?, &cx.input(4)?]);
        let head = [word(words)?, word(len)?, word(axes.len())?, 0];
        let mut buffers: Vec<Operand> = [0, 1, 4].map(Operand::Input).into();
        buffers.extend([Operand::Held(self.tables.clone()), Operand::Output(0)]);
        let parameters = Parameters(head.to_vec()).axes(&axes)?.0;
        Ok(Bound::one(Launch { pipeline: self.pipeline, buffers, parameters, groups: groups(words)? }))
    }

    fn packed(&self) -> &[usize] {
        &[2, 3, 5, 6, 7, 8]
    }
}
