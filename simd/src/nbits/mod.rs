//! Products with weights of 2, 4 or 8 bits, each block of which has a scale: MatMulNBits and its like.
//!
//! A weight is `(code - zero) * scale`. [`Weights::pack`] lays a matrix out once, in panels of 16 columns
//! that a product reads from first byte to last; the codes are widened in registers. There are two products,
//! and what a reader would get wrong is that they give different numbers:
//!
//! * [`Weights::multiply`] takes f32 rows and multiplies in f32.
//! * [`Weights::multiply_quantized`] takes rows that [`quantize`] made 8-bit integers of, with a scale per
//!   block. It adds up whole blocks in integers and then, block after block, `sum * weight scale * row scale`
//!   in f32, never fused: so all instruction sets agree to the bit.
//!
//! A row's result depends neither on the other rows nor on which rows and panels were asked for at once.

mod float;
mod integer;
mod pack;
mod quantize;
#[cfg(test)]
mod tests;

pub use pack::{Format, Weights, Zeros};
pub use quantize::quantize;

/// Columns of a panel.
pub const PANEL: usize = 16;

/// How far ahead of their use a row alone asks for the lines of weights: measured, with a stream that no cache
/// holds. Without it, the machine waits half the time, since it looks no more than some twenty lines ahead.
const AHEAD: usize = 64;

/// 64 bytes of a packed matrix.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

// SAFETY: bytes may all be zero.
unsafe impl crate::zeroed::Zeroable for Line {}
