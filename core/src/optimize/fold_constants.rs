//! Nodes whose outputs are known before anything runs become constants.
//!
//! Inference has done the work already: it propagates small known tensors and evaluates what depends on
//! nothing else, so that chains such as Shape → Gather → Concat vanish where the shape is fixed.

use crate::Result;
use crate::graph::{Fact, Graph, ValueId, infer_facts};
use crate::ops::Op;

/// Replaces known values by constants and drops the nodes that made them; tells how many. Where
/// `keep_quantized`, floats that come from a DequantizeLinear stay, for rules to find the integers behind it.
pub fn fold_constants(graph: &mut Graph, keep_quantized: bool) -> Result<usize> {
    let facts = infer_facts(graph, &[])?;
    let before = graph.nodes.len();
    let Graph { nodes, values, outputs, .. } = graph;
    let mut dequantized = vec![false; values.len()];
    nodes.retain(|node| {
        let from = node.inputs.iter().flatten().any(|id| dequantized[id.at()]);
        if keep_quantized && (from || matches!(node.op, Op::DequantizeLinear(_))) {
            let dtype = |id: &ValueId| facts[id.at()].as_ref().and_then(|fact| fact.dtype());
            let floats = node.outputs.iter().flatten().filter(|id| dtype(id).is_none_or(|d| d.is_float()));
            if floats.map(|id| dequantized[id.at()] = true).count() > 0 {
                return true;
            }
        }
        let known = |id: &ValueId| facts[id.at()].as_ref().is_some_and(Fact::is_known);
        let wanted = || node.outputs.iter().flatten();
        // A graph's outputs stay what a node makes, so that they keep memory of their own.
        if !node.op.is_pure() || !wanted().all(|id| known(id) && !outputs.contains(id)) {
            return true;
        }
        for id in wanted() {
            values[id.at()].constant = facts[id.at()].as_ref().and_then(Fact::to_constant);
        }
        wanted().any(|id| values[id.at()].constant.is_none())
    });
    Ok(before - graph.nodes.len())
}
