//! ConvInteger, QLinearConv and ConvIntegerToFloat: convolutions of bytes, summed in 32 bits, and those as bytes
//! again or as numbers.

use super::Kernel;
use super::activation::Function;
use super::requantize::{Places, Requantize};
use super::scale_sums::ScaleSums;
use super::shared::{count, input_type, kind};
use super::windows::{MOST_AXES, Windows};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId, device_bytes};
use edgewise_core::ops::max_pool::spatial;
use edgewise_core::ops::qlinear_conv::{Gives, QLinearConv};
use edgewise_core::{DType, Result};
use std::sync::Arc;

pub static SHADER: Shader = shader!("qlinear_conv", 4, 1);

/// Pixels and output channels of a tile.
const TILE: usize = 64;
/// Groups along one dimension that every GPU can launch.
const MOST_GROUPS: usize = 65_535;

pub fn lower(gpu: &Gpu, op: &Arc<QLinearConv>, node: &Lowered<'_>) -> Result<Kernel> {
    let [w, x_zero, w_zero] = op.gives.places();
    let byte = |i: usize| input_type(node, i).filter(|dtype| matches!(dtype, DType::U8 | DType::I8));
    let rank = node.fact(0).and_then(|fact| fact.dims.as_ref()).map(|dims| dims.len());
    let (Some(x), Some(of_w), true) = (byte(0), byte(w), rank.is_some_and(|rank| rank <= MOST_AXES + 2)) else {
        return Ok(None);
    };
    let same = |i: usize, dtype| !node.has(i) || input_type(node, i) == Some(dtype);
    if !same(x_zero, x) || !same(w_zero, of_w) {
        return Ok(None);
    }
    let then = match op.gives {
        Gives::Sums => Then::Nothing,
        Gives::Bytes => {
            let at = Places { left_scale: 1, right_scale: 4, scale: 6, zero: 7, bias: Some(8) };
            match Requantize::lower(gpu, node, at)? {
                Some(requantize) => Then::Bytes(requantize),
                None => return Ok(None),
            }
        }
        Gives::Floats(activation) => match ScaleSums::lower(gpu, node, Function::fused(&activation)) {
            Some(scale) => Then::Floats(scale),
            None => return Ok(None),
        },
    };
    let constants = [
        ("X_KIND", kind(x)),
        ("W_KIND", kind(of_w)),
        ("HAS_X_ZERO", node.has(x_zero).into()),
        ("HAS_W_ZERO", node.has(w_zero).into()),
    ];
    Ok(Some(Box::new(Lower {
        pipeline: gpu.pipeline(Variant::new(&SHADER, &constants)),
        then,
        op: op.clone(),
    })))
}

/// What becomes of the sums.
enum Then {
    Nothing,
    Bytes(Requantize),
    Floats(ScaleSums),
}

struct Lower {
    pipeline: PipelineId,
    then: Then,
    op: Arc<QLinearConv>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let [at_w, x_zero, w_zero] = self.op.gives.places();
        let (x, w, y) = (cx.input(0)?, cx.input(at_w)?, cx.output(0)?);
        let total = count(&y);
        if total == 0 {
            return Ok(Bound::nothing());
        }
        let groups = self.op.windows.groups;
        let (outs, ins) = match &w[..] {
            [outs, ins, ..] => (outs / groups, *ins),
            _ => bail!(InvalidModel, "weights need two axes at least, got {w:?}"),
        };
        let axes = spatial(&x, self.op.channels_last)?;
        let axes = self.op.windows.window.axes(axes, w.get(2..).unwrap_or(&[]))?;
        let images = x.first().copied().unwrap_or(0);
        let windows = Windows { axes: &axes, images, groups, ins, outs, channels_last: self.op.channels_last };
        let zeros = cx.optional(w_zero).map_or(1, |shape| count(&shape));
        ensure!(
            zeros == 1 || zeros == outs * groups,
            InvalidModel,
            "{zeros} zero points for {} channels",
            outs * groups
        );
        let mut parameters = vec![(zeros > 1).into(), 0, 0, 0];
        parameters.extend(windows.parameters()?);
        let (pixels, outs) = (windows.pixels().div_ceil(TILE), outs.div_ceil(TILE));
        ensure!(pixels.max(outs) <= MOST_GROUPS, LimitExceeded, "an image of {x:?} is too large");
        let parts = (images * groups).min(MOST_GROUPS);

        let mut bound = Bound::nothing();
        let sums = match &self.then {
            Then::Nothing => Operand::Output(0),
            _ => {
                bound.scratch.push(device_bytes(total.saturating_mul(4)));
                Operand::Scratch(0)
            }
        };
        let zero = |i: usize, else_: usize| Operand::Input(if cx.optional(i).is_some() { i } else { else_ });
        bound.launches.push(Launch {
            pipeline: self.pipeline,
            buffers: vec![
                Operand::Input(0),
                Operand::Input(at_w),
                zero(x_zero, 0),
                zero(w_zero, at_w),
                sums.clone(),
            ],
            parameters,
            groups: [pixels as u32, outs as u32, parts as u32],
        });
        let channels = if self.op.channels_last { y.len() - 1 } else { 1 };
        bound.launches.extend(match &self.then {
            Then::Nothing => None,
            Then::Bytes(requantize) => Some(requantize.launch(sums, &y, channels)?),
            Then::Floats(scale) => Some(scale.launch(cx, sums, &y, channels)?),
        });
        Ok(bound)
    }

    fn on_host(&self) -> &[usize] {
        if let Then::Bytes(_) = self.then { &[1, 4, 6, 7] } else { &[] }
    }
}
