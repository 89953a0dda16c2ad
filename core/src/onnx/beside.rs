//! Which files beside it a model names, known before the first of them is opened.

use super::proto::{Attribute, Graph, Model, Node, Sparse, Tensor};
use super::tensor::stays_inside;

/// The files that a model's tensors lie in, each once. What leads outside of the folder is left out; it will be
/// refused with the tensor that names it.
pub fn files(model: &Model) -> Vec<String> {
    let mut found = Vec::new();
    model.graph.iter().for_each(|g| graph(g, &mut found));
    for function in &model.functions {
        nodes(&function.nodes, &mut found);
        function.defaults.iter().for_each(|a| attribute(a, &mut found));
    }
    found
}

fn graph(from: &Graph, found: &mut Vec<String>) {
    from.initializers.iter().for_each(|t| tensor(t, found));
    from.sparse.iter().for_each(|s| sparse(s, found));
    nodes(&from.nodes, found);
}

fn nodes(from: &[Node], found: &mut Vec<String>) {
    from.iter().flat_map(|node| &node.attributes).for_each(|a| attribute(a, found));
}

fn attribute(from: &Attribute, found: &mut Vec<String>) {
    from.t.iter().chain(&from.tensors).for_each(|t| tensor(t, found));
    from.g.iter().chain(&from.graphs).for_each(|g| graph(g, found));
    from.sparse.iter().for_each(|s| sparse(s, found));
}

fn sparse(from: &Sparse, found: &mut Vec<String>) {
    [&from.values, &from.indices].into_iter().for_each(|t| tensor(t, found));
}

fn tensor(from: &Tensor, found: &mut Vec<String>) {
    let locations = from.external.iter().filter(|(key, _)| from.is_external && key == "location");
    for (_, path) in locations {
        if stays_inside(path) && !found.contains(path) {
            found.push(path.clone());
        }
    }
}
