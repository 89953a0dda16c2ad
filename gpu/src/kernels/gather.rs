//! Gather: slices picked by indices. GatherElements and GatherND go through the same kernel, and scattering names
//! its slices as they do.

use super::Kernel;
use super::shared::{Axis, Parameters, can_be_walked, count, groups, input_type, merged, mover, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, Check, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::graph::normalize_axis;
use edgewise_core::ops::gather::Gather;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("gather", 2, 2);

pub fn lower(gpu: &Gpu, op: &Gather, node: &Lowered<'_>) -> Result<Kernel> {
    let axis = op.axis;
    Ok(Picker::lower(gpu, node, move |x, indices| Picks::of_slices(x, count(indices), axis)))
}

/// What names slices of a tensor: `common/picks.wgsl` reads it.
pub struct Picks {
    /// The axes of the slices, with the steps in the tensor and in the indices.
    pub axes: Vec<Axis<2>>,
    /// The axes that the indices of a row count along: sizes, and steps in the tensor.
    pub along: Vec<(usize, usize)>,
    /// Elements of a slice.
    pub inner: usize,
}

impl Picks {
    /// Slices along an axis, one for each of so many indices.
    fn of_slices(x: &[usize], picked: usize, axis: i64) -> Result<Picks> {
        let axis = normalize_axis(axis, x.len())?;
        let part = |range: &[usize]| count(range);
        let (outer, inner) = (part(x.get(..axis).unwrap_or(&[])), part(x.get(axis + 1..).unwrap_or(&[])));
        let size = x.get(axis).copied().unwrap_or(0);
        let axes = vec![
            Axis { size: outer, steps: [(size * inner) as i64, 0] },
            Axis { size: picked, steps: [0, 1] },
        ];
        Ok(Picks { axes, along: vec![(size, inner)], inner })
    }

    /// What launches find wrong: indices outside of their axis.
    pub fn check(&self) -> Check {
        match self.along[..] {
            [(size, _)] => Check::Index(Some(size)),
            _ => Check::Index(None),
        }
    }

    /// The words that follow a walk's, where an element is so many units and the node has that word of the status.
    pub fn write(&self, parameters: &mut Parameters, units: usize, status: usize) -> Result<()> {
        ensure!(
            self.along.iter().all(|&(size, _)| size > 0),
            InvalidInput,
            "an axis of size 0 has nothing that an index could name"
        );
        let step = |&(size, step): &(usize, usize)| Axis { size, steps: [(step * units) as i64] };
        let along: Vec<Axis<1>> = self.along.iter().map(step).collect();
        let inner = word(self.inner * units)?;
        parameters.0.extend([along.len() as u32, inner, word(status)?, 0]);
        *parameters = std::mem::take(parameters).axes(&along)?;
        Ok(())
    }

    /// The slices' axes, where an element is so many units.
    pub fn slices(&self, units: usize) -> Vec<Axis<2>> {
        let scaled = |axis: &Axis<2>| {
            let [of_x, of_indices] = axis.steps;
            Axis { size: axis.size, steps: [of_x * units as i64, of_indices] }
        };
        merged(self.axes.iter().map(scaled).collect())
    }
}

/// Whether indices are of 64 bits, if input `i` holds any.
pub fn wide_indices(node: &Lowered<'_>, i: usize) -> Option<bool> {
    match input_type(node, i)? {
        DType::I64 => Some(true),
        DType::I32 => Some(false),
        _ => None,
    }
}

/// A kernel whose output is slices of input 0 that input 1 names.
pub struct Picker<F> {
    pipeline: PipelineId,
    unit: DType,
    units: usize,
    picks: F,
}

impl<F> Picker<F>
where
    F: Fn(&[usize], &[usize]) -> Result<Picks> + Send + Sync + 'static,
{
    /// The kernel, where elements can be moved; `picks` is asked with the shapes of both inputs.
    pub fn lower(gpu: &Gpu, node: &Lowered<'_>, picks: F) -> Kernel {
        let ((unit, units), wide) = (input_type(node, 0).and_then(mover)?, wide_indices(node, 1)?);
        // The output is not walked, and nothing says how many axes it has before a row's length is known.
        if !can_be_walked(node.inputs) {
            return None;
        }
        let constants = [("KIND", unit as u32), ("WIDE_INDICES", wide.into())];
        let pipeline = gpu.pipeline(Variant::new(&SHADER, &constants));
        Some(Box::new(Picker { pipeline, unit, units, picks }))
    }
}

impl<F: Fn(&[usize], &[usize]) -> Result<Picks> + Send + Sync> DeviceKernel for Picker<F> {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let len = count(&cx.output(0)?) * self.units;
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let picks = (self.picks)(&cx.input(0)?, &cx.input(1)?)?;
        let mut parameters = Parameters::walk(self.unit, len, 0, &picks.slices(self.units))?;
        picks.write(&mut parameters, self.units, cx.word)?;
        let launch = Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), Operand::Input(1), Operand::Output(0), Operand::Status],
            parameters: parameters.0,
            groups: groups(words(self.unit, len))?,
        };
        Ok(Bound { checks: vec![picks.check()], ..Bound::one(launch) })
    }
}
