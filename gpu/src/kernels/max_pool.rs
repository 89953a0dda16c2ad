//! MaxPool, AveragePool and LpPool of floats, where nobody asks where the maxima lie.

use super::Kernel;
use super::narrow::Narrow;
use super::shared::{Parameters, count, groups, input_type, is_float, kind};
use super::windows::{MOST_AXES, Windows};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::max_pool::{MaxPool, Pooling, spatial};
use std::sync::Arc;

pub static SHADER: Shader = shader!("max_pool", 1, 1);

pub fn lower(gpu: &Gpu, op: &Arc<MaxPool>, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    let rank = node.fact(0).and_then(|fact| fact.dims.as_ref()).map(|dims| dims.len());
    if node.output(1).is_some() || rank.is_none_or(|rank| rank > MOST_AXES + 2) {
        return Ok(None);
    }
    let (number, power) = match op.pooling {
        Pooling::Max => (0, 0.0),
        Pooling::Average { count_pads: false } => (1, 0.0),
        Pooling::Average { count_pads: true } => (2, 0.0),
        Pooling::Norm { p } => (3, p as f32),
    };
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &[("KIND", kind(dtype)), ("POOLING", number)]));
    Ok(Some(Box::new(Lower { pipeline, narrow: Narrow::to(gpu, dtype), power, op: op.clone() })))
}

struct Lower {
    pipeline: PipelineId,
    narrow: Narrow,
    power: f32,
    op: Arc<MaxPool>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, total) = (cx.input(0)?, count(&cx.output(0)?));
        if total == 0 {
            return Ok(Bound::nothing());
        }
        let kernel: Vec<usize> = self.op.window.kernel.iter().map(|&k| k as usize).collect();
        let axes = self.op.window.axes(spatial(&x, self.op.channels_last)?, &kernel)?;
        let channels = if self.op.channels_last { x.last() } else { x.get(1) };
        let windows = Windows {
            axes: &axes,
            images: x.first().copied().unwrap_or(0),
            groups: channels.copied().unwrap_or(0),
            ins: 1,
            outs: 1,
            channels_last: self.op.channels_last,
        };
        let mut parameters = Parameters::default().floats(&[self.power, 0.0, 0.0, 0.0]);
        parameters.0.extend(windows.parameters()?);
        let mut bound = Bound::nothing();
        let y = self.narrow.output(&mut bound, 0, total);
        bound.launches.push(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), y.clone()],
            parameters: parameters.0,
            groups: groups(total)?,
        });
        self.narrow.finish(&mut bound, &y, 0, total)?;
        Ok(bound)
    }
}
