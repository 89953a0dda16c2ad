//! QLinearSoftmax whose scales and zero points are known.

use super::Kernel;
use super::arrange::scratch;
use super::packed_bytes::{is_byte, one, scales, zeros};
use super::shared::{count, groups, input_type, kind, rows_of_groups, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::qlinear_softmax::QLinearSoftmax;
use edgewise_core::quant::exponentials;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("qlinear_softmax", 2, 1);

/// Elements of a slice up to which sums are exact.
const MOST: usize = 1 << 20;

pub fn lower(gpu: &Gpu, op: &QLinearSoftmax, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_byte(dtype)) else {
        return Ok(None);
    };
    let (Some(x_scale), Some(y_scale), Some(zero)) =
        (one(scales(node, 1)), one(scales(node, 3)), one(zeros(node, 4)))
    else {
        return Ok(None);
    };
    let pipeline = |shares: bool| {
        gpu.pipeline(Variant::new(&SHADER, &[("KIND", kind(dtype)), ("SHARES", shares.into())]))
    };
    let (look, share) = (pipeline(false), pipeline(true));
    Ok(Some(Box::new(Softmax { op: op.clone(), look, share, x_scale, y_scale, zero })))
}

struct Softmax {
    op: QLinearSoftmax,
    look: PipelineId,
    share: PipelineId,
    x_scale: f32,
    y_scale: f32,
    zero: i32,
}

impl DeviceKernel for Softmax {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let x = cx.input(0)?;
        let (len, words) = (count(&x), words(DType::U8, count(&x)));
        let mut bound = Bound::nothing();
        if len == 0 {
            return Ok(bound);
        }
        let axes = self.op.slices(x.len())?;
        let inner = count(x.get(axes.end..).unwrap_or_default());
        let slice = count(x.get(axes).unwrap_or_default());
        ensure!(slice <= MOST, LimitExceeded, "a slice of {slice} elements is too large here");
        let slices = len / slice.max(1);
        let found = scratch(&mut bound, 8 * slices);

        let table = exponentials(self.x_scale, slice);
        let each = (1.0 / self.y_scale).floor() as u64;
        let steps = table.map(|share| (u64::from(share).saturating_mul(each) as f32).to_bits());
        let mut parameters = vec![word(words)?, word(len)?, word(slice)?, word(inner)?];
        parameters.extend([word(slices)?, self.zero as u32, 0, 0]);
        parameters.extend(table);
        parameters.extend(steps);
        bound.launches.push(Launch {
            pipeline: self.look,
            // Nothing has been found yet: the image lies there, and is not read.
            buffers: vec![Operand::Input(0), Operand::Input(0), found.clone()],
            parameters: parameters.clone(),
            groups: rows_of_groups(slices)?,
        });
        bound.launches.push(Launch {
            pipeline: self.share,
            buffers: vec![Operand::Input(0), found, Operand::Output(0)],
            parameters,
            groups: groups(words)?,
        });
        Ok(bound)
    }

    fn packed(&self) -> &[usize] {
        &[1, 2, 3, 4]
    }
}
