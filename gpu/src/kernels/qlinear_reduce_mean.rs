//! QLinearReduceMean whose scales, zero points and axes are known.

use super::Kernel;
use super::packed_bytes::{is_byte, one, scales, zeros};
use super::shared::{Axis, Parameters, count, groups, input_type, kind, merged, ranks_fit, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::qlinear_reduce_mean::QLinearReduceMean;
use edgewise_core::quant::Mean;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("qlinear_reduce_mean", 1, 1);

/// Elements up to which a sum of differences of bytes fits an i32.
const MOST: usize = 1 << 22;

pub fn lower(gpu: &Gpu, op: &QLinearReduceMean, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_byte(dtype) && ranks_fit(node)) else {
        return Ok(None);
    };
    let (Some(x_scale), Some(x_zero), Some(y_scale), Some(y_zero)) =
        (one(scales(node, 1)), one(zeros(node, 2)), one(scales(node, 3)), one(zeros(node, 4)))
    else {
        return Ok(None);
    };
    // Else larger sums need not have larger means.
    let grows = x_scale > 0.0 && y_scale > 0.0;
    let (Some(axes), true) = (op.axes.given(|_| None), grows) else { return Ok(None) };
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &[("KIND", kind(dtype))]));
    let mean = Mean { len: 1, x_scale, y_scale, y_zero: y_zero.into() };
    Ok(Some(Box::new(Means { pipeline, op: op.clone(), axes, mean, x_zero, dtype })))
}

struct Means {
    pipeline: PipelineId,
    op: QLinearReduceMean,
    axes: Vec<i64>,
    /// For one element.
    mean: Mean,
    x_zero: i32,
    dtype: DType,
}

impl DeviceKernel for Means {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let (len, words) = (count(&y), words(DType::U8, count(&y)));
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let marked = self.op.axes.marked(&self.axes, x.len())?;
        let mut step = 1;
        let (mut kept, mut summed) = (Vec::new(), Vec::new());
        for (&size, &gone) in x.iter().zip(&marked).rev() {
            let axis = Axis { size, steps: [step] };
            if gone {
                summed.insert(0, axis)
            } else {
                kept.insert(0, axis)
            }
            step *= size as i64;
        }
        let each: usize = summed.iter().map(|axis| axis.size).product();
        ensure!(each < MOST, LimitExceeded, "a mean of {each} elements is too large here");
        let (kept, summed) = (merged(kept), merged(summed));
        let low: i32 = if self.dtype == DType::I8 { -128 } else { 0 };
        let head = [word(words)?, word(len)?, word(kept.len())?, word(summed.len())?];
        let more = [word(each)?, self.x_zero as u32, low as u32, 0];
        let mut parameters = Parameters([head, more].concat()).axes(&[kept, summed].concat())?.0;
        let limits = limits(Mean { len: each, ..self.mean }, low.into());
        parameters.extend(limits.map(|limit| limit as u32));
        let buffers = vec![Operand::Input(0), Operand::Output(0)];
        Ok(Bound::one(Launch { pipeline: self.pipeline, buffers, parameters, groups: groups(words)? }))
    }

    fn packed(&self) -> &[usize] {
        &[1, 2, 3, 4]
    }
}

/// The least sum that gives `low + 1`, `low + 2` and so on. What no sum gives has the largest one, or one more
/// entry than there are results.
fn limits(mean: Mean, low: i64) -> [i32; 256] {
    std::array::from_fn(|i| {
        let wanted = low + 1 + i as i64;
        let (mut least, mut most) = (i64::from(i32::MIN), i64::from(i32::MAX));
        while least < most {
            let middle = least + (most - least).div_euclid(2);
            if mean.of(middle, [low, low + 255]) >= wanted { most = middle } else { least = middle + 1 }
        }
        least as i32
    })
}
