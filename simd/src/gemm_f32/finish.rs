//! What becomes of the sums of a product.

use crate::Simd;
use crate::elementwise::Unary;

/// The last step of a product: `function(alpha · sum + bias + beta · addend)`. NaN stays NaN.
#[derive(Clone, Copy, Debug)]
pub struct Finish<'a> {
    /// What sums are multiplied by.
    pub alpha: f32,
    /// An addend for every column of the whole output.
    pub bias: Option<&'a [f32]>,
    /// An addend for every element of the whole output.
    pub addend: Option<Addend<'a>>,
    /// What the sum of all that goes through; clips cost nothing.
    pub function: Option<Unary>,
}

/// A matrix that is added to an output.
#[derive(Clone, Copy, Debug)]
pub struct Addend<'a> {
    /// Its elements, from row 0 of the whole output on.
    pub data: &'a [f32],
    /// Elements from one row to the next.
    pub stride: usize,
    /// What they are multiplied by.
    pub beta: f32,
}

impl Default for Finish<'_> {
    fn default() -> Self {
        Finish { alpha: 1.0, bias: None, addend: None, function: None }
    }
}

/// What a function does to numbers while they are in registers; [`later`] says what is left.
#[inline(always)]
pub fn bounds(function: Option<Unary>) -> (f32, f32) {
    match function {
        Some(Unary::Relu) => (0.0, f32::INFINITY),
        Some(Unary::Clip { low, high }) => (low, high),
        _ => (f32::NEG_INFINITY, f32::INFINITY),
    }
}

/// What is left to be done with a row.
pub fn later(function: Option<Unary>) -> Option<Unary> {
    function.filter(|f| !matches!(f, Unary::Relu | Unary::Clip { .. }))
}

impl Finish<'_> {
    /// Of the sums of a vector's worth of columns, or as many as there are: `at` is the first one's row and
    /// column.
    #[inline(always)]
    pub(crate) fn apply<S: Simd>(&self, s: S, sums: S::F, at: (usize, usize), cols: usize) -> S::F {
        let (row, col) = at;
        let mut x = s.mul(sums, s.splat(self.alpha));
        if let Some(bias) = self.bias {
            x = s.add(x, s.load_some(&bias[col..col + cols]));
        }
        if let Some(addend) = self.addend {
            let from = s.load_some(&addend.data[row * addend.stride + col..][..cols]);
            x = s.add(x, s.mul(from, s.splat(addend.beta)));
        }
        let (low, high) = bounds(self.function);
        s.min(s.splat(high), s.max(s.splat(low), x))
    }

    /// Whether sums and the addend are just added.
    #[inline(always)]
    pub(super) fn is_plain(&self) -> bool {
        self.alpha == 1.0 && self.addend.is_none_or(|addend| addend.beta == 1.0)
    }
}
