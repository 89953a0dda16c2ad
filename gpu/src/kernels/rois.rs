//! RoiAlign of floats, by a number of samples that its attribute says. Where a region's size says how many there are,
//! a launch could take any time, so that is left to the host, as are MaxRoiPool and CropAndResize.

use super::Kernel;
use super::gather::wide_indices;
use super::shared::{count, groups, input_type, is_float, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, Check, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::rois::Rois;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("rois", 3, 2);

/// The most samples along an axis of a bin.
const MOST_SAMPLES: usize = 32;

pub fn lower(gpu: &Gpu, op: &Rois, node: &Lowered<'_>) -> Result<Kernel> {
    let &Rois::Align { average, half_pixel, sampling_ratio, spatial_scale, .. } = op else { return Ok(None) };
    let (Some(dtype), Some(wide)) = (input_type(node, 0), wide_indices(node, 2)) else { return Ok(None) };
    let few = (1..=MOST_SAMPLES).contains(&sampling_ratio);
    if !few || !is_float(dtype) || input_type(node, 1) != Some(dtype) {
        return Ok(None);
    }
    let constants = [
        ("KIND", kind(dtype)),
        ("WIDE_INDICES", wide.into()),
        ("AVERAGE", average.into()),
        ("HALF_PIXEL", half_pixel.into()),
        ("SAMPLES", word(sampling_ratio)?),
    ];
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &constants));
    Ok(Some(Box::new(Lower { pipeline, dtype, scale: spatial_scale })))
}

struct Lower {
    pipeline: PipelineId,
    dtype: DType,
    scale: f32,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, regions, batches, y) = (cx.input(0)?, cx.input(1)?, cx.input(2)?, cx.output(0)?);
        let (&[images, ..], &[many, _, rows, columns]) = (&x[..], &y[..]) else {
            bail!(InvalidModel, "expected images of rank 4, got shape {x:?}");
        };
        let indices = count(&batches);
        ensure!(indices == many, InvalidInput, "{many} regions need as many batch indices, got {indices}");
        let len = count(&y);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        ensure!(count(&x) > 0, InvalidInput, "{x:?} has no elements to take regions of");
        word(count(&x).max(count(&regions)))?;
        let words = words(self.dtype, len);
        let mut parameters =
            [len, words, 0, cx.word].into_iter().chain(x.iter().copied()).chain([rows, columns]);
        let mut parameters = parameters.by_ref().map(word).collect::<Result<Vec<u32>>>()?;
        parameters.extend([self.scale.to_bits(), 0]);
        let launch = Launch {
            pipeline: self.pipeline,
            buffers: vec![
                Operand::Input(0),
                Operand::Input(1),
                Operand::Input(2),
                Operand::Output(0),
                Operand::Status,
            ],
            parameters,
            groups: groups(words)?,
        };
        Ok(Bound { checks: vec![Check::Batch(images)], ..Bound::one(launch) })
    }
}
