//! Nodes that nobody needs go; optional outputs that nobody needs are marked as left out.

use crate::Result;
use crate::graph::Graph;

/// Removes nodes none of whose outputs is used; tells how many.
pub fn remove_dead(graph: &mut Graph) -> Result<usize> {
    let mut used = vec![false; graph.values.len()];
    for id in &graph.outputs {
        used[id.at()] = true;
    }
    let before = graph.nodes.len();
    let mut kept = Vec::with_capacity(before);
    for mut node in std::mem::take(&mut graph.nodes).into_iter().rev() {
        if !node.outputs.iter().flatten().any(|id| used[id.at()]) {
            continue;
        }
        // The first output is seldom optional, so kernels count on it.
        for output in node.outputs.iter_mut().skip(1) {
            *output = output.filter(|id| used[id.at()]);
        }
        for id in node.inputs.iter().flatten() {
            used[id.at()] = true;
        }
        kept.push(node);
    }
    kept.reverse();
    graph.nodes = kept;
    // Constants that only dead nodes used keep no memory.
    for (value, used) in graph.values.iter_mut().zip(&used) {
        if !used {
            value.constant = None;
        }
    }
    Ok(before - graph.nodes.len())
}
