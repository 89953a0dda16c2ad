//! The reductions, along any axes: of floats here, of integers in `reduce_integer.rs`.

use super::narrow::Narrow;
use super::shared::{Axis, GROUP, Parameters, input_type, is_float, known_ints, merged};
use super::shared::{can_be_walked, rows_of_groups, word};
use super::{Kernel, reduce_integer};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::reduce::{Axes, Reduce, Reduction};
use edgewise_core::{DType, Result, strides};
use std::sync::Arc;

pub static SHADER: Shader = shader!("reduce", 1, 1);

/// Groups of at most so many elements are each reduced by one invocation.
const SMALL: usize = 32;

pub fn lower(gpu: &Gpu, op: &Arc<Reduce>, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|_| can_be_walked(node.inputs)) else { return Ok(None) };
    if !is_float(dtype) {
        return Ok(reduce_integer::lower(gpu, op, dtype));
    }
    Ok(Some(Box::new(Lower { reducer: Reducer::of(gpu, dtype, op.kind), op: op.clone() })))
}

/// Which axes of input 0 go.
pub fn marked(axes: &Axes, cx: &Binding<'_>) -> Result<Vec<bool>> {
    let rank = cx.input(0)?.len();
    match axes.given(|i| known_ints(cx, i)) {
        Some(given) => axes.marked(&given, rank),
        // Nobody had to ask for them where there is one element in the end, whichever they are.
        None if cx.output(0)?.is_empty() => Ok(vec![true; rank]),
        None => Err(err!(Internal, "the axes of a reduction are not known")),
    }
}

/// The number of a reduction in the shaders.
pub fn number(kind: Reduction) -> u32 {
    match kind {
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
    }
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
        let number = number(kind);
        let pipeline = |alone: bool| {
            let constants = [("KIND", dtype as u32), ("REDUCTION", number), ("ALONE", alone.into())];
            gpu.pipeline(Variant::new(&SHADER, &constants))
        };
        Reducer { alone: pipeline(true), together: pipeline(false), narrow: Narrow::to(gpu, dtype) }
    }

    /// The launches that reduce the marked axes of input 0.
    pub fn bind(&self, cx: &Binding<'_>, marked: &[bool]) -> Result<Bound> {
        let Some(groups) = Groups::of(cx, marked)? else { return Ok(Bound::nothing()) };
        let mut bound = Bound::nothing();
        let y = self.narrow.output(&mut bound, 0, groups.count);
        bound.launches.push(groups.launch([self.alone, self.together], y.clone())?);
        self.narrow.finish(&mut bound, &y, 0, groups.count)?;
        Ok(bound)
    }
}

/// The groups of elements that become one each, as `common/groups.wgsl` has them.
pub struct Groups {
    pub count: usize,
    /// Elements of a group.
    pub len: usize,
    kept: Vec<Axis<1>>,
    gone: Vec<Axis<1>>,
}

impl Groups {
    /// Along the marked axes of input 0; none where no group is there, however few elements it had.
    pub fn of(cx: &Binding<'_>, marked: &[bool]) -> Result<Option<Groups>> {
        let x = cx.input(0)?;
        let steps = strides(&x);
        let part = |gone: bool| {
            let axes = x.iter().zip(&steps).zip(marked).filter(|(_, m)| **m == gone);
            let axes = axes.map(|((&size, &step), _)| Axis { size, steps: [step as i64] });
            axes.collect::<Vec<Axis<1>>>()
        };
        let (kept, gone) = (part(false), part(true));
        let count: usize = kept.iter().map(|axis| axis.size).product();
        let len: usize = gone.iter().map(|axis| axis.size).product();
        let (kept, gone) = (merged(kept), merged(gone));
        Ok((count > 0).then_some(Groups { count, len, kept, gone }))
    }

    /// Rows of so many elements.
    pub fn rows(count: usize, len: usize) -> Groups {
        let all = |size, step: usize| merged(vec![Axis { size, steps: [step as i64] }]);
        Groups { count, len, kept: all(count, len), gone: all(len, 1) }
    }

    /// What the shaders read of them.
    pub fn parameters(&self) -> Result<Parameters> {
        let head = vec![word(self.count)?, word(self.len)?, word(self.kept.len())?, word(self.gone.len())?];
        Parameters(head).axes(&self.kept)?.axes(&self.gone)
    }

    /// The launch that reduces them: by invocations alone where they are small, else by groups of invocations.
    pub fn launch(&self, [alone, together]: [PipelineId; 2], y: Operand) -> Result<Launch<Operand>> {
        // Where barriers are dear, both are the one without.
        let (pipeline, teams) = match self.len <= SMALL || alone == together {
            true => (alone, self.count.div_ceil(GROUP)),
            false => (together, self.count),
        };
        let buffers = vec![Operand::Input(0), y];
        let (parameters, groups) = (self.parameters()?.0, rows_of_groups(teams)?);
        Ok(Launch { pipeline, buffers, parameters, groups })
    }
}

struct Lower {
    reducer: Reducer,
    op: Arc<Reduce>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        self.reducer.bind(cx, &marked(&self.op.axes, cx)?)
    }

    fn on_host(&self) -> &[usize] {
        &[1]
    }
}
