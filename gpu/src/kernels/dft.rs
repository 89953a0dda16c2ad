//! DFT of floats, each number by its sum, of a length that is known and not too long. STFT goes through the same kernel.
//!
//! What a reader would get wrong: a sum over the whole length for every number looks like too much. A spectrum of
//! sound has a few hundred of them, all summed at once.

use super::Kernel;
use super::packed_bytes::held;
use super::shared::{count, groups, input_type, is_float, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Memory, Operand, PipelineId};
use edgewise_core::ops::dft::{Dft, signal_axis};
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("dft", 3, 1);

/// Longer ones are for the host, which need not take every number times every other one.
const LONGEST: usize = 4096;

pub fn lower(gpu: &Gpu, op: &Dft, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dims) = node.fact(0).and_then(|fact| fact.dims.as_ref()) else { return Ok(None) };
    if !are_known(node, &[1, 2]) {
        return Ok(None);
    }
    let axis = signal_axis(op.axis.or(number(node, 2)?).unwrap_or(-2), dims.len())?;
    let real = op.inverse && op.onesided;
    let size = match (number(node, 1)?, dims.get(axis).and_then(|dim| dim.size())) {
        (Some(size), _) => usize::try_from(size).ok(),
        (None, Some(size)) if real => Some(2 * size.saturating_sub(1)),
        (None, size) => size,
    };
    let constants =
        [("INVERSE", op.inverse.into()), ("MIRRORED", real.into()), ("OUT_PARTS", 2 - u32::from(real))];
    let transform = Transform::of(gpu, node, size, &constants)?;
    Ok(transform.map(|transform| Box::new(Lower { transform, axis }) as _))
}

/// Whether those inputs are constants, where they are there.
pub fn are_known(node: &Lowered<'_>, inputs: &[usize]) -> bool {
    inputs.iter().all(|&i| !node.has(i) || node.constant(i).is_some())
}

/// The number that input `i` is, if it is there.
pub fn number(node: &Lowered<'_>, i: usize) -> Result<Option<i64>> {
    node.constant(i).map(|view| view.scalar_i64()).transpose()
}

/// Transforms of one length.
pub struct Transform {
    pipeline: PipelineId,
    dtype: DType,
    /// Numbers of a transform, and the roots of unity for them.
    pub size: usize,
    roots: Memory,
}

/// Where the lines of a signal lie.
pub struct Lines {
    /// Numbers that are given, and that are wanted.
    pub given: usize,
    pub wanted: usize,
    /// Lines side by side.
    pub inner: usize,
    /// Parts of a number that is given.
    pub parts: usize,
    /// Frames of a signal, and numbers from one signal to the next, and from one frame to the next.
    pub frames: usize,
    pub signal: usize,
    pub frame: usize,
}

impl Transform {
    pub fn of(
        gpu: &Gpu,
        node: &Lowered<'_>,
        size: Option<usize>,
        constants: &[(&'static str, u32)],
    ) -> Result<Option<Transform>> {
        let dtype = input_type(node, 0).filter(|&dtype| is_float(dtype));
        let size = size.filter(|size| (1..=LONGEST).contains(size));
        let (Some(dtype), Some(size)) = (dtype, size) else { return Ok(None) };
        let mut all = vec![("KIND", kind(dtype))];
        all.extend(constants);
        let root = |i: usize| {
            let (sine, cosine) = (std::f64::consts::TAU * i as f64 / size as f64).sin_cos();
            [cosine, sine].map(|x| (x as f32).to_bits())
        };
        let roots = held(gpu, &(0..size).flat_map(root).collect::<Vec<u32>>(), "roots of unity")?;
        Ok(Some(Transform { pipeline: gpu.pipeline(Variant::new(&SHADER, &all)), dtype, size, roots }))
    }

    /// Of input 0 to output 0, which has a shape; where there is no window, any input stands for it.
    pub fn bind(&self, x: &[usize], y: &[usize], lines: &Lines, window: usize) -> Result<Bound> {
        let len = count(y);
        word(count(x))?;
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let words = words(self.dtype, len);
        let Lines { given, wanted, inner, parts, frames, signal, frame } = *lines;
        let sizes =
            [len, words, self.size, given, wanted, inner, frames, signal * parts, frame * parts, parts, 0, 0];
        let roots = Operand::Held(self.roots.clone());
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), roots, Operand::Input(window), Operand::Output(0)],
            parameters: sizes.into_iter().map(word).collect::<Result<_>>()?,
            groups: groups(words)?,
        }))
    }
}

struct Lower {
    transform: Transform,
    axis: usize,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let size = |shape: &[usize]| shape.get(self.axis).copied().unwrap_or(0);
        let (given, wanted) = (size(&x), size(&y));
        let inner = count(x.get(self.axis + 1..x.len().saturating_sub(1)).unwrap_or_default());
        let (parts, signal) = (x.last().copied().unwrap_or(1), given * inner);
        let lines = Lines { given, wanted, inner, parts, frames: 1, signal, frame: 0 };
        self.transform.bind(&x, &y, &lines, 0)
    }

    fn on_host(&self) -> &[usize] {
        &[1, 2]
    }
}
