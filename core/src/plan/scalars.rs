//! What of a body the host computes though the device could: single numbers that follow from single numbers.
//!
//! Counters, and conditions on them, decide how a loop goes on. A launch for each of them, and a wait for what it
//! gives, would take far longer than to compute them.

use crate::graph::{Fact, Graph, Inside, ValueId};

/// Which values of a graph are single numbers that follow from single numbers alone.
pub fn scalars(graph: &Graph, facts: &[Option<Fact>], inside: &Inside) -> Vec<bool> {
    let single: Vec<bool> = facts.iter().map(|fact| fact.as_ref().is_some_and(is_single)).collect();
    let of = |id: &ValueId, among: &[bool]| among.get(id.at()).copied().unwrap_or(false);
    let mut given: Vec<bool> = graph.inputs.iter().map(|id| of(id, &single)).collect();
    loop {
        let mut found: Vec<bool> = graph
            .values
            .iter()
            .zip(&single)
            .map(|(value, single)| *single && value.constant.is_some())
            .collect();
        for (id, given) in graph.inputs.iter().zip(&given) {
            found[id.at()] = *given;
        }
        for node in graph.nodes.iter().filter(|node| node.op.graphs().is_empty()) {
            let all = |ids: &[Option<ValueId>], among: &[bool]| ids.iter().flatten().all(|id| of(id, among));
            if all(&node.inputs, &found) && all(&node.outputs, &single) {
                node.outputs.iter().flatten().for_each(|id| found[id.at()] = true);
            }
        }
        // What comes back from the device begins there, too.
        let back = |(input, output): &(usize, usize)| {
            let stays = graph.outputs.get(*output).is_some_and(|id| of(id, &found));
            (!stays && given.get(*input) == Some(&true)).then_some(*input)
        };
        let gone: Vec<usize> = inside.carried.iter().filter_map(back).collect();
        if gone.is_empty() {
            return found;
        }
        gone.into_iter().for_each(|input| given[input] = false);
    }
}

fn is_single(fact: &Fact) -> bool {
    let dims = fact.dims.as_ref();
    fact.dtype().is_some() && dims.is_some_and(|dims| dims.iter().all(|dim| dim.known() == Some(1)))
}
