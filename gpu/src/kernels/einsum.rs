//! Einsum of one or two terms of floats: every name is an axis that the result has, or one that is summed.

use super::Kernel;
use super::shared::{
    Axis, MOST_AXES, Parameters, count, groups, input_type, is_float, kind, merged, ranks_fit, word, words,
};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::einsum::{Einsum, Label};
use edgewise_core::{DType, Result};
use std::collections::{BTreeMap, BTreeSet};

pub static SHADERS: &[Shader] = &[shader!("einsum", 2, 1)];

pub fn lower(gpu: &Gpu, op: &Einsum, node: &Lowered<'_>) -> Result<Kernel> {
    let terms = node.inputs.len();
    let (Some(dtype), [shader]) = (input_type(node, 0).filter(|&dtype| is_float(dtype)), SHADERS) else {
        return Ok(None);
    };
    let same = node.inputs.iter().flatten().all(|fact| fact.dtype() == Some(dtype));
    if !(1..=2).contains(&terms) || !same || !ranks_fit(node) {
        return Ok(None);
    }
    let mut labels = BTreeSet::new();
    for i in 0..terms {
        let rank = node.fact(i).and_then(|fact| fact.dims.as_ref()).map_or(0, |dims| dims.len());
        labels.extend(op.labels(i, rank)?);
    }
    if labels.len() - op.output_labels(labels.iter().copied()).len().min(labels.len()) > MOST_AXES {
        return Ok(None);
    }
    let pipeline = gpu.pipeline(Variant::new(shader, &[("KIND", kind(dtype)), ("TERMS", terms as u32)]));
    Ok(Some(Box::new(Sums { op: op.clone(), terms, dtype, pipeline })))
}

struct Sums {
    op: Einsum,
    terms: usize,
    dtype: DType,
    pipeline: PipelineId,
}

impl Sums {
    /// Every name's size, and its steps in both terms.
    fn axes(&self, cx: &Binding<'_>) -> Result<BTreeMap<Label, Axis<2>>> {
        let mut axes = BTreeMap::new();
        for i in 0..self.terms {
            let shape = cx.input(i)?;
            word(count(&shape))?;
            let mut step = 1;
            for (label, &size) in self.op.labels(i, shape.len())?.into_iter().zip(&shape).rev() {
                let axis = axes.entry(label).or_insert(Axis { size, steps: [0, 0] });
                let fits = axis.size == size || axis.size == 1 || size == 1;
                ensure!(fits, InvalidInput, "an axis of {} and one of {size} have one name", axis.size);
                // A name that is there twice goes along both; what broadcasts stays.
                if size != 1 {
                    axis.size = size;
                    axis.steps = std::array::from_fn(|n| axis.steps[n] + if n == i { step } else { 0 });
                }
                step *= size as i64;
            }
        }
        Ok(axes)
    }
}

impl DeviceKernel for Sums {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let len = count(&cx.output(0)?);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let mut axes = self.axes(cx)?;
        let labels = self.op.output_labels(axes.keys().copied());
        let outer = merged(labels.iter().filter_map(|label| axes.remove(label)).collect());
        let summed = merged(axes.into_values().collect());
        let sums = summed.iter().map(|axis| axis.size).product();
        let sizes = Parameters(vec![word(len)?, word(sums)?, outer.len() as u32, summed.len() as u32]);
        let last = if self.terms == 2 { 1 } else { 0 };
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), Operand::Input(last), Operand::Output(0)],
            parameters: sizes.axes(&outer)?.axes(&summed)?.0,
            groups: groups(words(self.dtype, len))?,
        }))
    }
}
