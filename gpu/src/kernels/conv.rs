//! Conv and FusedConv of floats, with the channels first or last.

use super::Kernel;
use super::activation::Function;
use super::narrow::Narrow;
use super::shared::{Parameters, count, groups, input_type, is_float, kind};
use super::windows::{MOST_AXES, Windows};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::conv::Conv;
use edgewise_core::ops::max_pool::spatial;
use std::sync::Arc;

pub static TILES: Shader = shader!("conv", 4, 1);
pub static FEW: Shader = shader!("conv_few", 4, 1);

/// Pixels and output channels of a tile.
const TILE: usize = 64;
/// Groups along one dimension that every GPU can launch.
const MOST_GROUPS: usize = 65_535;
/// With fewer output channels than this in a group, most of a tile would be empty.
const FEW_OUTS: usize = 8;

pub fn lower(gpu: &Gpu, op: &Arc<Conv>, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    let same = (1..node.inputs.len()).all(|i| !node.has(i) || input_type(node, i) == Some(dtype));
    let rank = node.fact(0).and_then(|fact| fact.dims.as_ref()).map(|dims| dims.len());
    if !same || rank.is_none_or(|rank| rank > MOST_AXES + 2) {
        return Ok(None);
    }
    let activation = Function::fused(&op.activation);
    let constants = [
        ("KIND", kind(dtype)),
        ("HAS_BIAS", node.has(2).into()),
        ("HAS_SUM", node.has(3).into()),
        ("ACTIVATION", activation.number),
    ];
    Ok(Some(Box::new(Lower {
        tiles: gpu.pipeline(Variant::new(&TILES, &constants)),
        few: gpu.pipeline(Variant::new(&FEW, &constants)),
        narrow: Narrow::to(gpu, dtype),
        activation,
        op: op.clone(),
    })))
}

struct Lower {
    tiles: PipelineId,
    few: PipelineId,
    narrow: Narrow,
    activation: Function,
    op: Arc<Conv>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, w, total) = (cx.input(0)?, cx.input(1)?, count(&cx.output(0)?));
        if total == 0 {
            return Ok(Bound::nothing());
        }
        let (outs, ins) = match &w[..] {
            [outs, ins, ..] => (outs / self.op.windows.groups, *ins),
            _ => bail!(InvalidModel, "weights need two axes at least, got {w:?}"),
        };
        let kernel = w.get(2..).unwrap_or(&[]);
        let axes = self.op.windows.window.axes(spatial(&x, self.op.channels_last)?, kernel)?;
        let windows = Windows {
            axes: &axes,
            images: x.first().copied().unwrap_or(0),
            groups: self.op.windows.groups,
            ins,
            outs,
            channels_last: self.op.channels_last,
        };
        let mut parameters = Parameters::default().floats(&self.activation.parameters);
        parameters.0.extend(windows.parameters()?);
        let (pipeline, groups) = if outs < FEW_OUTS {
            (self.few, groups(total)?)
        } else {
            let (pixels, outs) = (windows.pixels().div_ceil(TILE), outs.div_ceil(TILE));
            ensure!(pixels.max(outs) <= MOST_GROUPS, LimitExceeded, "an image of {x:?} is too large");
            let parts = (windows.images * windows.groups).min(MOST_GROUPS);
            (self.tiles, [pixels as u32, outs as u32, parts as u32])
        };
        let mut bound = Bound::nothing();
        let y = self.narrow.output(&mut bound, 0, total);
        // What is left out is bound all the same: as the image, which nobody reads there.
        let optional = |i: usize| Operand::Input(if cx.optional(i).is_some() { i } else { 0 });
        let buffers = vec![Operand::Input(0), Operand::Input(1), optional(2), optional(3), y.clone()];
        bound.launches.push(Launch { pipeline, buffers, parameters: parameters.0, groups });
        self.narrow.finish(&mut bound, &y, 0, total)?;
        Ok(bound)
    }
}
