//! Products of 8-bit integers: exact sums in i32 (that wrap), and what is made of them.
//!
//! `Σ (a - a_zero) (b - b_zero)` is computed as `Σ a b` of the bytes as they lie. What the zero points add
//! is known before or after: the sums begin at `-a_zero * Σ b`, and `b_zero`, where it is not zero, needs
//! `Σ a` of each row. Instructions multiply u8 by i8, so u8 weights are stored less 128, and i8 rows are
//! copied plus 128, zero points moved alike.

mod epilogue;
mod kernel;
mod packed;
mod rows;
#[cfg(test)]
mod tests;

pub use epilogue::{Epilogue, Requantize, Sums, ToF32};
pub use kernel::gemm_i8;
pub use packed::{PANEL, PackedI8, Source};

use crate::Lhs;

/// A product, and what is added to it.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The left factor.
    pub lhs: Lhs<'a, u8>,
    /// Whether its bytes are i8.
    pub signed: bool,
    /// Its zero point.
    pub zero: i32,
    /// The right factor.
    pub rhs: &'a PackedI8,
    /// What is added to the sums of each column, up to the end of the last panel.
    pub bias: Option<&'a [i32]>,
}
