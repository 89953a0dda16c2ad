//! GridSample of floats, of one to three spatial axes.

use super::Kernel;
use super::shared::{count, groups, input_type, is_float, kind, word, words};
use super::windows::MOST_SPATIAL;
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::grid_sample::{GridSample, Mode, Padding};
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("grid_sample", 2, 1);

pub fn lower(gpu: &Gpu, op: &GridSample, node: &Lowered<'_>) -> Result<Kernel> {
    let float = |i| input_type(node, i).filter(|&dtype| is_float(dtype));
    let rank = node.fact(0).and_then(|fact| Some(fact.dims.as_ref()?.len()));
    let (Some(dtype), Some(grid), Some(rank)) = (float(0), float(1), rank) else { return Ok(None) };
    let axes = rank.saturating_sub(2);
    if !(1..=MOST_SPATIAL).contains(&axes) {
        return Ok(None);
    }
    let mode = match op.mode {
        Mode::Nearest => 0,
        Mode::Linear => 1,
        Mode::Cubic => 2,
    };
    let padding = match op.padding {
        Padding::Zeros => 0,
        Padding::Border => 1,
        Padding::Reflection => 2,
    };
    let constants = [
        ("KIND", kind(dtype)),
        ("GRID_KIND", kind(grid)),
        ("AXES", axes as u32),
        ("MODE", mode),
        ("PADDING", padding),
        ("ALIGN_CORNERS", op.align_corners.into()),
    ];
    Ok(Some(Box::new(Lower { pipeline: gpu.pipeline(Variant::new(&SHADER, &constants)), dtype })))
}

struct Lower {
    pipeline: PipelineId,
    dtype: DType,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let (&[_, channels, ref spatial @ ..], &[_, _, ref places @ ..]) = (&x[..], &y[..]) else {
            bail!(InvalidModel, "expected a batch and a channel axis, got shape {x:?}");
        };
        let len = count(&y);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let words = words(self.dtype, len);
        let mut sizes = vec![len, words, channels, count(places), count(spatial), 0, 0, 0];
        sizes.extend(spatial);
        sizes.resize(12, 1);
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), Operand::Input(1), Operand::Output(0)],
            parameters: sizes.into_iter().map(word).collect::<Result<_>>()?,
            groups: groups(words)?,
        }))
    }
}
