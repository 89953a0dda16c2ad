//! What of a graph computes in integers, what does not, and why.
//!
//! What a reader would get wrong: floats before the first quantized tensor and after the last one do not
//! count. A model is integer if nothing between them is float; then it gives the same bytes everywhere.

use super::Remark;
use crate::graph::{Fact, Graph, Node};
use crate::ops::Op;
use std::collections::{BTreeMap, HashMap};

/// How a graph computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// Nothing is quantized.
    Float,
    /// Some of what lies between quantized tensors is float.
    Mixed,
    /// All that lies between quantized tensors is integer.
    Integer,
}

/// What of a graph computes in integers.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// In one word.
    pub arithmetic: Arithmetic,
    /// Nodes that take integers, by operator.
    pub integer: BTreeMap<String, usize>,
    /// Nodes that convert between integers and floats, by operator.
    pub conversions: BTreeMap<String, usize>,
    /// Nodes that take or make floats between quantized tensors.
    pub float: Vec<Stays>,
}

/// A node that stays float between quantized tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct Stays {
    /// Its name.
    pub node: String,
    /// Its operator.
    pub operator: String,
    /// Why.
    pub why: String,
}

/// What a node does to quantized tensors.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// From floats to integers or back; what it does in between may be more.
    Converts {
        floats: bool,
    },
    /// It takes bytes; it may give floats.
    Integer {
        floats: bool,
    },
    Float,
    /// Shapes and indices.
    Other,
}

impl Coverage {
    /// Of a rewritten graph, what is known of its values, and what the rules remarked.
    pub fn of(graph: &Graph, facts: &[Option<Fact>], remarks: &[Remark]) -> Coverage {
        let roles: Vec<Role> = graph.nodes.iter().map(|node| role(node, facts)).collect();
        let (after, before) = (behind_quantized(graph, &roles), before_quantized(graph, &roles));
        let why: HashMap<&str, &str> = remarks.iter().map(|r| (&r.node[..], &r.why[..])).collect();
        let mut found = Coverage {
            arithmetic: Arithmetic::Float,
            integer: BTreeMap::new(),
            conversions: BTreeMap::new(),
            float: Vec::new(),
        };
        for (i, (node, role)) in graph.nodes.iter().zip(&roles).enumerate() {
            let between = after[i] && before[i];
            match role {
                Role::Converts { .. } => *found.conversions.entry(node.op_name.clone()).or_default() += 1,
                Role::Integer { .. } => *found.integer.entry(node.op_name.clone()).or_default() += 1,
                Role::Float | Role::Other => {}
            }
            if between
                && matches!(
                    role,
                    Role::Float | Role::Integer { floats: true } | Role::Converts { floats: true }
                )
            {
                let why = match (role, why.get(&node.name[..])) {
                    (Role::Integer { .. }, _) => "its result goes on as floats".into(),
                    (_, Some(why)) => why.to_string(),
                    (_, None) => format!("nothing makes {} of integers here", node.op_name),
                };
                let (node, operator) = (node.name.clone(), node.op_name.clone());
                found.float.push(Stays { node, operator, why });
            }
        }
        let quantized = !found.integer.is_empty() || !found.conversions.is_empty();
        found.arithmetic = match (quantized, found.float.is_empty()) {
            (false, _) => Arithmetic::Float,
            (true, false) => Arithmetic::Mixed,
            (true, true) => Arithmetic::Integer,
        };
        found
    }
}

fn role(node: &Node, facts: &[Option<Fact>]) -> Role {
    if matches!(node.op, Op::QuantizeLinear(_) | Op::DequantizeLinear(_) | Op::DynamicQuantizeLinear(_)) {
        return Role::Converts { floats: false };
    }
    if matches!(node.op, Op::FusedDequantize(_)) {
        return Role::Converts { floats: true };
    }
    let dtype = |id: &crate::graph::ValueId| facts[id.at()].as_ref().and_then(|fact| fact.dtype());
    let inputs = || node.inputs.iter().flatten().filter_map(dtype);
    let mut outputs = node.outputs.iter().flatten().filter_map(dtype);
    let floats = outputs.any(|dtype| dtype.is_float());
    if inputs().any(|dtype| dtype.is_integer() && dtype.bits() <= 8) {
        Role::Integer { floats }
    } else if floats || inputs().any(|dtype| dtype.is_float()) {
        Role::Float
    } else {
        Role::Other
    }
}

