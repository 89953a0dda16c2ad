//! DeformConv of floats, over one or two spatial axes. Weights may be any.

use super::Kernel;
use super::shared::{Parameters, count, groups, input_type, is_float, kind, word, words};
use super::windows::{image, windows};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::deform_conv::DeformConv;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("deform_conv", 5, 1);

pub fn lower(gpu: &Gpu, op: &DeformConv, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    let same = (1..5).all(|i| !node.has(i) || input_type(node, i) == Some(dtype));
    let rank = node.fact(0).and_then(|fact| Some(fact.dims.as_ref()?.len()));
    let Some(rank @ (3 | 4)) = rank.filter(|_| same) else { return Ok(None) };
    let (bias, mask) = (node.has(3), node.has(4));
    let constants =
        [("KIND", kind(dtype)), ("AXES", rank as u32 - 2), ("BIAS", bias.into()), ("MASK", mask.into())];
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &constants));
    Ok(Some(Box::new(Lower { op: op.clone(), pipeline, dtype, bias, mask })))
}

struct Lower {
    op: DeformConv,
    pipeline: PipelineId,
    dtype: DType,
    bias: bool,
    mask: bool,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, w, y) = (cx.input(0)?, cx.input(1)?, cx.output(0)?);
        let (batch, channels, spatial) = image(&x, false)?;
        let (&[_, outs, ref pixels @ ..], &[_, seen, ref kernel @ ..]) = (&y[..], &w[..]) else {
            bail!(InvalidInput, "weights of shape {w:?} for images of shape {x:?}");
        };
        let (parts, convolved) = (self.op.offset_groups, self.op.windows.groups);
        ensure!(channels % parts == 0, InvalidInput, "{channels} channels for {parts} offset groups");
        let fits = seen * convolved == channels && outs % convolved == 0;
        ensure!(fits, InvalidInput, "weights of shape {w:?} for images of shape {x:?}");
        let samples = batch * parts * count(kernel) * count(pixels);
        let has = |i: usize, len: usize| cx.optional(i).is_none_or(|shape| count(&shape) == len);
        let fits = has(2, samples * spatial.len()) && has(4, samples) && has(3, outs);
        ensure!(fits, InvalidInput, "offsets, mask or bias do not fit the image {x:?}");
        let len = count(&y);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        word(count(&x).max(count(&w)).max(samples * spatial.len()))?;
        let mut parameters = Parameters::default();
        windows(&mut parameters, &self.op.windows.window.axes(spatial, kernel)?)?;
        let words = words(self.dtype, len);
        let sharing = (channels / parts).max(1);
        let sizes = [len, words, channels, seen, sharing, outs, (outs / convolved).max(1), 0];
        parameters.0.extend(sizes.into_iter().map(word).collect::<Result<Vec<u32>>>()?);
        // What is not there is never read.
        let or = |i: usize, there: bool| Operand::Input(if there { i } else { 0 });
        let [x, w, offsets] = [0, 1, 2].map(Operand::Input);
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![x, w, offsets, or(3, self.bias), or(4, self.mask), Operand::Output(0)],
            parameters: parameters.0,
            groups: groups(words)?,
        }))
    }
}
