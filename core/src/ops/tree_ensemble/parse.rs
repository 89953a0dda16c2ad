//! From attributes to a forest.

use super::{Aggregate, Forest, Node, Test, TreeEnsemble, Vote};
use crate::ops::Attrs;
use crate::ops::class_scores::PostTransform;
use crate::ops::linear_model::wide;
use crate::{DType, Num, Result, Tensor};
use std::collections::HashMap;

/// Numbers that are f32s, or since version 3 a tensor of f64s; and whether they are f64s.
pub fn numbers(a: &mut Attrs, name: &str) -> Result<(Vec<f64>, bool)> {
    let floats = a.floats(name)?.filter(|f| !f.is_empty());
    let tensor = if a.version() >= 3 { a.tensor(&format!("{name}_as_tensor"))? } else { None };
    match (floats, tensor.filter(|t| !t.is_empty())) {
        (Some(_), Some(_)) => Err(err!(InvalidModel, "only one of {name} and {name}_as_tensor may be given")),
        (_, Some(tensor)) => Ok((elements(&tensor)?, tensor.dtype() == DType::F64)),
        (floats, None) => Ok((wide(floats.unwrap_or_default()), false)),
    }
}

fn elements(tensor: &Tensor) -> Result<Vec<f64>> {
    let x = tensor.view();
    for_num!(x.dtype(), T => Ok(x.slice::<T>()?.iter().map(|&x| Num::to_f64(x)).collect()))
}

fn ints(a: &mut Attrs, name: &str) -> Result<Vec<i64>> {
    let given = a.ints(name)?;
    a.required(name, given)
}

fn same_len(what: &str, want: usize, lens: &[usize]) -> Result<()> {
    let fits = lens.iter().all(|&len| len == want);
    ensure!(fits, InvalidModel, "the attributes {what}_* must be equally long, got {want} and {lens:?}");
    Ok(())
}

fn index(what: &str, i: i64) -> Result<usize> {
    usize::try_from(i).map_err(|_| err!(InvalidModel, "{what} must not be negative, got {i}"))
}

/// The forest of a classifier (`prefix` "class") or a regressor ("target").
pub fn forest(a: &mut Attrs, prefix: &str, targets: usize) -> Result<Forest> {
    a.ignore(&["nodes_hitrates", "nodes_hitrates_as_tensor"]);
    let (trees, ids) = (ints(a, "nodes_treeids")?, ints(a, "nodes_nodeids")?);
    let (when_true, when_false) = (ints(a, "nodes_truenodeids")?, ints(a, "nodes_falsenodeids")?);
    let features = ints(a, "nodes_featureids")?;
    let modes = a.strs("nodes_modes")?;
    let modes = a.required("nodes_modes", modes)?;
    let (values, double_values) = numbers(a, "nodes_values")?;
    let missing = a.ints("nodes_missing_value_tracks_true")?.filter(|m| !m.is_empty());
    let missing = missing.unwrap_or_else(|| vec![0; trees.len()]);
    let lens = [ids.len(), when_true.len(), when_false.len(), features.len(), modes.len(), values.len()];
    same_len("nodes", trees.len(), &lens)?;
    same_len("nodes", trees.len(), &[missing.len()])?;

    let mut places = HashMap::new();
    for (i, key) in trees.iter().copied().zip(ids).enumerate() {
        ensure!(places.insert(key, i).is_none(), InvalidModel, "tree {} has two nodes {}", key.0, key.1);
    }
    let place = |tree: i64, id: i64| {
        places.get(&(tree, id)).copied().ok_or_else(|| err!(InvalidModel, "tree {tree} has no node {id}"))
    };
    let (votes, mut ranges, double_votes) = votes(a, prefix, trees.len(), &place)?;
    let mut nodes = Vec::new();
    for (i, mode) in modes.iter().enumerate() {
        let value = values[i];
        let test = match mode.as_str() {
            "LEAF" => {
                nodes.push(Node::Leaf(std::mem::take(&mut ranges[i])));
                continue;
            }
            "BRANCH_LEQ" => Test::LessOrEqual(value),
            "BRANCH_LT" => Test::Less(value),
            "BRANCH_GTE" => Test::GreaterOrEqual(value),
            "BRANCH_GT" => Test::Greater(value),
            "BRANCH_EQ" => Test::Equal(value),
            "BRANCH_NEQ" => Test::NotEqual(value),
            other => bail!(InvalidModel, "unknown mode '{other}' of a node"),
        };
        let next = [place(trees[i], when_true[i])?, place(trees[i], when_false[i])?];
        let feature = index("a feature", features[i])?;
        nodes.push(Node::Inner { feature, test, next, missing: missing[i] != 0 });
    }
    let roots = roots(&trees, &nodes)?;
    Forest::new(nodes, roots, votes, targets, double_values || double_votes)
}

