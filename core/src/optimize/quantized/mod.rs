//! Quantized graphs: what quantizers write around floats becomes operators on integers.
//!
//! [`parameters`] finds what QuantizeLinear and DequantizeLinear mean; every other file is a rule, or what
//! several rules share. `docs/quantization.md` lists the patterns.

mod absorb_clip;
mod addend;
mod byte_extremes;
mod byte_table;
mod conv_integer_to_float;
mod fold_weights;
mod fused_dequantize;
mod hoist_quantize;
mod matmul_integer_to_float;
mod matmul_nbits;
mod movers;
mod parameters;
mod qgemm;
mod qlinear_average_pool;
mod qlinear_concat;
mod qlinear_conv;
mod qlinear_conv_transpose;
mod qlinear_elementwise;
mod qlinear_matmul;
mod qlinear_reduce;
mod qlinear_softmax;
mod qlinear_where;
mod share_conversions;
mod sink_dequantize;
mod widen_weights;

use super::{Draft, Patch, Rule, identity};

/// What computes between a DequantizeLinear and a QuantizeLinear computes in integers.
pub const QUANTIZED: &[(&str, Rule)] = &[
    ("remove_identity", identity::remove_identity),
    ("fold_weights", fold_weights::fold_weights),
    ("widen_weights", widen_weights::widen_weights),
    ("sink_dequantize", sink_dequantize::sink_dequantize),
    ("hoist_quantize", hoist_quantize::hoist_quantize),
    ("share_conversions", share_conversions::share_conversions),
    ("byte_table", byte_table::byte_table),
    ("absorb_clip", absorb_clip::absorb_clip),
    ("qlinear_conv", qlinear_conv::qlinear_conv),
    ("qlinear_conv_transpose", qlinear_conv_transpose::qlinear_conv_transpose),
    ("qlinear_matmul", qlinear_matmul::qlinear_matmul),
    ("qgemm", qgemm::qgemm),
    ("qlinear_elementwise", qlinear_elementwise::qlinear_elementwise),
    ("qlinear_concat", qlinear_concat::qlinear_concat),
    ("qlinear_average_pool", qlinear_average_pool::qlinear_average_pool),
    ("qlinear_reduce", qlinear_reduce::qlinear_reduce),
    ("byte_extremes", byte_extremes::byte_extremes),
    ("qlinear_softmax", qlinear_softmax::qlinear_softmax),
    ("qlinear_where", qlinear_where::qlinear_where),
];

/// Products of integers whose results are floats, and of floats with weights that stay packed.
pub const UNQUANTIZED: &[(&str, Rule)] = &[
    ("scaled_product", matmul_integer_to_float::scaled_product),
    ("scaled_convolution", conv_integer_to_float::scaled_convolution),
    ("convolution_and_bias", conv_integer_to_float::convolution_and_bias),
    ("convolution_and_activation", conv_integer_to_float::convolution_and_activation),
    ("dequantized_product", matmul_integer_to_float::dequantized_product),
    ("product_and_bias", matmul_integer_to_float::product_and_bias),
    ("matmul_nbits", matmul_nbits::matmul_nbits),
    ("nbits_and_bias", matmul_nbits::nbits_and_bias),
];

/// Constants that no operator took as integers. A stage of its own, for rules that look again would not know
/// any more why that was.
pub const LEFT: &[(&str, Rule)] = &[
    ("fold_dequantized", fold_weights::fold_dequantized),
    ("share_conversions", share_conversions::share_conversions),
];

/// Islands of floats that are left between integers: what is done to each element is done in one pass.
pub const ISLANDS: &[(&str, Rule)] = &[("fused_dequantize", fused_dequantize::fused_dequantize)];
