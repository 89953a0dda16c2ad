//! The reductions of floats, along any axes that are known.

use super::Kernel;
use super::narrow::Narrow;
use super::shared::{Axis, GROUP, Parameters, count, input_type, is_float, known_ints, merged};
use super::shared::{ranks_fit, rows_of_groups, will_be_known, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::reduce::{Reduce, Reduction};
use edgewise_core::{DType, Result, strides};
use std::sync::Arc;

pub static SHADER: Shader = shader!("reduce", 1, 1);

/// Groups of at most so many elements are each reduced by one invocation.
const SMALL: usize = 32;

pub fn lower(gpu: &Gpu, op: &Arc<Reduce>, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    if !ranks_fit(node) || !will_be_known(node, 1) {
        return Ok(None);
    }
    Ok(Some(Box::new(Lower { reducer: Reducer::of(gpu, dtype, op.kind), op: op.clone() })))
}

/// A reduction of floats, whichever axes go.
pub struct Reducer {
    /// Of small groups, one by an invocation.
    alone: PipelineId,
    /// Of large ones.
    together: PipelineId,
    narrow: Narrow,
}

impl Reducer {
    /// Of elements of that type.
    pub fn of(gpu: &Gpu, dtype: DType, kind: Reduction) -> Reducer {
        let number = match kind {
            Reduction::ReduceL1 => 0,
            Reduction::ReduceL2 => 1,
            Reduction::ReduceLogSum => 2,
            Reduction::ReduceLogSumExp => 3,
            Reduction::ReduceMax => 4,
            Reduction::ReduceMean => 5,
            Reduction::ReduceMin => 6,
            Reduction::ReduceProd => 7,
            Reduction::ReduceSum => 8,
            Reduction::ReduceSumSquare => 9,
        };
        let pipeline = |alone: bool| {
            let constants = [("KIND", dtype as u32), ("REDUCTION", number), ("ALONE", alone.into())];
            gpu.pipeline(Variant::new(&SHADER, &constants))
        };
        Reducer { alone: pipeline(true), together: pipeline(false), narrow: Narrow::to(gpu, dtype) }
    }

    /// The launches that reduce the marked axes of input 0.
    pub fn bind(&self, cx: &Binding<'_>, marked: &[bool]) -> Result<Bound> {
        let x = cx.input(0)?;
        let steps = strides(&x);
        let part = |gone: bool| {
            let axes = x.iter().zip(&steps).zip(marked).filter(|(_, m)| **m == gone);
            let axes = axes.map(|((&size, &step), _)| Axis { size, steps: [step as i64] });
            axes.collect::<Vec<Axis<1>>>()
        };
        let (kept, gone) = (part(false), part(true));
        let groups = count(&cx.output(0)?);
        if groups == 0 {
            return Ok(Bound::nothing());
        }
        let len: usize = gone.iter().map(|axis| axis.size).product();
        let (kept, gone) = (merged(kept), merged(gone));
        let head = vec![word(groups)?, word(len)?, word(kept.len())?, word(gone.len())?];
        let parameters = Parameters(head).axes(&kept)?.axes(&gone)?.0;
        let (pipeline, teams) = match len <= SMALL {
            true => (self.alone, groups.div_ceil(GROUP)),
            false => (self.together, groups),
        };
        let mut bound = Bound::nothing();
        let y = self.narrow.output(&mut bound, 0, groups);
        let buffers = vec![Operand::Input(0), y.clone()];
        bound.launches.push(Launch { pipeline, buffers, parameters, groups: rows_of_groups(teams)? });
        self.narrow.finish(&mut bound, &y, 0, groups)?;
        Ok(bound)
    }
}

struct Lower {
    reducer: Reducer,
    op: Arc<Reduce>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let axes = self.op.axes.given(|i| known_ints(cx, i));
        let axes = axes.ok_or_else(|| err!(Internal, "the axes of a reduction are not known"))?;
        self.reducer.bind(cx, &self.op.axes.marked(&axes, cx.input(0)?.len())?)
    }

    fn on_host(&self) -> &[usize] {
        &[1]
    }
}
