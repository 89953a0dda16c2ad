//! QLinearConcat of up to five parts whose scales and zero points are known: a table for each, made by the
//! operator itself.

use super::Kernel;
use super::packed_bytes::{held, is_byte, words_of};
use super::qlinear_elementwise::all_bytes;
use super::shared::{count, groups, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::cpu::eval;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Memory, Operand, PipelineId};
use edgewise_core::graph::normalize_axis;
use edgewise_core::ops::Op;
use edgewise_core::ops::qlinear_concat::QLinearConcat;
use edgewise_core::{DType, Result, Value};
use std::sync::Arc;

pub static SHADER: Shader = shader!("qlinear_concat", 6, 1);

/// Parts that the kernel takes: as many as there are buffers for.
const PARTS: usize = 5;

pub fn lower(gpu: &Gpu, op: &QLinearConcat, node: &Lowered<'_>) -> Result<Kernel> {
    let parts = node.inputs.len().saturating_sub(2) / 3;
    let Some(dtype) = node.output(0).and_then(|fact| fact.dtype()).filter(|&dtype| is_byte(dtype)) else {
        return Ok(None);
    };
    if !(1..=PARTS).contains(&parts) {
        return Ok(None);
    }
    let known = |i: usize| node.constant(i).map(|view| view.to_tensor().map(Value::from)).transpose();
    let mut tables = Vec::new();
    for part in (2..).step_by(3).take(parts) {
        let places = [0, 1, part + 1, part + 2];
        let mut inputs = places.into_iter().map(known).collect::<Result<Vec<_>>>()?;
        if inputs.iter().any(Option::is_none) {
            return Ok(None);
        }
        inputs.insert(2, Some(all_bytes(dtype)?.into()));
        let along = Op::QLinearConcat(Arc::new(QLinearConcat { axis: 0 }));
        let Ok(made) = eval(&along, &inputs, &[true]) else { return Ok(None) };
        let [Some(table)] = &made[..] else { return Ok(None) };
        tables.extend(words_of(table.tensor()?.view().bytes()));
    }
    let tables = held(gpu, &tables, "tables")?;
    let packed = (0..node.inputs.len()).filter(|i| *i < 2 || i % 3 != 2).collect();
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &[]));
    Ok(Some(Box::new(Joined { pipeline, tables, axis: op.axis, parts, packed })))
}

struct Joined {
    pipeline: PipelineId,
    tables: Memory,
    axis: i64,
    parts: usize,
    packed: Vec<usize>,
}

impl DeviceKernel for Joined {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let y = cx.output(0)?;
        let (len, words) = (count(&y), words(DType::U8, count(&y)));
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let axis = normalize_axis(self.axis, y.len())?;
        let row = |shape: &[usize]| count(shape.get(axis..).unwrap_or_default());
        let mut parameters = vec![word(words)?, word(len)?, word(row(&y))?, 0];
        let (mut buffers, mut begin) = (Vec::new(), 0);
        for part in 0..PARTS {
            // Missing parts are bound, and never read.
            let input = if part < self.parts { 2 + 3 * part } else { 2 };
            let len = if part < self.parts { row(&cx.input(input)?) } else { 0 };
            parameters.extend([word(begin)?, word(len)?, 0, 0]);
            buffers.push(Operand::Input(input));
            begin += len;
        }
        buffers.extend([Operand::Held(self.tables.clone()), Operand::Output(0)]);
        Ok(Bound::one(Launch { pipeline: self.pipeline, buffers, parameters, groups: groups(words)? }))
    }

    fn packed(&self) -> &[usize] {
        &self.packed
    }
}
