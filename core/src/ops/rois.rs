//! RoiAlign, MaxRoiPool, CropAndResize: regions of pictures, each brought to one size.
//!
//! RoiAlign (10; 16 adds `coordinate_transformation_mode`, and before it regions began without the shift of
//! half a pixel; 22 adds bf16) takes regions [x1, y1, x2, y2] in pixels. MaxRoiPool (1; 22 adds bf16) takes
//! [batch, x1, y1, x2, y2]. CropAndResize (com.microsoft) takes [y1, x1, y2, x2], where 1 is the far end,
//! and the size as an input. Floats of every width.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// RoiAlign, MaxRoiPool or CropAndResize.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "ONNX's attribute names say it")]
pub enum Rois {
    /// The mean, or the largest, of bilinear samples in each bin.
    Align { average: bool, half_pixel: bool, size: [usize; 2], sampling_ratio: usize, spatial_scale: f32 },
    /// The largest element in each bin.
    MaxPool { size: [usize; 2], spatial_scale: f32 },
    /// Resized with corners kept.
    Crop { bilinear: bool, extrapolation: f32 },
}

impl Operator for Rois {
    fn parse(a: &mut Attrs) -> Result<Rois> {
        match a.op() {
            "RoiAlign" => Rois::parse_align(a),
            "MaxRoiPool" => {
                a.arity(2..=2, 1..=1)?;
                let shape = a.ints("pooled_shape")?;
                let shape = a.required("pooled_shape", shape)?;
                let [height, width] = shape[..] else {
                    bail!(InvalidModel, "pooled_shape must have 2 elements, got {shape:?}")
                };
                let spatial_scale = a.float_or("spatial_scale", 1.0)?;
                Ok(Rois::MaxPool { size: size(height, width)?, spatial_scale })
            }
            _ => {
                a.arity(4..=4, 1..=1)?;
                Ok(Rois::Crop {
                    bilinear: a.choice("mode", &[("bilinear", true), ("nearest", false)])?,
                    extrapolation: a.float_or("extrapolation_value", 0.0)?,
                })
            }
        }
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        let columns = if matches!(self, Rois::MaxPool { .. }) { 5 } else { 4 };
        let (x, rois) = (cx.dims(0), cx.dims(1));
        if let Some(x) = x {
            ensure!(x.len() == 4, InvalidModel, "expected a tensor of rank 4, got rank {}", x.len());
        }
        if let Some(rois) = rois {
            let fits = rois.len() == 2 && rois[1].known().is_none_or(|d| d == columns);
            ensure!(fits, InvalidModel, "expected regions of {columns} numbers each, got {rois:?}");
        }
        let count = rois.map_or_else(|| cx.unknown_dim(), |rois| rois[0].clone());
        let channels = x.map_or_else(|| cx.unknown_dim(), |x| x[1].clone());
        let (height, width) = match self {
            Rois::Align { size, .. } | Rois::MaxPool { size, .. } => (Dim::from(size[0]), Dim::from(size[1])),
            Rois::Crop { .. } => match cx.ints(3).as_deref() {
                Some([height, width]) => (height.clone(), width.clone()),
                Some(other) => bail!(InvalidModel, "crop_size must have 2 elements, got {other:?}"),
                None => (cx.unknown_dim(), cx.unknown_dim()),
            },
        };
        cx.set_tensor(0, dtype, Some(Dims::from_iter([count, channels, height, width])));
        Ok(())
    }
}

impl Rois {
    fn parse_align(a: &mut Attrs) -> Result<Rois> {
        a.arity(3..=3, 1..=1)?;
        let modes = [("half_pixel", true), ("output_half_pixel", false)];
        let half_pixel = a.version() >= 16 && a.choice("coordinate_transformation_mode", &modes)?;
        let ratio = a.int_or("sampling_ratio", 0)?;
        Ok(Rois::Align {
            average: a.choice("mode", &[("avg", true), ("max", false)])?,
            half_pixel,
            size: size(a.int_or("output_height", 1)?, a.int_or("output_width", 1)?)?,
            sampling_ratio: usize::try_from(ratio)
                .map_err(|_| err!(InvalidModel, "sampling_ratio must not be negative, got {ratio}"))?,
            spatial_scale: a.float_or("spatial_scale", 1.0)?,
        })
    }
}

fn size(height: i64, width: i64) -> Result<[usize; 2]> {
    match (usize::try_from(height), usize::try_from(width)) {
        (Ok(h), Ok(w)) if h > 0 && w > 0 => Ok([h, w]),
        _ => Err(err!(InvalidModel, "the size of the result must be positive, got {height}×{width}")),
    }
}
