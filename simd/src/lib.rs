//! The micro-kernels of the CPU device: what is hot, on plain slices, for every instruction set.
//!
//! A kernel is written once, generic over [`Simd`], and [`dispatch`] instantiates it for every instruction
//! set of the target; [`Isa`] says which one runs. This crate knows nothing of tensors, graphs or threads:
//! a kernel works on the range that it is given, on the caller's thread. Its results depend neither on how
//! the work was split nor, where they are integers, on the instruction set.
//!
//! This crate may use `unsafe`, as else only the threads' may: for intrinsics, which a [`Simd`] token proves to
//! be there, and for the pointers of the innermost loops.

#![allow(unsafe_code, reason = "intrinsics, and the pointers of the innermost loops")]
#![warn(clippy::undocumented_unsafe_blocks)]

pub mod attention;
pub mod depthwise_f32;
pub mod depthwise_i8;
pub mod elementwise;
pub mod fused_dequantize;
pub mod gemm_f32;
pub mod gemm_i8;
mod isa;
mod lhs;
pub mod look_up;
mod math;
mod matrix_mut;
pub mod narrow;
pub mod nbits;
pub mod norm;
pub mod qlinear;
pub mod qlinear_softmax;
pub mod quantize;
pub mod reduce;
pub mod scale_sums;
pub mod softmax;
mod source;
mod squares;
mod vector;
pub mod winograd_f32;
mod zeroed;

pub use isa::Isa;
pub use lhs::{Lhs, OUTSIDE};
pub use matrix_mut::MatrixMut;
pub use source::Source;
pub use vector::{Simd, Task, dispatch, dispatch_plain};
