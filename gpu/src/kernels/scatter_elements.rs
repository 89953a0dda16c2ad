//! ScatterElements and Scatter. ScatterND goes through the same kernels.
//!
//! What a reader would get wrong: updates may meet at one place, and then their order counts. Where they replace,
//! the last one claims the place by its number. Where they are joined they are taken in order, so many with each
//! launch that no invocation has much to look through.

use super::Kernel;
use super::arrange::scratch;
use super::cast;
use super::constant_of_shape::Fill;
use super::copy::{Copy, Part};
use super::gather::{Picks, wide_indices};
use super::gather_elements::elements;
use super::shared::{Parameters, count, groups, in_words, input_type, is_float, is_wide, kind, mover};
use super::shared::{ranks_fit, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::scatter_elements::{Reduction, ScatterElements};
use edgewise_core::{DType, Result};

pub static SHADERS: &[Shader] =
    &[shader!("scatter_places", 1, 2), shader!("scatter_elements", 3, 1), shader!("scatter_joined", 2, 1)];

/// Updates that are joined with one launch.
const AT_ONCE: usize = 256;

pub fn lower(gpu: &Gpu, op: &ScatterElements, node: &Lowered<'_>) -> Result<Kernel> {
    let axis = op.axis;
    Ok(Scatter::lower(gpu, node, op.reduction, move |x, indices| elements(x, indices, axis)))
}

/// A kernel that puts updates, input 2, into a copy of input 0, where input 1 says.
pub struct Scatter<F> {
    places: PipelineId,
    put: Put,
    dtype: DType,
    picks: F,
}

/// How updates become part of the copy.
enum Put {
    Replace { fill: Fill, settle: PipelineId, unit: DType, units: usize },
    Join(Join),
}

impl<F> Scatter<F>
where
    F: Fn(&[usize], &[usize]) -> Result<Picks> + Send + Sync + 'static,
{
    /// The kernel, where elements can be moved and joined; `picks` is asked with the shapes of data and indices.
    pub fn lower(gpu: &Gpu, node: &Lowered<'_>, reduction: Reduction, picks: F) -> Kernel {
        let [places, settle, joined] = SHADERS else { return None };
        let (dtype, wide) = (input_type(node, 0)?, wide_indices(node, 1)?);
        if !ranks_fit(node) || input_type(node, 2) != Some(dtype) {
            return None;
        }
        let put = match reduction {
            Reduction::Replace => {
                let (unit, units) = mover(dtype)?;
                let settle = gpu.pipeline(Variant::new(settle, &[("KIND", unit as u32)]));
                Put::Replace { fill: Fill::new(gpu), settle, unit, units }
            }
            reduction => Put::Join(Join::of(gpu, joined, dtype, reduction)?),
        };
        let claim = matches!(put, Put::Replace { .. });
        let constants = [("WIDE_INDICES", wide.into()), ("CLAIM", claim.into())];
        Some(Box::new(Scatter { places: gpu.pipeline(Variant::new(places, &constants)), put, dtype, picks }))
    }
}

impl<F: Fn(&[usize], &[usize]) -> Result<Picks> + Send + Sync> DeviceKernel for Scatter<F> {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, indices) = (cx.input(0)?, cx.input(1)?);
        let len = count(&x);
        let mut bound = Bound::nothing();
        if len == 0 {
            return Ok(bound);
        }
        // Places are counted in slices, which none of the steps divides.
        let mut picks = (self.picks)(&x, &indices)?;
        let inner = picks.inner;
        let slices = |step: usize| step / inner;
        picks
            .axes
            .iter_mut()
            .for_each(|axis| axis.steps = [slices(axis.steps[0] as usize) as i64, axis.steps[1]]);
        picks.along.iter_mut().for_each(|(_, step)| *step = slices(*step));
        let updates: usize = picks.axes.iter().map(|axis| axis.size).product();
        let given = count(&cx.input(2)?);
        ensure!(given == updates * inner, InvalidInput, "{given} updates do not fit {updates} places");
        let of_places = |y: Operand| -> Result<Option<Launch<Operand>>> {
            if updates == 0 {
                return Ok(None);
            }
            let mut parameters = Parameters::walk(DType::U32, updates, 0, &picks.slices(1))?;
            picks.write(&mut parameters, 1, cx.word)?;
            let buffers = vec![Operand::Input(1), y, Operand::Status];
            let pipeline = self.places;
            Ok(Some(Launch { pipeline, buffers, parameters: parameters.0, groups: groups(updates)? }))
        };
        bound.checks.push(picks.check());
        match &self.put {
            Put::Replace { fill, settle, unit, units } => {
                let claims = scratch(&mut bound, 4 * (len / inner));
                bound.launches.extend(fill.launch(len / inner, [0, 0], claims.clone())?);
                bound.launches.extend(of_places(claims.clone())?);
                let words = words(*unit, len * units);
                bound.launches.push(Launch {
                    pipeline: *settle,
                    buffers: vec![Operand::Input(0), Operand::Input(2), claims, Operand::Output(0)],
                    parameters: vec![word(len * units)?, word(words)?, word(inner * units)?, 0],
                    groups: groups(words)?,
                });
            }
            Put::Join(join) => {
                let places = scratch(&mut bound, 4 * updates);
                bound.launches.extend(of_places(places.clone())?);
                join.launches(&mut bound, (self.dtype, len), &places, updates, inner)?;
            }
        }
        Ok(bound)
    }
}

