//! Rewrites that make a graph cheaper and never change what it means, as ordered lists one can read.
//!
//! First come passes over the whole graph, then rules. A rule looks at one node of a [`Draft`] and answers
//! with a [`Patch`] that takes the node's place, or with nothing. To add a rule: a file, a `mod` line and a
//! line in the list.

mod attention;
mod batch_normalization;
mod chain;
mod channels_last;
mod coverage;
mod draft;
mod fold_constants;
mod gelu;
mod identity;
mod join_products;
mod mean_of_image;
mod narrow_weights;
mod normalization;
mod patch;
mod pattern;
mod product;
mod quantized;
mod remove_dead;
mod rewrite;
mod sink_axes;
mod sink_transposes;
mod swish;
#[cfg(test)]
pub(crate) mod testing;
mod transpose;

pub use coverage::{Arithmetic, Coverage, Stays};
pub use draft::Draft;
pub use patch::Patch;
pub use rewrite::Rule;

use crate::Result;
use crate::graph::Graph;
use crate::log::log;
use quantized::{ISLANDS, LEFT, QUANTIZED, UNQUANTIZED};

/// The rules, in stages; each is gone through until it has nothing left to do.
const STAGES: &[&[(&str, Rule)]] = &[QUANTIZED, UNQUANTIZED, LEFT, FLOATS, LAYOUT, ISLANDS, CHAINS];

/// Several steps on floats become one.
const FLOATS: &[(&str, Rule)] = &[
    ("remove_identity", identity::remove_identity),
    ("merge_transposes", transpose::merge_transposes),
    ("fuse_layer_normalization", normalization::fuse_layer_normalization),
    ("fuse_rms_normalization", normalization::fuse_rms_normalization),
    ("fuse_gelu", gelu::fuse_gelu),
    ("fuse_swish", swish::fuse_swish),
    ("fuse_swiglu", swish::fuse_swiglu),
    ("fuse_attention", attention::fuse_attention),
    ("fold_batch_normalization", batch_normalization::fold_batch_normalization),
    ("take_narrow_weights", narrow_weights::take_narrow_weights),
    ("fuse_bias", product::fuse_bias),
    ("fuse_sum", product::fuse_sum),
    ("fuse_activation", product::fuse_activation),
    ("absorb_transposes", transpose::absorb_transposes),
];

/// Images get their channels last.
const LAYOUT: &[(&str, Rule)] = &[
    ("move_channels_last", channels_last::move_channels_last),
    ("pool_mean", mean_of_image::pool_mean),
    ("sink_transposes", sink_transposes::sink_transposes),
    ("sink_axes", sink_axes::sink_axes),
    ("merge_transposes", transpose::merge_transposes),
];

/// What is left of steps that are taken element by element. Last, for every other rule knows more of them.
const CHAINS: &[(&str, Rule)] = &[("fuse_chain", chain::fuse_chain)];

/// For a device beside the host: fewer launches. The host gains little of it, and would wait for weights to be copied.
const LAUNCHES: &[(&str, Rule)] =
    &[("join_projections", join_products::join_projections), ("join_gate", join_products::join_gate)];

/// What a rule says of a node that it looked at and left alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// The node's name.
    pub node: String,
    /// Why it stays what it is.
    pub why: String,
}

/// Rewrites a graph, which may be for a device beside the host.
pub fn optimize(graph: &mut Graph, beside: bool) -> Result<Vec<Remark>> {
    fold(graph, true)?;
    let mut stages = STAGES.to_vec();
    if cfg!(feature = "devices") && beside {
        stages.push(LAUNCHES);
    }
    let remarks = rewrite::rewrite(graph, &stages)?;
    fold(graph, false)?;
    Ok(remarks)
}

fn fold(graph: &mut Graph, keep_quantized: bool) -> Result<()> {
    let folded = fold_constants::fold_constants(graph, keep_quantized)?;
    let removed = remove_dead::remove_dead(graph)?;
    log(3, || format!("optimize: fold_constants: {folded} nodes, remove_dead: {removed} nodes"));
    Ok(())
}
