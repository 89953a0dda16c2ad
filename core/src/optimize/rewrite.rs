//! Applies rules, node by node, until none has anything left to say.

use super::{Draft, Patch, Remark};
use crate::graph::{Fact, Graph, NodeId};
use crate::log::log;
use crate::{Error, Result};

/// A rewrite of one node: what takes its place, if the rule applies.
pub type Rule = fn(&Draft, NodeId) -> Result<Option<Patch>>;

/// Lists of named rules, one after another.
pub type Stages<'a> = &'a [&'a [(&'a str, Rule)]];

/// How often a list of rules is gone through at most. Rules feed one another, but a graph cannot be made
/// that keeps them busy for ever.
const ROUNDS: usize = 8;

/// Rewrites a graph and the graphs in it. Gives the remarks of the rules.
pub fn rewrite(graph: &mut Graph, stages: Stages<'_>) -> Result<Vec<Remark>> {
    rewrite_graph(graph, &[], false, stages)
}

fn rewrite_graph(
    graph: &mut Graph,
    inputs: &[Option<Fact>],
    inner: bool,
    stages: Stages<'_>,
) -> Result<Vec<Remark>> {
    let mut draft = Draft::new(std::mem::take(graph), inputs, inner)?;
    let mut order = draft.order();
    let mut remarks = Vec::new();
    for &id in &order {
        remarks.extend(rewrite_inner(&mut draft, id, stages)?);
    }
    for rules in stages {
        for _ in 0..ROUNDS {
            let mut changed = 0;
            for &(name, rule) in *rules {
                changed += sweep(&mut draft, &mut order, name, rule)?;
            }
            if changed == 0 {
                break;
            }
        }
    }
    draft.drop_unused_constants();
    remarks.extend(draft.remarks());
    *graph = draft.finish(&order);
    check_order(graph)?;
    Ok(remarks)
}

/// Offers every node to one rule, once.
fn sweep(draft: &mut Draft, order: &mut Vec<NodeId>, name: &str, rule: Rule) -> Result<usize> {
    let mut changed = 0;
    let mut next = Vec::with_capacity(order.len());
    for &id in &*order {
        let Some(node) = draft.get(id) else { continue };
        let place = |e: Error| Error::new(e.kind(), format!("rewrite {name}: {}", e.what()));
        let (node_name, op) = (&node.name, &node.op_name);
        match rule(draft, id).map_err(|e| place(e).at_node(node_name, op))? {
            None => next.push(id),
            Some(patch) => {
                let (node_name, op) = (node_name.clone(), op.clone());
                log(3, || format!("optimize: {name}: '{node_name}' ({op}) → {}", patch.summary()));
                next.extend(draft.apply(id, patch).map_err(|e| place(e).at_node(&node_name, &op))?);
                changed += 1;
            }
        }
    }
    *order = next;
    Ok(changed)
}

/// Rewrites the graphs that a node runs.
fn rewrite_inner(draft: &mut Draft, id: NodeId, stages: Stages<'_>) -> Result<Vec<Remark>> {
    let mut remarks = Vec::new();
    let Some(node) = draft.get(id).filter(|node| !node.op.graphs().is_empty()) else { return Ok(remarks) };
    let mut captured = draft.captured_facts(node).into_iter();
    let Some(node) = draft.get_mut(id) else { return Ok(remarks) };
    for graph in node.op.graphs_mut() {
        // What the node hands over at run time may differ from what the body declares, but for the type.
        let formal = graph.inputs.len() - graph.captures;
        let declared = |id: &crate::graph::ValueId| graph.values[id.at()].declared.as_ref();
        let mut facts: Vec<Option<Fact>> = graph.inputs[..formal]
            .iter()
            .map(|id| declared(id).map(|fact| Fact::of(fact.kind.clone())))
            .collect();
        facts.extend(captured.by_ref().take(graph.captures));
        remarks.extend(rewrite_graph(graph, &facts, true, stages)?);
    }
    Ok(remarks)
}

