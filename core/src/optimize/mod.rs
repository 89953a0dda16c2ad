//! Rewrites that make a graph cheaper and never change what it means, as ordered lists one can read.
//!
//! First come passes over the whole graph, then rules. A rule looks at one node of a [`Draft`] and answers
//! with a [`Patch`] that takes the node's place, or with nothing. To add a rule: a file, a `mod` line and a
//! line in the list.

mod absorb_clip;
mod addend;
mod attention;
mod batch_normalization;
mod byte_table;
mod coverage;
mod draft;
mod fold_constants;
mod fold_weights;
mod gelu;
mod hoist_quantize;
mod identity;
mod matmul_integer_to_float;
mod movers;
mod normalization;
mod patch;
mod pattern;
mod product;
mod qgemm;
mod qlinear_average_pool;
mod qlinear_concat;
mod qlinear_conv;
mod qlinear_elementwise;
mod qlinear_matmul;
mod qlinear_softmax;
mod quantized;
mod remove_dead;
mod rewrite;
mod share_conversions;
mod sink_dequantize;
mod swish;
#[cfg(test)]
mod testing;
mod transpose;

pub use coverage::{Arithmetic, Coverage, Stays};
pub use draft::Draft;
pub use patch::Patch;
pub use rewrite::Rule;

use crate::Result;
use crate::graph::Graph;
use crate::log::log;

/// The rules, in stages; each is gone through until it has nothing left to do.
const STAGES: &[&[(&str, Rule)]] = &[QUANTIZED, UNQUANTIZED, FLOATS];

/// What computes between a DequantizeLinear and a QuantizeLinear computes in integers.
const QUANTIZED: &[(&str, Rule)] = &[
    ("remove_identity", identity::remove_identity),
    ("fold_weights", fold_weights::fold_weights),
    ("sink_dequantize", sink_dequantize::sink_dequantize),
    ("hoist_quantize", hoist_quantize::hoist_quantize),
    ("share_conversions", share_conversions::share_conversions),
    ("byte_table", byte_table::byte_table),
    ("absorb_clip", absorb_clip::absorb_clip),
    ("qlinear_conv", qlinear_conv::qlinear_conv),
    ("qlinear_matmul", qlinear_matmul::qlinear_matmul),
    ("qgemm", qgemm::qgemm),
    ("qlinear_elementwise", qlinear_elementwise::qlinear_elementwise),
    ("qlinear_concat", qlinear_concat::qlinear_concat),
    ("qlinear_average_pool", qlinear_average_pool::qlinear_average_pool),
    ("qlinear_softmax", qlinear_softmax::qlinear_softmax),
];

/// Products of integers whose results are floats.
const UNQUANTIZED: &[(&str, Rule)] = &[
    ("scaled_product", matmul_integer_to_float::scaled_product),
    ("dequantized_product", matmul_integer_to_float::dequantized_product),
    ("product_and_bias", matmul_integer_to_float::product_and_bias),
    ("fold_dequantized", fold_weights::fold_dequantized),
    ("share_conversions", share_conversions::share_conversions),
];

/// Several steps on floats become one.
const FLOATS: &[(&str, Rule)] = &[
    ("remove_identity", identity::remove_identity),
    ("merge_transposes", transpose::merge_transposes),
    ("fuse_layer_normalization", normalization::fuse_layer_normalization),
    ("fuse_rms_normalization", normalization::fuse_rms_normalization),
    ("fuse_gelu", gelu::fuse_gelu),
    ("fuse_swish", swish::fuse_swish),
    ("fuse_attention", attention::fuse_attention),
    ("fold_batch_normalization", batch_normalization::fold_batch_normalization),
    ("fuse_bias", product::fuse_bias),
    ("fuse_sum", product::fuse_sum),
    ("fuse_activation", product::fuse_activation),
    ("absorb_transposes", transpose::absorb_transposes),
];

/// What a rule says of a node that it looked at and left alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// The node's name.
    pub node: String,
    /// Why it stays what it is.
    pub why: String,
}

/// Rewrites a graph.
pub fn optimize(graph: &mut Graph) -> Result<Vec<Remark>> {
    fold(graph, true)?;
    let remarks = rewrite::rewrite(graph, STAGES)?;
    fold(graph, false)?;
    Ok(remarks)
}

fn fold(graph: &mut Graph, keep_quantized: bool) -> Result<()> {
    let folded = fold_constants::fold_constants(graph, keep_quantized)?;
    let removed = remove_dead::remove_dead(graph)?;
    log(3, || format!("optimize: fold_constants: {folded} nodes, remove_dead: {removed} nodes"));
    Ok(())
}
