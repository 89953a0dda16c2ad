//! Products of 8-bit integers: exact sums in i32 (that wrap), and what is made of them.
//!
//! `Σ (a - a_zero) (b - b_zero)` is computed as `Σ a b` of the bytes as they lie. What the zero points add
//! is known before or after: the sums begin at `-a_zero * Σ b`, and `b_zero`, where it is not zero, needs
//! `Σ a` of each row. Weights are i8, u8 ones stored less 128; rows of another sign than the instruction set
//! multiplies with i8 ([`Simd::SIGNED_DOT`](crate::Simd::SIGNED_DOT)) are copied with 128 added or taken away;
//! zero points move alike.

#[cfg(target_arch = "x86_64")]
mod amx;
mod aside;
mod epilogue;
mod excess;
mod kernel;
mod packed;
mod rows;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "x86_64")]
pub(crate) use amx::is_there as has_amx;
pub use epilogue::{Epilogue, Requantize, Sums, ToF32};
pub use kernel::gemm_i8;
pub use packed::{PANEL, PackedI8};

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

/// How an instruction set reads the bytes of a left factor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// What each byte is XORed with.
    pub flip: u8,
    /// Whether the result is taken as i8.
    pub signed: bool,
    /// The zero point of the result.
    pub zero: i32,
}

impl Reading {
    /// Of bytes of that sign and zero point.
    pub fn new<S: crate::Simd>(signed: bool, zero: i32) -> Reading {
        let (flip, move_by) = match (signed, S::SIGNED_DOT) {
            (true, false) => (0x80, 128),
            (false, true) => (0x80, -128),
            _ => (0, 0),
        };
        Reading { flip, signed: S::SIGNED_DOT, zero: zero.wrapping_add(move_by) }
    }

    /// What a byte stands for.
    pub fn wide(&self, byte: u8) -> i32 {
        let byte = byte ^ self.flip;
        if self.signed { (byte as i8).into() } else { byte.into() }
    }
}
