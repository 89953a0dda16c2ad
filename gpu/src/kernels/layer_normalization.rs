//! LayerNormalization and RMSNormalization; SimplifiedLayerNormalization and SkipLayerNormalization of
//! com.microsoft go through the same kernel.

use super::Kernel;
use super::arrange::scratch;
use super::copy::{Copy, Part};
use super::narrow::Narrow;
use super::rounded_rows::Rounding;
use super::shared::{Parameters, count, input_type, is_float, kind, ranks_fit, rows_of_groups, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Already, Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::graph::Dims;
use edgewise_core::ops::layer_normalization::LayerNormalization;
use edgewise_core::{DType, Dim, Result};
use std::sync::Arc;

pub static SHADER: Shader = shader!("layer_normalization", 5, 2);
pub static ROUNDED: Shader = shader!("layer_normalization_rounded", 4, 4);

pub fn lower(gpu: &Gpu, op: &Arc<LayerNormalization>, node: &Lowered<'_>) -> Result<Kernel> {
    let of = op.clone();
    let axis: Axis = Box::new(move |rank| of.axis(rank));
    let bias = node.has(2).then_some(2);
    let inputs = Inputs { bias, skip: None, skip_bias: None, statistics: &[1, 2] };
    lower_as(gpu, node, op.centered, op.epsilon, axis, inputs)
}

/// Says at which axis of a tensor of some rank its rows begin.
pub type Axis = Box<dyn Fn(usize) -> Result<usize> + Send + Sync>;

/// The inputs beside 0, which is normalized, and the scale; and the outputs that hold statistics.
#[derive(Clone, Copy)]
pub struct Inputs {
    pub bias: Option<usize>,
    pub skip: Option<usize>,
    pub skip_bias: Option<usize>,
    /// The outputs of the means and of what rows are multiplied by; of the latter alone, if there is one.
    pub statistics: &'static [usize],
}

impl Inputs {
    /// Where the scale is.
    fn scale(&self) -> usize {
        if self.skip.is_some() { 2 } else { 1 }
    }
}

/// A kernel of the family, where types and shapes are plain.
pub fn lower_as(
    gpu: &Gpu,
    node: &Lowered<'_>,
    centered: bool,
    epsilon: f32,
    axis: Axis,
    inputs: Inputs,
) -> Result<Kernel> {
    let float = |i| input_type(node, i).filter(|&dtype| is_float(dtype));
    let (Some(dtype), Some(scale)) = (float(0), float(inputs.scale())) else { return Ok(None) };
    let same = |i: Option<usize>, wanted| i.is_none_or(|i| input_type(node, i) == Some(wanted));
    let types = same(inputs.bias, scale) && same(inputs.skip, dtype) && same(inputs.skip_bias, dtype);
    let output = node.output(0).and_then(|fact| fact.dtype());
    let known = [1, 2].into_iter().all(|i| match node.output(i) {
        Some(fact) => inputs.statistics.contains(&i) && fact.dtype() == Some(DType::F32),
        None => true,
    });
    let (Some(output), true) = (output, types && known && ranks_fit(node)) else { return Ok(None) };
    let rows = [Some(inputs.scale()), inputs.bias, inputs.skip_bias].into_iter().flatten();
    let dims = |i: usize| node.fact(i).and_then(|fact| fact.dims.as_ref());
    let Some(x) = dims(0) else { return Ok(None) };
    let first = axis(x.len())?;
    for i in rows {
        if !dims(i).is_some_and(|row| is_row(row, x, first)) {
            return Ok(None);
        }
    }
    // Products behind it take its rows in 8 bits. What is rounded must be what it writes, row for row.
    let plain = output == DType::F32 && !centered && inputs.bias.is_none() && first + 1 == x.len();
    let rounding = node.wished.first().filter(|_| plain).map(|&form| Rounding::wished(gpu, output, form));
    let constants = [
        ("KIND", kind(dtype)),
        ("SCALE_KIND", kind(scale)),
        ("HAS_SKIP", inputs.skip.is_some().into()),
        ("HAS_SKIP_BIAS", inputs.skip_bias.is_some().into()),
    ];
    let variant = match &rounding {
        Some(rounding) => Variant::new(&ROUNDED, &[&constants[..], &[("BITS", rounding.bits())]].concat()),
        None => {
            let own = [("CENTERED", centered.into()), ("HAS_BIAS", inputs.bias.is_some().into())];
            Variant::new(&SHADER, &[&constants[..], &own].concat())
        }
    };
    Ok(Some(Box::new(Lower {
        pipeline: gpu.pipeline(variant),
        rounding,
        narrow: Narrow::to(gpu, output),
        keep_sum: node.output(3).is_some(),
        copy: Copy::of(gpu, DType::F32),
        epsilon,
        axis,
        inputs,
    })))
}

/// Whether a scale begins again with every row: it has the row's shape, or one axis, whatever its size.
fn is_row(scale: &Dims, x: &Dims, axis: usize) -> bool {
    let row = x.get(axis..).unwrap_or(&[]);
    // What broadcasts and is not 1 is the size of the row.
    let full = |(s, x): (&Dim, &Dim)| s == x || s.known().is_some_and(|n| n != 1);
    let whole = scale.len() == row.len() && scale.iter().zip(row).all(full);
    whole || scale.len() == 1 && row.len() == 1 || scale.is_empty()
}

struct Lower {
    pipeline: PipelineId,
    /// How products behind it wish to have its rows.
    rounding: Option<Rounding>,
    narrow: Narrow,
    keep_sum: bool,
    /// Of statistics.
    copy: Option<Copy>,
    epsilon: f32,
    axis: Axis,
    inputs: Inputs,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let x = cx.input(0)?;
        let (total, len) = (count(&x), count(x.get((self.axis)(x.len())?..).unwrap_or(&[])));
        if total == 0 {
            return Ok(Bound::nothing());
        }
        // What is left out is bound all the same: as the input, which nobody reads there.
        let operand = |i: Option<usize>| Operand::Input(i.unwrap_or(0));
        let size = |i: Option<usize>| -> Result<u32> {
            word(i.map_or(Ok(len), |i| cx.input(i).map(|s| count(&s)))?)
        };
        let (scale, bias) = (Some(self.inputs.scale()), self.inputs.bias);
        let mut bound = Bound::nothing();
        let rows = total / len;
        let wanted = |i: &usize| cx.outputs.get(*i).is_some_and(Option::is_some);
        let statistics = self.inputs.statistics.iter().any(wanted);
        let kept = match self.keep_sum {
            true => self.narrow.output(&mut bound, 3, total),
            false => scratch(&mut bound, if statistics { 8 * rows } else { 4 }),
        };
        let y = self.narrow.output(&mut bound, 0, total);
        let head = vec![
            word(rows)?,
            word(len)?,
            size(scale)?,
            size(bias)?,
            size(self.inputs.skip)?,
            if statistics { 2 } else { self.keep_sum.into() },
        ];
        let mut parameters = Parameters(head).floats(&[self.epsilon]).0;
        parameters.push(self.rounding.map_or(0, |rounding| rounding.block()));
        let (skip, skip_bias) = (operand(self.inputs.skip), operand(self.inputs.skip_bias));
        let mut buffers = vec![Operand::Input(0), operand(scale)];
        if self.rounding.is_none() {
            buffers.push(operand(bias));
        }
        buffers.extend([skip, skip_bias, y.clone(), kept.clone()]);
        if let Some(rounding) = &self.rounding {
            let makes = rounding.memory(&mut bound, [rows, len]);
            buffers.extend(makes.map(Operand::Scratch));
            let launch = rounding.launch(Operand::Output(0), [rows, len], makes)?;
            bound.already.push(Already { launch, makes: makes.into() });
        }
        let (pipeline, groups) = (self.pipeline, rows_of_groups(rows)?);
        bound.launches.push(Launch { pipeline, buffers, parameters, groups });
        self.narrow.finish(&mut bound, &y, 0, total)?;
        if self.keep_sum {
            self.narrow.finish(&mut bound, &kept, 3, total)?;
        }
        // The means come first, what rows are multiplied by follows them.
        let ends = self.inputs.statistics.iter().rev().zip([rows, 0]).filter(|(i, _)| wanted(i));
        for ((&i, from), copy) in ends.filter_map(|end| Some((end, self.copy?))) {
            let buffers = [kept.clone(), Operand::Output(i)];
            bound.launches.extend(copy.launch(from, &[Part::whole(rows, 1)], buffers)?);
        }
        Ok(bound)
    }
}
