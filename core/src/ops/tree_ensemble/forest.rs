//! Trees that cannot lead astray.

use crate::Result;
use std::ops::Range;

/// What an inner node asks of a feature.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "ONNX's names say it")]
pub enum Test {
    LessOrEqual(f64),
    Less(f64),
    GreaterOrEqual(f64),
    Greater(f64),
    Equal(f64),
    NotEqual(f64),
    /// Is among these, which are sorted.
    Member(Vec<f64>),
}

impl Test {
    /// The answer.
    pub fn holds(&self, x: f64) -> bool {
        match self {
            Test::LessOrEqual(y) => x <= *y,
            Test::Less(y) => x < *y,
            Test::GreaterOrEqual(y) => x >= *y,
            Test::Greater(y) => x > *y,
            Test::Equal(y) => x == *y,
            Test::NotEqual(y) => x != *y,
            Test::Member(set) => {
                set.binary_search_by(|y| y.partial_cmp(&x).unwrap_or(std::cmp::Ordering::Less)).is_ok()
            }
        }
    }
}

/// A node of a tree.
#[derive(Clone, Debug)]
pub enum Node {
    /// It asks and leads on.
    Inner {
        /// Which feature.
        feature: usize,
        /// What it asks.
        test: Test,
        /// Where to go if the test holds, and if not.
        next: [usize; 2],
        /// Whether NaN passes the test.
        missing: bool,
    },
    /// It ends the path with votes.
    Leaf(Range<usize>),
}

/// What a leaf says to one target.
#[derive(Clone, Copy, Debug)]
pub struct Vote {
    /// The target or class.
    pub target: usize,
    /// How much it gets.
    pub weight: f64,
}

/// Trees that vote.
#[derive(Clone, Debug)]
pub struct Forest {
    /// The nodes of all trees.
    pub nodes: Vec<Node>,
    /// Where each tree begins.
    pub roots: Vec<usize>,
    /// The votes of all leaves.
    pub votes: Vec<Vote>,
    /// How many targets there are.
    pub targets: usize,
    /// How many features rows must have.
    pub features: usize,
    /// Whether parameters are f64, and sums are too.
    pub double: bool,
}

impl Forest {
    /// Checks every index and that every path ends.
    pub fn new(
        nodes: Vec<Node>,
        roots: Vec<usize>,
        votes: Vec<Vote>,
        targets: usize,
        double: bool,
    ) -> Result<Forest> {
        let in_range = |i: usize| i < nodes.len();
        let mut features = 0;
        for (i, node) in nodes.iter().enumerate() {
            match node {
                Node::Inner { feature, next, .. } => {
                    ensure!(next.iter().all(|&n| in_range(n)), InvalidModel, "node {i} leads nowhere");
                    features = features.max(feature.saturating_add(1));
                }
                Node::Leaf(range) => {
                    let fits = range.start <= range.end && range.end <= votes.len();
                    ensure!(fits, Internal, "leaf {i} has votes {range:?} of {}", votes.len());
                }
            }
        }
        ensure!(roots.iter().all(|&r| in_range(r)), InvalidModel, "a tree begins at no node");
        if let Some(vote) = votes.iter().find(|v| v.target >= targets) {
            bail!(InvalidModel, "a leaf votes for target {} of {targets}", vote.target);
        }
        let forest = Forest { nodes, roots, votes, targets, features, double };
        forest.check_paths()?;
        Ok(forest)
    }

    /// Walks every path once, also of nodes that no tree reaches; a node that is met again on the way to
    /// itself closes a cycle.
    fn check_paths(&self) -> Result<()> {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            Not,
            OnTheWay,
            Done,
        }
        let mut seen = vec![Seen::Not; self.nodes.len()];
        // A node, and whether its paths have been walked.
        let mut stack: Vec<(usize, bool)> = (0..self.nodes.len()).map(|i| (i, false)).collect();
        while let Some((i, walked)) = stack.pop() {
            if walked {
                seen[i] = Seen::Done;
                continue;
            }
            match seen[i] {
                Seen::Done => continue,
                Seen::OnTheWay => bail!(InvalidModel, "node {i} leads back to itself"),
                Seen::Not => {}
            }
            seen[i] = Seen::OnTheWay;
            stack.push((i, true));
            if let Node::Inner { next, .. } = &self.nodes[i] {
                stack.extend(next.iter().map(|&n| (n, false)));
            }
        }
        Ok(())
    }

    /// The votes of tree `root` for a row that has enough features.
    pub fn walk(&self, root: usize, row: &[f64]) -> &[Vote] {
        let mut at = root;
        loop {
            match &self.nodes[at] {
                Node::Leaf(range) => return &self.votes[range.clone()],
                Node::Inner { feature, test, next, missing } => {
                    let x = row[*feature];
                    let holds = test.holds(x) || *missing && x.is_nan();
                    at = next[!holds as usize];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inner(next: [usize; 2]) -> Node {
        Node::Inner { feature: 0, test: Test::Less(0.0), next, missing: false }
    }

    fn forest(nodes: Vec<Node>) -> Result<Forest> {
        Forest::new(nodes, vec![0], vec![], 1, false)
    }

    #[test]
    fn cycles_and_loose_ends_are_refused() {
        assert!(forest(vec![inner([0, 0])]).is_err());
        assert!(forest(vec![inner([1, 2]), inner([2, 0]), Node::Leaf(0..0)]).is_err());
        assert!(forest(vec![inner([1, 7]), Node::Leaf(0..0)]).is_err());
        assert!(forest(vec![]).is_err());
    }

    #[test]
    fn paths_may_meet() {
        let forest = forest(vec![inner([1, 2]), inner([2, 2]), Node::Leaf(0..0)]).unwrap();
        assert!(forest.walk(0, &[f64::NAN]).is_empty());
    }

    #[test]
    fn a_very_deep_tree_is_walked_without_recursion() {
        let n = 200_000;
        let mut nodes: Vec<Node> = (0..n).map(|i| inner([i + 1, n])).collect();
        nodes.push(Node::Leaf(0..0));
        assert!(forest(nodes).unwrap().walk(0, &[-1.0]).is_empty());
    }
}
