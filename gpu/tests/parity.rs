//! Operators on the GPU against the same operators on the CPU, which is what they mean.
//!
//! Without a GPU there is nothing to compare: every test says so and passes. Set `EDGEWISE_GPU_REQUIRED` where
//! one was promised, and they fail instead.

#[path = "parity/attention.rs"]
mod attention;
#[cfg(target_family = "wasm")]
#[path = "parity/browser.rs"]
mod browser;
#[path = "parity/byte_convolutions.rs"]
mod byte_convolutions;
#[path = "parity/byte_products.rs"]
mod byte_products;
#[path = "parity/casts.rs"]
mod casts;
#[path = "parity/chain.rs"]
mod chain;
#[path = "parity/conv.rs"]
mod conv;
#[path = "parity/elementwise.rs"]
mod elementwise;
#[cfg(not(target_family = "wasm"))]
#[path = "parity/exactly.rs"]
mod exactly;
#[path = "parity/functions_of_bytes.rs"]
mod functions_of_bytes;
#[path = "parity/harness.rs"]
mod harness;
#[path = "parity/images.rs"]
mod images;
#[path = "parity/matmul.rs"]
mod matmul;
#[path = "parity/moves.rs"]
mod moves;
#[path = "parity/multi_head.rs"]
mod multi_head;
#[path = "parity/places.rs"]
mod places;
#[path = "parity/pool.rs"]
mod pool;
#[path = "parity/probe.rs"]
mod probe;
#[path = "parity/products.rs"]
mod products;
#[path = "parity/projected.rs"]
mod projected;
#[path = "parity/quantized.rs"]
mod quantized;
#[path = "parity/quantizing.rs"]
mod quantizing;
#[path = "parity/recurrent.rs"]
mod recurrent;
#[path = "parity/reductions.rs"]
mod reductions;
#[path = "parity/refusals.rs"]
mod refusals;
#[path = "parity/regions.rs"]
mod regions;
#[path = "parity/resize.rs"]
mod resize;
#[path = "parity/rows.rs"]
mod rows;
#[path = "parity/spectra.rs"]
mod spectra;
#[path = "parity/weights_of_bits.rs"]
mod weights_of_bits;
