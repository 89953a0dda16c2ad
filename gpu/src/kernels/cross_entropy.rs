//! NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss of floats: the softmax of scores, the loss of every sample,
//! and what becomes of them.

use super::Kernel;
use super::arrange::scratch;
use super::copy::{Copy, Part};
use super::gather::wide_indices;
use super::narrow::Narrow;
use super::shared::{count, groups, input_type, is_float, kind, word};
use super::softmax::Slices;
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, Check, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::cross_entropy::{CrossEntropy, Reduction};
use edgewise_core::ops::softmax::Mode;
use edgewise_core::{DType, Result};

pub static SHADERS: &[Shader] = &[shader!("cross_entropy", 3, 2), shader!("cross_entropy_sum", 1, 1)];

pub fn lower(gpu: &Gpu, op: &CrossEntropy, node: &Lowered<'_>) -> Result<Kernel> {
    let dtype = input_type(node, 0).filter(|&dtype| is_float(dtype));
    let weights = input_type(node, 2);
    let (Some(dtype), Some(wide), [losses, sum]) = (dtype, wide_indices(node, 1), SHADERS) else {
        return Ok(None);
    };
    let Some(copy) = Copy::of(gpu, DType::F32) else { return Ok(None) };
    // Losses alone may be wanted, and likelihoods beside them.
    if node.output(0).is_none() || !op.softmax && node.output(1).is_some() || !weights.is_none_or(is_float) {
        return Ok(None);
    }
    let likelihood = if op.softmax { DType::F32 } else { dtype };
    let constants = [
        ("KIND", kind(likelihood)),
        ("WEIGHT_KIND", kind(weights.unwrap_or(DType::F32))),
        ("WEIGHTED", weights.is_some().into()),
        ("IGNORES", op.ignored.is_some().into()),
        ("WIDE_INDICES", wide.into()),
    ];
    let mean = op.reduction == Reduction::Mean;
    Ok(Some(Box::new(Lower {
        softmax: op.softmax.then(|| Slices::of(gpu, dtype, dtype, Mode::Log)),
        losses: gpu.pipeline(Variant::new(losses, &constants)),
        sum: gpu.pipeline(Variant::new(sum, &[("MEAN", mean.into())])),
        narrow: Narrow::to(gpu, dtype),
        copy,
        op: op.clone(),
    })))
}

struct Lower {
    softmax: Option<Slices>,
    losses: PipelineId,
    sum: PipelineId,
    narrow: Narrow,
    copy: Copy,
    op: CrossEntropy,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, samples) = (cx.input(0)?, count(&cx.input(1)?));
        let &[batch, classes, ref positions @ ..] = &x[..] else {
            bail!(InvalidModel, "expected a batch and a class axis, got shape {x:?}");
        };
        let positions = count(positions);
        ensure!(samples == batch * positions, InvalidModel, "{samples} classes for scores of {x:?}");
        if let Some(weights) = cx.optional(2) {
            ensure!(count(&weights) == classes, InvalidModel, "weights {weights:?} for {classes} classes");
        }
        ensure!(classes > 0 || samples == 0, InvalidInput, "there are no classes");
        let mut bound = Bound::nothing();
        let total = count(&x);
        let likelihood = match &self.softmax {
            Some(softmax) if total > 0 => {
                let slices = (total, classes, positions);
                match cx.outputs.get(1).is_some_and(Option::is_some) {
                    true => softmax.launches(&mut bound, slices, Operand::Input(0), 1)?,
                    false => {
                        let y = scratch(&mut bound, 4 * total);
                        softmax.launch(&mut bound, slices, Operand::Input(0), y.clone())?;
                        y
                    }
                }
            }
            _ => Operand::Input(0),
        };
        let losses = scratch(&mut bound, 8 * samples);
        if samples > 0 {
            let ignored = self.op.ignored.unwrap_or(0);
            let weights = Operand::Input(if cx.optional(2).is_some() { 2 } else { 0 });
            let mut parameters = vec![word(samples)?, word(classes)?, word(positions)?, word(cx.word)?];
            bound.checks.push(Check::Class(classes));
            parameters.extend([ignored as u32, (ignored >> 32) as u32, 0, 0]);
            bound.launches.push(Launch {
                pipeline: self.losses,
                buffers: vec![likelihood, Operand::Input(1), weights, losses.clone(), Operand::Status],
                parameters,
                groups: groups(samples)?,
            });
        }
        let len = if self.op.reduction == Reduction::None { samples } else { 1 };
        let y = self.narrow.output(&mut bound, 0, len);
        if self.op.reduction == Reduction::None {
            let copy = self.copy.launch(0, &[Part::whole(samples, 1)], [losses, y.clone()])?;
            bound.launches.extend(copy);
        } else {
            bound.launches.push(Launch {
                pipeline: self.sum,
                buffers: vec![losses, y.clone()],
                parameters: vec![word(samples)?, 0, 0, 0],
                groups: [1, 1, 1],
            });
        }
        self.narrow.finish(&mut bound, &y, 0, len)?;
        Ok(bound)
    }
}
