//! PackedSwiGLU of floats: the kernel of SwiGLU, whose second input is the other half of each row; and that row in 8
//! bits as well, where a product behind it wishes for that.

use super::Kernel;
use super::gated::pipeline;
use super::rounded_rows::Rounding;
use super::shared::{Axis, Parameters, count, groups, input_type, is_float, rows_of_groups, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Already, Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::gated::Gated;
use edgewise_core::ops::packed_swiglu::PackedSwiGLU;
use edgewise_core::{DType, Result};

pub static ROUNDED: Shader = shader!("packed_swiglu_rounded", 1, 3);

pub fn lower(gpu: &Gpu, op: &PackedSwiGLU, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    // What is rounded must be what it writes. Where barriers are dear, the product rounds it without any.
    let plain = dtype == DType::F32 && gpu.features().barriers;
    let rounding = node.wished.first().filter(|_| plain).map(|&form| Rounding::wished(gpu, dtype, form));
    let alpha = op.alpha;
    let pipeline = match &rounding {
        Some(rounding) => gpu.pipeline(Variant::new(&ROUNDED, &[("BITS", rounding.bits())])),
        None => pipeline(gpu, dtype, &Gated::SwiGLU { alpha }),
    };
    Ok(Some(Box::new(Lower { pipeline, rounding, dtype, alpha })))
}

struct Lower {
    pipeline: PipelineId,
    /// How a product behind it wishes to have its rows.
    rounding: Option<Rounding>,
    dtype: DType,
    alpha: f32,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let y = cx.output(0)?;
        let (len, width) = (count(&y), y.last().copied().unwrap_or(0));
        if len == 0 {
            return Ok(Bound::nothing());
        }
        word(2 * len)?;
        match &self.rounding {
            Some(rounding) => self.rounded(rounding, [len / width, width]),
            None => self.plain([len / width, width]),
        }
    }
}

impl Lower {
    fn plain(&self, [rows, width]: [usize; 2]) -> Result<Bound> {
        let row = 2 * width as i64;
        let axes = [Axis { size: rows, steps: [row; 2] }, Axis { size: width, steps: [1; 2] }];
        let mut parameters = Parameters::walk(self.dtype, rows * width, self.alpha.to_bits(), &axes)?.0;
        parameters.extend([word(width)?, 0, 0, 0]);
        let buffers = vec![Operand::Input(0), Operand::Input(0), Operand::Output(0)];
        let groups = groups(words(self.dtype, rows * width))?;
        Ok(Bound::one(Launch { pipeline: self.pipeline, buffers, parameters, groups }))
    }

    /// Its rows, and the same in 8 bits.
    fn rounded(&self, rounding: &Rounding, sizes: [usize; 2]) -> Result<Bound> {
        let mut bound = Bound::nothing();
        let makes = rounding.memory(&mut bound, sizes);
        let launch = rounding.launch(Operand::Output(0), sizes, makes)?;
        bound.already.push(Already { launch, makes: makes.into() });
        let ([rows, width], block) = (sizes, rounding.block());
        let blocks = width.div_ceil(block as usize);
        let head = vec![word(width)?, block, word(blocks)?, word(rows * blocks)?];
        let [codes, steps] = makes.map(Operand::Scratch);
        bound.launches.push(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), Operand::Output(0), codes, steps],
            parameters: Parameters(head).floats(&[self.alpha, 0.0, 0.0, 0.0]).0,
            groups: rows_of_groups(rows * blocks)?,
        });
        Ok(bound)
    }
}
