//! Resize and Upsample: another size by taking the nearest element or a weighted mean of neighbors.
//!
//! History: Upsample 1 has the scales of height and width as attributes, 7 a list of them, 9 and 10 an
//! input. Resize 10 takes its place; 11 adds regions, sizes, cubic interpolation and the coordinate modes;
//! 13 makes regions and scales optional; 18 adds axes, antialiasing and the aspect ratio; 19
//! `half_pixel_symmetric`. Upsample and Resize 10 mean `asymmetric` coordinates, and their nearest element is
//! the one before when growing and the one after when shrinking.
//!
//! Types: all of them to the nearest, numbers for the rest; the means of integers are rounded half to even.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer, normalize_axis};
use crate::{Dim, Result};

/// How an element of the result is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "ONNX's names say it")]
pub enum Mode {
    Nearest,
    Linear,
    Cubic,
}

/// How a position in the result becomes one in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "ONNX's names say it")]
pub enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    TfHalfPixelForNn,
    TfCropAndResize,
}

/// Which whole position is nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "ONNX's names say it")]
pub enum Nearest {
    RoundPreferFloor,
    RoundPreferCeil,
    Floor,
    Ceil,
    /// Down when growing, up when shrinking: what opset 10 and Upsample mean.
    Simple,
}

/// What sizes mean for the aspect ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aspect {
    Stretch,
    NotLarger,
    NotSmaller,
}

/// Resize or Upsample.
#[derive(Clone, Debug)]
pub struct Resize {
    /// How elements are made.
    pub mode: Mode,
    /// How positions are mapped.
    pub coordinates: Coordinates,
    /// Which position is nearest.
    pub nearest: Nearest,
    /// Parameter a of the cubic kernel.
    pub cubic_a: f64,
    /// Whether neighbors outside the tensor weigh nothing, instead of being the edge's.
    pub exclude_outside: bool,
    /// What lies outside the tensor in `tf_crop_and_resize`.
    pub extrapolation: f32,
    /// Whether the kernel grows when the tensor shrinks.
    pub antialias: bool,
    /// The inputs that hold regions, scales and sizes.
    pub roi: usize,
    /// See `roi`.
    pub scales: usize,
    /// See `roi`.
    pub sizes: usize,
    /// Upsample's scales while they were attributes.
    pub fixed_scales: Option<Vec<f32>>,
    axes: Option<Vec<i64>>,
    aspect: Aspect,
}

/// What one axis becomes.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// Its length.
    pub len: usize,
    /// Its length in the result.
    pub out: usize,
    /// The scale is `numerator / denominator`; kept as two numbers so that positions that should be whole
    /// come out whole.
    pub numerator: f64,
    /// See `numerator`.
    pub denominator: f64,
}

/// No input has this index.
const NONE: usize = usize::MAX;