/// What joins updates into a tensor whose elements have words of their own: small ones go through such words.
struct Join {
    pipeline: PipelineId,
    copy: Copy,
    /// The type in whose words they are joined, and the ways there and back, of small elements.
    wider: Option<(DType, PipelineId, PipelineId)>,
}

impl Join {
    fn of(gpu: &Gpu, shader: &'static Shader, dtype: DType, reduction: Reduction) -> Option<Join> {
        let number = match (reduction, dtype) {
            (Reduction::Add, DType::Bool) | (Reduction::Max, _) => 2,
            (Reduction::Mul, DType::Bool) | (Reduction::Min, _) => 3,
            (Reduction::Add, _) => 0,
            (Reduction::Mul, _) => 1,
            (Reduction::Replace, _) => return None,
        };
        let through = match dtype {
            dtype if is_float(dtype) => DType::F32,
            dtype if is_wide(dtype) || dtype == DType::U32 => dtype,
            dtype if in_words(dtype) => DType::I32,
            _ => return None,
        };
        let rounded = if is_float(dtype) { dtype } else { through };
        let constants = [("KIND", kind(through)), ("RESULT", kind(rounded)), ("REDUCTION", number)];
        let there_and_back =
            || (through, cast::pipeline(gpu, dtype, through), cast::pipeline(gpu, through, dtype));
        Some(Join {
            pipeline: gpu.pipeline(Variant::new(shader, &constants)),
            copy: Copy::of(gpu, dtype)?,
            wider: (through != dtype).then(there_and_back),
        })
    }

    /// The launches that make output 0 of so many elements.
    fn launches(
        &self,
        bound: &mut Bound,
        (dtype, len): (DType, usize),
        places: &Operand,
        updates: usize,
        inner: usize,
    ) -> Result<()> {
        let (mut y, mut from) = (Operand::Output(0), Operand::Input(2));
        if let Some((through, there, _)) = self.wider {
            let mut widened = |input: Operand, len: usize| -> Result<Operand> {
                let to = scratch(bound, 4 * len);
                bound.launches.extend(cast::launch(there, through, len, [input, to.clone()])?);
                Ok(to)
            };
            (y, from) = (widened(Operand::Input(0), len)?, widened(from, updates * inner)?);
        } else {
            let all = [Part::whole(len, 1)];
            bound.launches.extend(self.copy.launch(0, &all, [Operand::Input(0), y.clone()])?);
        }
        for first in (0..updates).step_by(AT_ONCE) {
            let end = updates.min(first + AT_ONCE);
            let work = (end - first) * inner;
            bound.launches.push(Launch {
                pipeline: self.pipeline,
                buffers: vec![places.clone(), from.clone(), y.clone()],
                parameters: vec![word(first)?, word(end)?, word(inner)?, word(work)?],
                groups: groups(work)?,
            });
        }
        if let Some((_, _, back)) = self.wider {
            bound.launches.extend(cast::launch(back, dtype, len, [y, Operand::Output(0)])?);
        }
        Ok(())
    }
}
