//! What becomes of the sums of a product.

use crate::Simd;

/// The last step of a product: `activation(alpha · sum + bias + beta · addend)`.
#[derive(Clone, Copy, Debug)]
pub struct Finish<'a> {
    /// What sums are multiplied by.
    pub alpha: f32,
    /// An addend for every column of the whole output.
    pub bias: Option<&'a [f32]>,
    /// An addend for every element of the whole output.
    pub addend: Option<Addend<'a>>,
    /// What the sum of all that goes through.
    pub activation: Activation,
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

/// What a finished sum goes through. NaN stays NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Activation {
    None,
    Clip { low: f32, high: f32 },
    LeakyRelu { alpha: f32 },
    HardSwish,
}

impl Activation {
    /// Negative numbers become 0.
    pub const RELU: Activation = Activation::Clip { low: 0.0, high: f32::INFINITY };

    /// Of a vector.
    #[inline(always)]
    pub fn apply<S: Simd>(self, s: S, x: S::F) -> S::F {
        match self {
            Activation::None => x,
            Activation::Clip { low, high } => s.min(s.splat(high), s.max(s.splat(low), x)),
            Activation::LeakyRelu { alpha } => s.select(s.lt(x, s.splat(0.0)), s.mul(x, s.splat(alpha)), x),
            Activation::HardSwish => {
                let gate = s.add(s.mul(x, s.splat(1.0 / 6.0)), s.splat(0.5));
                s.mul(x, s.min(s.splat(1.0), s.max(s.splat(0.0), gate)))
            }
        }
    }
}

impl Default for Finish<'_> {
    fn default() -> Self {
        Finish { alpha: 1.0, bias: None, addend: None, activation: Activation::None }
    }
}

impl Finish<'_> {
    /// Of the sums of a vector's worth of columns, or as many as there are: `at` is the first one's row and
    /// column.
    #[inline(always)]
    pub(super) fn apply<S: Simd>(&self, s: S, sums: S::F, at: (usize, usize), cols: usize) -> S::F {
        let (row, col) = at;
        let mut x = s.mul(sums, s.splat(self.alpha));
        if let Some(bias) = self.bias {
            x = s.add(x, s.load_some(&bias[col..col + cols]));
        }
        if let Some(addend) = self.addend {
            let from = s.load_some(&addend.data[row * addend.stride + col..][..cols]);
            x = s.add(x, s.mul(from, s.splat(addend.beta)));
        }
        self.activation.apply(s, x)
    }

    /// The bounds of a clip that is all there is besides a bias and an addend that is just added.
    #[inline(always)]
    pub(super) fn plain(&self) -> Option<(f32, f32)> {
        let bounds = match self.activation {
            Activation::None => (f32::NEG_INFINITY, f32::INFINITY),
            Activation::Clip { low, high } => (low, high),
            _ => return None,
        };
        let plain = self.alpha == 1.0 && self.addend.is_none_or(|addend| addend.beta == 1.0);
        plain.then_some(bounds)
    }
}
