//! GroupNormalization and InstanceNormalization. LpNormalization and MeanVarianceNormalization go through the same
//! kernel.

use super::Kernel;
use super::narrow::Narrow;
use super::reduce::Groups;
use super::shared::{can_be_walked, count, input_type, is_float, kind, rows_of_groups, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::group_normalization::GroupNormalization;

pub static SHADER: Shader = shader!("group_normalization", 3, 1);

pub fn lower(gpu: &Gpu, op: &GroupNormalization, node: &Lowered<'_>) -> Result<Kernel> {
    let scale = input_type(node, 1).filter(|&scale| is_float(scale) && input_type(node, 2) == Some(scale));
    let normalizer = scale.and_then(|scale| Normalizer::of(gpu, node, Measure::Deviation, Some(kind(scale))));
    Ok(normalizer.map(|normalizer| Box::new(Lower { normalizer, op: op.clone() }) as _))
}

/// What the elements of a group are divided by.
#[derive(Clone, Copy, PartialEq)]
pub enum Measure {
    /// What their mean, taken away before, leaves: the root of the variance and a little.
    Deviation,
    /// The same, a little more than the root.
    Root,
    /// The sum of their sizes.
    Sum,
    /// Their length.
    Length,
}

/// What normalizes groups of floats of one type.
pub struct Normalizer {
    pipeline: PipelineId,
    narrow: Narrow,
}

/// How scales and biases lie along the groups.
pub struct Scales {
    /// Groups until they begin again.
    pub groups: usize,
    /// Scales of a group, and elements of a group that share one.
    pub each: usize,
    pub positions: usize,
}

impl Normalizer {
    /// Of the elements of input 0, with scales and biases of that kind in inputs 1 and 2 or without any.
    pub fn of(gpu: &Gpu, node: &Lowered<'_>, measure: Measure, scale: Option<u32>) -> Option<Normalizer> {
        let dtype = input_type(node, 0).filter(|&dtype| is_float(dtype) && can_be_walked(node.inputs))?;
        let constants = [
            ("KIND", kind(dtype)),
            ("SCALE_KIND", scale.unwrap_or(1)),
            ("SCALED", scale.is_some().into()),
            ("MEASURE", measure as u32),
        ];
        let pipeline = gpu.pipeline(Variant::new(&SHADER, &constants));
        Some(Normalizer { pipeline, narrow: Narrow::to(gpu, dtype) })
    }

    /// The launches, for those groups.
    pub fn bind(
        &self,
        cx: &Binding<'_>,
        groups: &Groups,
        scales: Option<Scales>,
        little: f32,
    ) -> Result<Bound> {
        let total = count(&cx.input(0)?);
        let mut bound = Bound::nothing();
        if total == 0 {
            return Ok(bound);
        }
        let y = self.narrow.output(&mut bound, 0, total);
        let mut parameters = groups.parameters()?;
        let beside = if scales.is_some() { [1, 2] } else { [0, 0] };
        let Scales { groups: period, each, positions } =
            scales.unwrap_or(Scales { groups: 1, each: 0, positions: 1 });
        parameters.0.extend([word(period)?, word(each)?, word(positions)?]);
        bound.launches.push(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), Operand::Input(beside[0]), Operand::Input(beside[1]), y.clone()],
            parameters: parameters.floats(&[little]).0,
            groups: rows_of_groups(groups.count)?,
        });
        self.narrow.finish(&mut bound, &y, 0, total)?;
        Ok(bound)
    }
}

struct Lower {
    normalizer: Normalizer,
    op: GroupNormalization,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let x = cx.input(0)?;
        let &[batch, channels, ref positions @ ..] = &x[..] else {
            bail!(InvalidModel, "expected a batch and a channel axis, got shape {x:?}");
        };
        let (groups, positions) = (self.op.groups(channels)?, count(positions));
        let wanted = if self.op.scale_groups { groups } else { channels };
        for i in [1, 2] {
            let given = cx.input(i)?;
            ensure!(
                count(&given) == wanted,
                InvalidModel,
                "expected {wanted} parameters, got shape {given:?}"
            );
        }
        let per_group = channels.checked_div(groups).unwrap_or(0);
        let rows = Groups::rows(batch * groups, per_group * positions);
        let scales = match self.op.scale_groups {
            true => Scales { groups, each: 1, positions: per_group * positions },
            false => Scales { groups, each: per_group, positions },
        };
        self.normalizer.bind(cx, &rows, Some(scales), self.op.epsilon)
    }
}
