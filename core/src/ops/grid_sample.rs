//! GridSample: elements of a picture, or of any tensor of N, C and r more axes, at positions that a second
//! tensor holds.
//!
//! The grid is [N, d1 … dr, r]; a position lists the innermost axis first, and -1 and 1 are the tensor's
//! ends. Opset 16 and com.microsoft call the modes bilinear and bicubic and know r = 2; 20 calls them linear
//! and cubic, for any r; 22 adds bf16. All types to the nearest, numbers for the rest.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Dims, Infer};

/// How an element is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "ONNX's names say it")]
pub enum Mode {
    Linear,
    Nearest,
    Cubic,
}

/// What lies outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "ONNX's names say it")]
pub enum Padding {
    Zeros,
    Border,
    Reflection,
}

/// GridSample.
#[derive(Clone, Debug)]
pub struct GridSample {
    /// How an element is made.
    pub mode: Mode,
    /// What lies outside.
    pub padding: Padding,
    /// Whether -1 and 1 are the middles of the outermost elements, or their outer edges.
    pub align_corners: bool,
}

/// More spatial axes than this would mean sums over too many neighbors.
const MAX_AXES: usize = 6;

impl Operator for GridSample {
    fn parse(a: &mut Attrs) -> Result<GridSample> {
        a.arity(2..=2, 1..=1)?;
        Ok(GridSample {
            mode: a.choice(
                "mode",
                &[
                    ("linear", Mode::Linear),
                    ("bilinear", Mode::Linear),
                    ("nearest", Mode::Nearest),
                    ("cubic", Mode::Cubic),
                    ("bicubic", Mode::Cubic),
                ],
            )?,
            padding: a.choice(
                "padding_mode",
                &[
                    ("zeros", Padding::Zeros),
                    ("border", Padding::Border),
                    ("reflection", Padding::Reflection),
                ],
            )?,
            align_corners: a.flag("align_corners", false)?,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        let (Some(x), Some(grid)) = (cx.dims(0), cx.dims(1)) else {
            cx.set_tensor(0, dtype, None);
            return Ok(());
        };
        let differ = |a: Option<i64>, b: Option<i64>| a.is_some() && b.is_some() && a != b;
        let axes = x.len().saturating_sub(2);
        let fits = x.len() == grid.len()
            && axes > 0
            && !differ(grid[grid.len() - 1].known(), Some(axes as i64))
            && !differ(x[0].known(), grid[0].known());
        ensure!(
            fits,
            InvalidModel,
            "the grid for {x:?} must have the same batch size and rank, and end in the number of spatial axes, got {grid:?}"
        );
        ensure!(axes <= MAX_AXES, Unsupported, "expected at most {MAX_AXES} spatial axes, got {axes}");
        let out: Dims = x[..2].iter().chain(&grid[1..grid.len() - 1]).cloned().collect();
        cx.set_tensor(0, dtype, Some(out));
        Ok(())
    }
}
