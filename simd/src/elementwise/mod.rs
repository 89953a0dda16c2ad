//! Functions of one and of two numbers over slices of f32.

mod binary;
mod unary;

pub use binary::{Binary, Operand, Run, binary};
pub use unary::{Unary, unary, unary_in_place};
