//! Trilu: one side of a diagonal. EyeLike, the diagonal itself, goes through the same kernel.

use super::Kernel;
use super::shared::{count, groups, input_type, mover, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::trilu::Trilu;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("trilu", 2, 1);

pub fn lower(gpu: &Gpu, op: &Trilu, node: &Lowered<'_>) -> Result<Kernel> {
    let given = node.has(1);
    let fits = !given || input_type(node, 1) == Some(DType::I64);
    let part = if op.upper { Part::Above } else { Part::Below };
    let matrices = input_type(node, 0).and_then(|dtype| Matrices::of(gpu, dtype, part, given));
    Ok(matrices.filter(|_| fits).map(|matrices| Box::new(Lower { matrices, given }) as _))
}

/// What of a matrix is there, the diagonal included; the rest is zero.
#[derive(Clone, Copy, PartialEq)]
pub enum Part {
    Above,
    Below,
    /// The diagonal alone, of an element that is given.
    Diagonal,
}

/// What makes matrices of one type.
pub struct Matrices {
    pipeline: PipelineId,
    unit: DType,
    /// Units of an element.
    units: usize,
}

impl Matrices {
    /// Of elements of that type, if they can be moved; `given` says that an input holds how far above the main
    /// diagonal this one lies.
    pub fn of(gpu: &Gpu, dtype: DType, part: Part, given: bool) -> Option<Matrices> {
        let (unit, units) = mover(dtype).filter(|&(_, units)| units <= 2)?;
        let constants = [("KIND", unit as u32), ("PART", part as u32), ("GIVEN", given.into())];
        Some(Matrices { pipeline: gpu.pipeline(Variant::new(&SHADER, &constants)), unit, units })
    }

    /// The launch that makes output 0, with how far above the main diagonal, or what holds that.
    pub fn bind(&self, cx: &Binding<'_>, k: i64, given: Option<Operand>, one: [u32; 2]) -> Result<Bound> {
        let y = cx.output(0)?;
        let &[.., rows, columns] = &y[..] else {
            bail!(InvalidModel, "expected at least two axes, got {y:?}");
        };
        let len = count(&y) * self.units;
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let words = words(self.unit, len);
        let mut parameters = vec![word(len)?, word(words)?, word(rows)?, word(columns)?];
        parameters.extend([k as u32, (k >> 32) as u32, self.units as u32, 0, one[0], one[1], 0, 0]);
        let buffers = vec![Operand::Input(0), given.unwrap_or(Operand::Input(0)), Operand::Output(0)];
        Ok(Bound::one(Launch { pipeline: self.pipeline, buffers, parameters, groups: groups(words)? }))
    }
}

struct Lower {
    matrices: Matrices,
    given: bool,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        self.matrices.bind(cx, 0, self.given.then_some(Operand::Input(1)), [0, 0])
    }
}