impl Operator for Resize {
    fn parse(a: &mut Attrs) -> Result<Resize> {
        if a.op() == "Upsample" || a.version() < 11 {
            return Resize::parse_upsample(a);
        }
        a.arity(1..=4, 1..=1)?;
        use Coordinates::*;
        let mut modes = vec![
            ("half_pixel", HalfPixel),
            ("pytorch_half_pixel", PytorchHalfPixel),
            ("align_corners", AlignCorners),
            ("asymmetric", Asymmetric),
            ("tf_crop_and_resize", TfCropAndResize),
        ];
        if a.version() < 13 {
            modes.push(("tf_half_pixel_for_nn", TfHalfPixelForNn));
        }
        if a.version() >= 19 {
            modes.push(("half_pixel_symmetric", HalfPixelSymmetric));
        }
        let since_18 = a.version() >= 18;
        let mode = a.choice(
            "mode",
            &[("nearest", Mode::Nearest), ("linear", Mode::Linear), ("cubic", Mode::Cubic)],
        )?;
        Ok(Resize {
            mode,
            coordinates: a.choice("coordinate_transformation_mode", &modes)?,
            nearest: a.choice(
                "nearest_mode",
                &[
                    ("round_prefer_floor", Nearest::RoundPreferFloor),
                    ("round_prefer_ceil", Nearest::RoundPreferCeil),
                    ("floor", Nearest::Floor),
                    ("ceil", Nearest::Ceil),
                ],
            )?,
            cubic_a: a.float_or("cubic_coeff_a", -0.75)?.into(),
            exclude_outside: a.flag("exclude_outside", false)?,
            extrapolation: a.float_or("extrapolation_value", 0.0)?,
            antialias: since_18 && a.flag("antialias", false)?,
            roi: 1,
            scales: 2,
            sizes: 3,
            fixed_scales: None,
            axes: if since_18 { a.ints("axes")? } else { None },
            aspect: match since_18 {
                false => Aspect::Stretch,
                true => a.choice(
                    "keep_aspect_ratio_policy",
                    &[
                        ("stretch", Aspect::Stretch),
                        ("not_larger", Aspect::NotLarger),
                        ("not_smaller", Aspect::NotSmaller),
                    ],
                )?,
            },
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        let Some(dims) = cx.dims(0) else {
            cx.set_tensor(0, dtype, None);
            return Ok(());
        };
        let axes = self.axes(dims.len())?;
        let shape: Option<Vec<usize>> = dims.iter().map(Dim::size).collect();
        let empty = |i: usize| cx.dims(i).is_some_and(|d| d.iter().any(|d| d.known() == Some(0)));
        let by_size = cx.has(self.sizes) && !empty(self.sizes);
        let scales = match &self.fixed_scales {
            Some(scales) => Some(scales.clone()),
            None => cx.view(self.scales).map(|v| v.to_f32s()).transpose()?,
        };
        let sizes = cx.ints(self.sizes);
        let known_sizes = cx.known_ints(self.sizes);
        let mut out: Dims = dims.clone();
        match (&shape, by_size, &scales, &sizes, &known_sizes) {
            (Some(shape), true, _, _, Some(sizes)) => {
                out = self.by_sizes(shape, sizes)?.iter().map(|a| Dim::from(a.out)).collect();
            }
            (_, true, _, Some(sizes), _) if self.aspect == Aspect::Stretch => {
                same_count("sizes", sizes.len(), axes.len())?;
                axes.iter().zip(sizes).for_each(|(&axis, size)| out[axis] = size.clone());
            }
            (_, false, Some(scales), ..) => {
                same_count("scales", scales.len(), axes.len())?;
                for (&axis, &scale) in axes.iter().zip(scales) {
                    check_scale(scale)?;
                    out[axis] = scaled(&dims[axis], scale).unwrap_or_else(|| cx.unknown_dim());
                }
            }
            _ => axes.iter().for_each(|&axis| out[axis] = cx.unknown_dim()),
        }
        cx.set_tensor(0, dtype, Some(out));
        Ok(())
    }
}

impl Resize {
    /// The same of a tensor whose axis `i` lies at `order[i]`.
    pub fn along(&self, order: &[usize]) -> Result<Resize> {
        let axes = self.axes(order.len())?.into_iter().map(|axis| order[axis] as i64).collect();
        Ok(Resize { axes: Some(axes), ..self.clone() })
    }

    /// Upsample, and Resize as opset 10 has it.
    fn parse_upsample(a: &mut Attrs) -> Result<Resize> {
        let by_input = a.op() == "Resize" || a.version() >= 9;
        a.arity(if by_input { 2..=2 } else { 1..=1 }, 1..=1)?;
        let mode = a.choice(
            "mode",
            &[("nearest", Mode::Nearest), ("linear", Mode::Linear), ("bilinear", Mode::Linear)],
        )?;
        let mut axes = None;
        let fixed_scales = if by_input {
            None
        } else if a.version() >= 7 {
            let scales = a.floats("scales")?;
            Some(a.required("scales", scales)?)
        } else {
            axes = Some(vec![-2, -1]);
            let (height, width) = (a.float("height_scale")?, a.float("width_scale")?);
            Some(vec![a.required("height_scale", height)?, a.required("width_scale", width)?])
        };
        Ok(Resize {
            mode,
            coordinates: Coordinates::Asymmetric,
            nearest: Nearest::Simple,
            cubic_a: 0.0,
            exclude_outside: false,
            extrapolation: 0.0,
            antialias: false,
            roi: NONE,
            scales: 1,
            sizes: NONE,
            fixed_scales,
            axes,
            aspect: Aspect::Stretch,
        })
    }

    /// The axes that scales, sizes and regions speak of.
    pub fn axes(&self, rank: usize) -> Result<Vec<usize>> {
        let Some(axes) = &self.axes else { return Ok((0..rank).collect()) };
        let axes = axes.iter().map(|&a| normalize_axis(a, rank)).collect::<Result<Vec<_>>>()?;
        let mut sorted = axes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        ensure!(sorted.len() == axes.len(), InvalidModel, "axes {axes:?} must differ from each other");
        Ok(axes)
    }

    /// What the axes become under those scales.
    pub fn by_scales(&self, shape: &[usize], scales: &[f32]) -> Result<Vec<Axis>> {
        let axes = self.axes(shape.len())?;
        same_count("scales", scales.len(), axes.len())?;
        let mut result = unchanged(shape);
        for (&axis, &scale) in axes.iter().zip(scales) {
            check_scale(scale)?;
            let len = shape[axis];
            let out = scaled_len(len, scale);
            result[axis] = Axis { len, out, numerator: scale.into(), denominator: 1.0 };
        }
        Ok(result)
    }

    /// Whether sizes are the result's, whatever becomes of the aspect ratio.
    pub fn stretches(&self) -> bool {
        self.aspect == Aspect::Stretch
    }

    /// What the axes become under those sizes.
    pub fn by_sizes(&self, shape: &[usize], sizes: &[i64]) -> Result<Vec<Axis>> {
        let axes = self.axes(shape.len())?;
        same_count("sizes", sizes.len(), axes.len())?;
        ensure!(sizes.iter().all(|&s| s >= 0), InvalidInput, "sizes must not be negative, got {sizes:?}");
        let mut result = unchanged(shape);
        for (&axis, &size) in axes.iter().zip(sizes) {
            let out = size as usize;
            let len = shape[axis];
            result[axis] = Axis { len, out, numerator: out as f64, denominator: len as f64 };
        }
        let ratios = axes.iter().map(|&a| result[a]);
        let by_ratio =
            |a: &Axis, b: &Axis| (a.numerator * b.denominator).total_cmp(&(b.numerator * a.denominator));
        let common = match self.aspect {
            Aspect::Stretch => None,
            Aspect::NotLarger => ratios.min_by(by_ratio),
            Aspect::NotSmaller => ratios.max_by(by_ratio),
        };
        if let Some(Axis { numerator, denominator, .. }) = common {
            for &axis in &axes {
                let len = shape[axis];
                let out = (len as f64 * numerator / denominator + 0.5).floor();
                // An empty axis has no ratio.
                let sensible = (0.0..1e18).contains(&out);
                ensure!(sensible, InvalidInput, "an axis of {len} cannot become {out} long");
                let out = out as usize;
                result[axis] = Axis { len, out, numerator, denominator };
            }
        }
        Ok(result)
    }
}

fn unchanged(shape: &[usize]) -> Vec<Axis> {
    shape.iter().map(|&len| Axis { len, out: len, numerator: 1.0, denominator: 1.0 }).collect()
}

fn same_count(what: &str, given: usize, axes: usize) -> Result<()> {
    ensure!(given == axes, InvalidModel, "expected {axes} {what}, one per axis, got {given}");
    Ok(())
}

fn check_scale(scale: f32) -> Result<()> {
    ensure!(scale > 0.0 && scale.is_finite(), InvalidModel, "scales must be positive, got {scale}");
    Ok(())
}

/// The product is taken in f32: 10 times 0.7 is 7, though 0.7 as f32 lies below.
fn scaled_len(len: usize, scale: f32) -> usize {
    if scale == 1.0 { len } else { (len as f32 * scale).floor() as usize }
}

/// The length under a scale; `None` where a symbol cannot say it.
fn scaled(dim: &Dim, scale: f32) -> Option<Dim> {
    if let Some(len) = dim.size() {
        return Some(Dim::from(scaled_len(len, scale)));
    }
    let (numerator, denominator) = (0..=6)
        .map(|bits| (scale * (1 << bits) as f32, 1i64 << bits))
        .find(|(numerator, _)| numerator.fract() == 0.0 && *numerator < 1e6)?;
    Some((dim.clone() * Dim::from(numerator as i64)).div_floor(&Dim::from(denominator)))
}