/// Votes sorted by the nodes that they belong to, the range of each node, and whether weights are f64s.
fn votes(
    a: &mut Attrs,
    prefix: &str,
    nodes: usize,
    place: &dyn Fn(i64, i64) -> Result<usize>,
) -> Result<(Vec<Vote>, Vec<std::ops::Range<usize>>, bool)> {
    let (trees, ids) = (ints(a, &format!("{prefix}_treeids"))?, ints(a, &format!("{prefix}_nodeids"))?);
    let targets = ints(a, &format!("{prefix}_ids"))?;
    let (weights, double) = numbers(a, &format!("{prefix}_weights"))?;
    same_len(prefix, trees.len(), &[ids.len(), targets.len(), weights.len()])?;
    let mut placed = Vec::new();
    for i in 0..trees.len() {
        let vote = Vote { target: index("a target", targets[i])?, weight: weights[i] };
        placed.push((place(trees[i], ids[i])?, vote));
    }
    placed.sort_by_key(|&(node, _)| node);
    let mut ranges = vec![0..0; nodes];
    for (i, &(node, _)) in placed.iter().enumerate() {
        let range: &mut std::ops::Range<usize> = &mut ranges[node];
        *range = if range.start == range.end { i..i + 1 } else { range.start..i + 1 };
    }
    Ok((placed.into_iter().map(|(_, vote)| vote).collect(), ranges, double))
}

/// The node of each tree that none leads to; trees in the order in which they first appear.
fn roots(trees: &[i64], nodes: &[Node]) -> Result<Vec<usize>> {
    let mut led_to = vec![false; nodes.len()];
    for node in nodes {
        if let Node::Inner { next, .. } = node {
            next.iter().for_each(|&n| led_to[n] = true);
        }
    }
    let mut roots: Vec<(i64, Option<usize>)> = Vec::new();
    let mut at = HashMap::new();
    for (i, &tree) in trees.iter().enumerate() {
        let slot = *at.entry(tree).or_insert_with(|| {
            roots.push((tree, None));
            roots.len() - 1
        });
        // The first such node: others are left over from pruning.
        if !led_to[i] && roots[slot].1.is_none() {
            roots[slot].1 = Some(i);
        }
    }
    let root = |(tree, root): (i64, Option<usize>)| {
        root.ok_or_else(|| err!(InvalidModel, "every node of tree {tree} has one above it"))
    };
    roots.into_iter().map(root).collect()
}

