//! Rewrites that make a graph cheaper and never change what it computes, as an ordered list one can read.

mod fold_constants;
mod remove_dead;

use crate::Result;
use crate::graph::Graph;

/// A rewrite: whether it changed anything.
type Rewrite = fn(&mut Graph) -> Result<bool>;

/// In the order in which they are applied.
const REWRITES: &[(&str, Rewrite)] =
    &[("fold_constants", fold_constants::fold_constants), ("remove_dead", remove_dead::remove_dead)];

/// Applies every rewrite once, in order.
pub fn optimize(graph: &mut Graph) -> Result<()> {
    for (name, rewrite) in REWRITES {
        let changed = rewrite(graph)?;
        crate::log::log(3, || {
            format!("optimize: {name}: {}", if changed { "changed" } else { "nothing to do" })
        });
    }
    Ok(())
}