/// Which nodes depend on a quantized tensor.
fn behind_quantized(graph: &Graph, roles: &[Role]) -> Vec<bool> {
    let mut values = vec![false; graph.values.len()];
    let mark = |(node, role): (&Node, &Role)| {
        let behind = node.inputs.iter().flatten().any(|id| values[id.at()]);
        if behind || matches!(role, Role::Converts { .. } | Role::Integer { .. }) {
            node.outputs.iter().flatten().for_each(|id| values[id.at()] = true);
        }
        behind || matches!(role, Role::Integer { .. })
    };
    graph.nodes.iter().zip(roles).map(mark).collect()
}

/// On which nodes a quantized tensor depends.
fn before_quantized(graph: &Graph, roles: &[Role]) -> Vec<bool> {
    let mut values = vec![false; graph.values.len()];
    let mark = |(node, role): (&Node, &Role)| {
        let before = node.outputs.iter().flatten().any(|id| values[id.at()]);
        if before || matches!(role, Role::Converts { .. } | Role::Integer { .. }) {
            node.inputs.iter().flatten().for_each(|id| values[id.at()] = true);
        }
        before
    };
    let mut before: Vec<bool> = graph.nodes.iter().zip(roles).rev().map(mark).collect();
    before.reverse();
    before
}

#[cfg(test)]
mod tests {
    use super::super::optimize;
    use super::super::testing::{Build, bytes};
    use super::{Arithmetic, Coverage};
    use crate::DType;
    use crate::graph::{Graph, infer_facts};

    fn coverage(mut graph: Graph) -> Coverage {
        let remarks = optimize(&mut graph, false).unwrap();
        Coverage::of(&graph, &infer_facts(&graph, &[]).unwrap(), &remarks)
    }

    /// Two products, with something between that may have no integer form.
    fn model(between: &str) -> Graph {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[2, 3]);
        let x = b.node("Neg", &[x], "n");
        let x = b.quantize(x, 0.1, 3u8);
        let mut x = b.dequantize(x, 0.1, 3u8);
        for name in ["first", "second"] {
            let w = b.constant(&format!("{name}_w"), bytes(DType::I8, &[3, 3], 1));
            let w = b.dequantize(w, 0.25, 0i8);
            x = b.node("MatMul", &[x, w], name);
            let q = b.quantize(x, 20.0, 100u8);
            x = b.dequantize(q, 20.0, 100u8);
            if name == "first" && between == "ReduceSum" {
                let sum = b.node("ReduceSum", &[x], "sum");
                x = b.node("Add", &[x, sum], "add");
                let q = b.quantize(x, 20.0, 100u8);
                x = b.dequantize(q, 20.0, 100u8);
            }
        }
        let y = b.node("Softmax", &[x], "y");
        b.finish(&[y])
    }

    #[test]
    fn floats_at_both_ends_do_not_count() {
        let found = coverage(model(""));
        assert_eq!(found.arithmetic, Arithmetic::Integer, "{found:?}");
        assert_eq!(found.integer["QLinearMatMul"], 2);
        let conversions: Vec<_> = found.conversions.into_iter().collect();
        // The last DequantizeLinear goes on.
        assert_eq!(conversions, [("QuantizeLinear".into(), 1), ("edgewise.FusedDequantize".into(), 1)]);
    }

    #[test]
    fn floats_between_are_named_with_a_reason() {
        let found = coverage(model("ReduceSum"));
        assert_eq!(found.arithmetic, Arithmetic::Mixed);
        let names: Vec<(&str, &str)> = found.float.iter().map(|s| (&s.node[..], &s.why[..])).collect();
        let reasons =
            [("sum", "nothing makes ReduceSum of integers here"), ("add", "'sum' is no quantized tensor")];
        assert_eq!(names, reasons);
    }

    #[test]
    fn a_graph_without_quantized_tensors_is_float() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[2, 3]);
        let y = b.node("Neg", &[x], "y");
        assert_eq!(coverage(b.finish(&[y])).arithmetic, Arithmetic::Float);
    }
}
