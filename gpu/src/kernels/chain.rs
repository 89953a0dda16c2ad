//! Chain: functions of floats that follow one another, as few launches as hold them.
//!
//! What a reader would get wrong: there is one pipeline, which reads from its parameters what to do. One for each
//! chain would take its compiler longer than most models run.

use super::Kernel;
use super::activation::Function as Known;
use super::shared::{Parameters, broadcast, count, groups, input_type, ranks_fit};
use super::{binary, unary};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{
    Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId, device_bytes,
};
use edgewise_core::ops::chain::{Chain, Function, Place, Step};
use edgewise_core::ops::gated::Gated;
use edgewise_core::ops::variadic::Variadic;
use edgewise_core::{DType, Result, Shape};

pub static SHADER: Shader = shader!("chain", 4, 1);

/// Steps of a launch.
const STEPS: usize = 16;
/// Tensors beside the one that goes through a launch.
const BESIDE: usize = 3;

/// Where numbers of functions begin in the shader.
const OF_ONE: u32 = 32;
const OF_TWO: u32 = 64;
const GATED: u32 = 96;

pub fn lower(gpu: &Gpu, op: &Chain, node: &Lowered<'_>) -> Result<Kernel> {
    let floats = (0..node.inputs.len()).all(|i| input_type(node, i) == Some(DType::F32));
    if !floats || !ranks_fit(node) {
        return Ok(None);
    }
    let mut parts: Vec<Part> = Vec::new();
    let mut next = 1;
    for step in &op.steps {
        let Some((number, parameters)) = numbered(&step.function) else { return Ok(None) };
        let takes = usize::from(step.place != Place::Only);
        let full = |part: &Part| part.steps.len() == STEPS || part.beside.len() + takes > BESIDE;
        if parts.last().is_none_or(full) {
            parts.push(Part::default());
        }
        let Some(part) = parts.last_mut() else { continue };
        part.steps.push(code(step, number, part.beside.len()));
        part.parameters.extend(parameters);
        part.beside.extend(next..next + takes);
        next += takes;
    }
    Ok(Some(Box::new(Parts { pipeline: gpu.pipeline(Variant::new(&SHADER, &[])), parts })))
}

/// The number of a function, and its parameters; none where the shader does not have it.
fn numbered(function: &Function) -> Option<(u32, [f32; 4])> {
    let known = |known: Known| Some((known.number, known.parameters));
    match *function {
        Function::Activation(ref activation) => known(Known::of(activation)),
        Function::Clip { low, high } => known(Known::clip(low, high)),
        Function::Unary(ref op) => Some((OF_ONE + unary::number(op), [0.0; 4])),
        Function::Arithmetic(function) => Some((OF_TWO + binary::number(function), [0.0; 4])),
        Function::Variadic(Variadic::Max) => Some((OF_TWO + binary::MAX, [0.0; 4])),
        Function::Variadic(Variadic::Min) => Some((OF_TWO + binary::MIN, [0.0; 4])),
        Function::Variadic(_) | Function::Gated(Gated::PRelu { by_channel: true }) => None,
        Function::Gated(Gated::PRelu { by_channel: false }) => Some((GATED, [0.0; 4])),
        Function::Gated(Gated::SwiGLU { alpha }) => Some((GATED + 1, [alpha, 0.0, 0.0, 0.0])),
        Function::Gated(Gated::BiasGelu) => Some((GATED + 2, [0.0; 4])),
        Function::Gated(Gated::FastGelu) => Some((GATED + 3, [0.0; 4])),
    }
}

/// A step as the shader reads it.
fn code(step: &Step, number: u32, beside: usize) -> u32 {
    let turned = u32::from(step.place == Place::Second) << 8;
    let which = if step.place == Place::Only { 0 } else { (beside as u32) << 9 };
    number | turned | which
}

/// The steps of one launch.
#[derive(Default)]
struct Part {
    steps: Vec<u32>,
    /// Of all steps, four each.
    parameters: Vec<f32>,
    /// The inputs that they take beside.
    beside: Vec<usize>,
}

impl Part {
    /// What the shader reads, behind the way through the tensors.
    fn parameters(&self, walk: Parameters) -> Vec<u32> {
        let Parameters(mut words) = walk;
        words.extend([self.steps.len() as u32, self.beside.len() as u32, 0, 0]);
        let mut steps = self.steps.clone();
        steps.resize(STEPS, 0);
        words.extend(steps);
        let mut of_steps = self.parameters.clone();
        of_steps.resize(4 * STEPS, 0.0);
        Parameters(words).floats(&of_steps).0
    }

    /// What it takes beside, and then what goes through in place of those that are missing.
    fn operands(&self, through: &Operand) -> [Operand; BESIDE] {
        std::array::from_fn(|i| self.beside.get(i).map_or_else(|| through.clone(), |i| Operand::Input(*i)))
    }
}

struct Parts {
    pipeline: PipelineId,
    parts: Vec<Part>,
}

impl DeviceKernel for Parts {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let shape = cx.output(0)?;
        let len = count(&shape);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let last = self.parts.len().saturating_sub(1);
        let mut bound = Bound::nothing();
        let mut through = Operand::Input(0);
        for (i, part) in self.parts.iter().enumerate() {
            let to = if i == last { Operand::Output(0) } else { Operand::Scratch(i % 2) };
            let beside = part.beside.iter().map(|&i| cx.input(i)).collect::<Result<Vec<Shape>>>()?;
            let shapes: [&[usize]; BESIDE] =
                std::array::from_fn(|i| beside.get(i).map_or(&[][..], |shape| &shape[..]));
            let axes = broadcast(&shape, shapes);
            let parameters = part.parameters(Parameters::walk(DType::F32, len, 0, &axes)?);
            let mut buffers = vec![through.clone()];
            buffers.extend(part.operands(&through));
            buffers.push(to.clone());
            bound.launches.push(Launch {
                pipeline: self.pipeline,
                buffers,
                parameters,
                groups: groups(len)?,
            });
            through = to;
        }
        bound.scratch = vec![device_bytes(4 * len); last.min(2)];
        Ok(bound)
    }
}