/// Every rule must leave the nodes in an order in which they can run.
fn check_order(graph: &Graph) -> Result<()> {
    let mut made: Vec<bool> = graph.values.iter().map(|value| value.constant.is_some()).collect();
    graph.inputs.iter().for_each(|id| made[id.at()] = true);
    for node in &graph.nodes {
        for id in node.inputs.iter().flatten() {
            let name = &graph.values[id.at()].name;
            ensure!(
                made[id.at()],
                Internal,
                "after rewriting, '{}' takes '{name}' before it is made",
                node.name
            );
        }
        node.outputs.iter().flatten().for_each(|id| made[id.at()] = true);
    }
    let missing = graph.outputs.iter().find(|id| !made[id.at()]);
    let missing = missing.map(|id| &graph.values[id.at()].name);
    ensure!(missing.is_none(), Internal, "after rewriting, nothing makes the output {missing:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Build, rewritten, run};
    use super::super::{Draft, Patch, identity::remove_identity};
    use super::Rule;
    use crate::graph::NodeId;
    use crate::ops::{Attr, Op};
    use crate::{DType, Result, Tensor};

    const IDENTITY: &[(&str, Rule)] = &[("remove_identity", remove_identity)];

    #[test]
    fn identities_go_and_outputs_keep_their_names() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[2]);
        let a = b.node("Identity", &[x], "a");
        let c = b.node("Identity", &[a], "c");
        let d = b.node("Neg", &[c], "d");
        let e = b.node("Identity", &[d], "e");
        let unused = b.node("Add", &[c, c], "unused");
        let _ = unused;
        let graph = b.finish(&[e, d]);
        let (text, after, _) = rewritten(graph.clone(), IDENTITY).unwrap();
        assert_eq!(text, "d = Neg (x)\ne = Identity (d)\nunused = Add (x, x)\n");
        let x = [Tensor::new(&[2], &[1f32, 2.0]).unwrap()];
        assert_eq!(run(&graph, &x).unwrap()[0].bytes(), run(&after, &x).unwrap()[0].bytes());
    }

    #[test]
    fn subgraphs_are_rewritten_with_the_facts_of_what_they_capture() {
        let branch = |negate: bool| {
            let mut b = Build::default();
            let x = b.input("x", DType::F32, &[2]);
            b.graph.values[0].declared = None;
            b.graph.captures = 1;
            let i = b.node("Identity", &[x], "i");
            let y = b.node(if negate { "Neg" } else { "Abs" }, &[i], "y");
            b.finish(&[y])
        };
        let mut b = Build::default();
        let (condition, x) = (b.input("condition", DType::Bool, &[]), b.input("x", DType::F32, &[2]));
        let attrs = [("else_branch", Attr::Graph(branch(false))), ("then_branch", Attr::Graph(branch(true)))];
        let y = b.node_with("If", &[condition], &attrs, &["y"])[0];
        b.graph.nodes[0].inputs.extend([Some(x); 2]);
        let (text, after, _) = rewritten(b.finish(&[y]), IDENTITY).unwrap();
        assert!(!text.contains("Identity") && text.contains("y = Neg (x)"), "{text}");
        let inputs =
            [Tensor::scalar(crate::element::Truth::from(true)), Tensor::new(&[2], &[1f32, -2.0]).unwrap()];
        assert_eq!(run(&after, &inputs).unwrap()[0].slice::<f32>().unwrap(), [-1.0, 2.0]);
    }

    #[test]
    fn a_hundred_thousand_nodes_are_no_trouble() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[1]);
        let (mut y, one) = (x, b.scalar("one", 1f32));
        for i in 0..50_000 {
            let z = b.node("Identity", &[y], &format!("z{i}"));
            y = b.node("Add", &[z, one], &format!("y{i}"));
        }
        let (_, after, _) = rewritten(b.finish(&[y]), IDENTITY).unwrap();
        assert_eq!(after.nodes.len(), 50_000);
    }

    #[test]
    fn mistakes_of_rules_are_caught_and_name_rule_and_node() {
        // A rule that makes nothing, and one that is never content.
        fn nothing(draft: &Draft, _: NodeId) -> Result<Option<Patch>> {
            Ok(Some(Patch::new(draft)))
        }
        fn again(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
            let Some(node) = draft.get(id).filter(|n| matches!(n.op, Op::Unary(_))) else { return Ok(None) };
            let mut patch = Patch::new(draft);
            let between = patch.value("between");
            patch.moved(node, node.inputs.clone(), [Some(between)]);
            patch.moved(node, [Some(between)], node.outputs.clone());
            Ok(Some(patch))
        }
        let graph = || {
            let mut b = Build::default();
            let x = b.input("x", DType::F32, &[1]);
            let y = b.node("Neg", &[x], "y");
            b.finish(&[y])
        };
        let e = rewritten(graph(), &[("nothing", nothing)]).err().unwrap().to_string();
        assert!(e.starts_with("node 'y' (Neg): rewrite nothing: 'y' was"), "{e}");
        assert_eq!(rewritten(graph(), &[("again", again)]).unwrap().1.nodes.len(), 256);
    }
}
