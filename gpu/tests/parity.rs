//! Operators on the GPU against the same operators on the CPU, which is what they mean.
//!
//! Without a GPU there is nothing to compare: every test says so and passes. Set `EDGEWISE_GPU_REQUIRED` where
//! one was promised, and they fail instead.

#[path = "parity/conv.rs"]
mod conv;
#[path = "parity/elementwise.rs"]
mod elementwise;
#[path = "parity/harness.rs"]
mod harness;
#[path = "parity/images.rs"]
mod images;
#[path = "parity/matmul.rs"]
mod matmul;
#[path = "parity/moves.rs"]
mod moves;
#[path = "parity/pool.rs"]
mod pool;
#[path = "parity/products.rs"]
mod products;
#[path = "parity/quantized.rs"]
mod quantized;
#[path = "parity/resize.rs"]
mod resize;
#[path = "parity/rows.rs"]
mod rows;
