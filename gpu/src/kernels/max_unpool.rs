//! MaxUnpool: its indices claim places, and what claimed a place last is put there, as by ScatterElements.

use super::arrange::scratch;
use super::constant_of_shape::Fill;
use super::shared::{Axis, Parameters, can_be_walked, count, groups, input_type, mover, word, words};
use super::{Kernel, scatter_elements};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, Check, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::max_unpool::MaxUnpool;
use edgewise_core::{DType, Dim, Result, Shape, strides};

pub static SHADER: Shader = shader!("max_unpool", 1, 2);

pub fn lower(gpu: &Gpu, op: &MaxUnpool, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some((unit, units)), [_, settle, _]) =
        (input_type(node, 0).and_then(mover), scatter_elements::SHADERS)
    else {
        return Ok(None);
    };
    if !can_be_walked(node.inputs) || input_type(node, 1) != Some(DType::I64) {
        return Ok(None);
    }
    Ok(Some(Box::new(Lower {
        op: op.clone(),
        fill: Fill::new(gpu),
        claim: gpu.pipeline(Variant::new(&SHADER, &[("WIDE_INDICES", 1)])),
        settle: gpu.pipeline(Variant::new(settle, &[("KIND", unit as u32)])),
        unit,
        units,
    })))
}

struct Lower {
    op: MaxUnpool,
    fill: Fill,
    claim: PipelineId,
    settle: PipelineId,
    unit: DType,
    /// Units of an element.
    units: usize,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, at, shape) = (cx.input(0)?, cx.input(1)?, cx.output(0)?);
        ensure!(at == x, InvalidInput, "indices of shape {at:?} for values of shape {x:?}");
        let dims: Vec<Dim> = x.iter().map(|&size| size.into()).collect();
        let implied: Shape = self.op.implied(&dims)?.iter().filter_map(Dim::size).collect();
        let fits = shape.len() == implied.len() && shape.iter().zip(&implied).all(|(s, i)| s >= i);
        ensure!(fits, InvalidInput, "'output_shape' {shape:?} is smaller than the implied {implied:?}");
        let (given, total, len) = (count(&x), count(&implied), count(&shape));
        let mut bound = Bound::nothing();
        let (claims, zeros) =
            (scratch(&mut bound, 4 * len), scratch(&mut bound, 4 * words(self.unit, len * self.units)));
        bound.launches.extend(self.fill.launch(len, [0, 0], claims.clone())?);
        bound.launches.extend(self.fill.launch(words(self.unit, len * self.units), [0, 0], zeros.clone())?);
        if given > 0 {
            let axes = implied.iter().zip(strides(&shape));
            let axes: Vec<Axis<1>> = axes.map(|(&size, step)| Axis { size, steps: [step as i64] }).collect();
            let sizes = [given, total, axes.len(), cx.word];
            let sizes = Parameters(sizes.into_iter().map(word).collect::<Result<_>>()?);
            bound.checks.push(Check::Place(total));
            bound.launches.push(Launch {
                pipeline: self.claim,
                buffers: vec![Operand::Input(1), claims.clone(), Operand::Status],
                parameters: sizes.axes(&axes)?.0,
                groups: groups(given)?,
            });
        }
        let elements = len * self.units;
        if elements > 0 {
            let words = words(self.unit, elements);
            bound.launches.push(Launch {
                pipeline: self.settle,
                buffers: vec![zeros, Operand::Input(0), claims, Operand::Output(0)],
                parameters: vec![word(elements)?, word(words)?, word(self.units)?, 0],
                groups: groups(words)?,
            });
        }
        Ok(bound)
    }

    /// The shape is that of the output.
    fn on_host(&self) -> &[usize] {
        &[2]
    }
}