/// TreeEnsemble of version 5.
pub fn ensemble(a: &mut Attrs) -> Result<TreeEnsemble> {
    a.ignore(&["nodes_hitrates"]);
    let mut tensor = |name: &str| {
        let given = a.tensor(name)?;
        let given = a.required(name, given)?;
        Ok::<_, crate::Error>((elements(&given)?, given.dtype() == DType::F64))
    };
    let (splits, double) = tensor("nodes_splits")?;
    let (modes, _) = tensor("nodes_modes")?;
    let (weights, _) = tensor("leaf_weights")?;
    let members = a.tensor("membership_values")?.map(|t| elements(&t)).transpose()?.unwrap_or_default();
    let features = ints(a, "nodes_featureids")?;
    let sides = [
        (ints(a, "nodes_truenodeids")?, ints(a, "nodes_trueleafs")?),
        (ints(a, "nodes_falsenodeids")?, ints(a, "nodes_falseleafs")?),
    ];
    let missing = a.ints("nodes_missing_value_tracks_true")?.filter(|m| !m.is_empty());
    let missing = missing.unwrap_or_else(|| vec![0; splits.len()]);
    let count = splits.len();
    same_len("nodes", count, &[modes.len(), features.len(), missing.len()])?;
    same_len("nodes", count, &sides.each_ref().map(|(ids, _)| ids.len()))?;
    same_len("nodes", count, &sides.each_ref().map(|(_, leafs)| leafs.len()))?;

    // Inner nodes first, then leaves: leaf i is node `count + i`.
    let leaves = ints(a, "leaf_targetids")?;
    same_len("leaf", leaves.len(), &[weights.len()])?;
    let mut sets = members.split(|x| x.is_nan());
    let mut nodes = Vec::new();
    for i in 0..count {
        let test = match modes[i] as i64 {
            0 => Test::LessOrEqual(splits[i]),
            1 => Test::Less(splits[i]),
            2 => Test::GreaterOrEqual(splits[i]),
            3 => Test::Greater(splits[i]),
            4 => Test::Equal(splits[i]),
            5 => Test::NotEqual(splits[i]),
            6 => {
                let set = sets.next().ok_or_else(|| err!(InvalidModel, "node {i} has no set of members"))?;
                let mut set = set.to_vec();
                set.sort_by(f64::total_cmp);
                Test::Member(set)
            }
            other => bail!(InvalidModel, "unknown mode {other} of node {i}"),
        };
        let side = |(ids, leafs): &(Vec<i64>, Vec<i64>)| {
            let (id, first, len) = match leafs[i] {
                0 => (index("a node", ids[i])?, 0, count),
                _ => (index("a leaf", ids[i])?, count, leaves.len()),
            };
            ensure!(id < len, InvalidModel, "node {i} leads to number {id} of {len}");
            Ok(first + id)
        };
        let next = [side(&sides[0])?, side(&sides[1])?];
        let feature = index("a feature", features[i])?;
        nodes.push(Node::Inner { feature, test, next, missing: missing[i] != 0 });
    }
    nodes.extend((0..leaves.len()).map(|i| Node::Leaf(i..i + 1)));
    let vote = |(&target, &weight): (&i64, &f64)| Ok(Vote { target: index("a target", target)?, weight });
    let votes = leaves.iter().zip(&weights).map(vote).collect::<Result<Vec<_>>>()?;
    let roots = ints(a, "tree_roots")?;
    let roots = roots.into_iter().map(|r| index("a root", r)).collect::<Result<Vec<_>>>()?;
    ensure!(roots.iter().all(|&r| r < count), InvalidModel, "a tree begins at no inner node");
    let targets = a.int("n_targets")?;
    let targets = index("n_targets", a.required("n_targets", targets)?)?;
    let aggregate = match a.int_or("aggregate_function", 1)? {
        0 => Aggregate::Average,
        1 => Aggregate::Sum,
        2 => Aggregate::Min,
        3 => Aggregate::Max,
        other => bail!(InvalidModel, "unknown aggregate_function {other}"),
    };
    let post = match a.int_or("post_transform", 0)? {
        0 => PostTransform::None,
        1 => PostTransform::Softmax,
        2 => PostTransform::Logistic,
        3 => PostTransform::SoftmaxZero,
        4 => PostTransform::Probit,
        other => bail!(InvalidModel, "unknown post_transform {other}"),
    };
    let forest = Forest::new(nodes, roots, votes, targets, double)?;
    Ok(TreeEnsemble { forest, aggregate, post, base: Vec::new(), to_f32: false })
}
