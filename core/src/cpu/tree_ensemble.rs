//! Forests on the CPU. Sums have the precision of the parameters, in the order of the trees, so that ties
//! stay ties.

use super::class_scores::{Features, argmax, write_classes};
use super::linear_model::transform;
use super::{Io, Kernel};
use crate::ops::tree_ensemble::{Aggregate, Forest, TreeEnsemble, TreeEnsembleClassifier};
use crate::{Num, Result};

impl Forest {
    fn check(&self, columns: usize) -> Result<()> {
        ensure!(columns >= self.features, InvalidInput, "expected {} columns, got {columns}", self.features);
        Ok(())
    }

    fn add(&self, a: f64, b: f64) -> f64 {
        if self.double { a + b } else { f64::from(a as f32 + b as f32) }
    }

    /// What the trees say to each target; `None` where nobody says anything.
    fn scores(&self, row: &[f64], merge: impl Fn(f64, f64) -> f64) -> Vec<Option<f64>> {
        let mut scores = vec![None; self.targets];
        for &root in &self.roots {
            for vote in self.walk(root, row) {
                let score = &mut scores[vote.target];
                *score = Some(score.map_or(vote.weight, |s| merge(s, vote.weight)));
            }
        }
        scores
    }
}

impl Kernel for TreeEnsemble {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = Features::new(io.input(0)?)?;
        self.forest.check(x.columns)?;
        let y = io.output(0)?;
        let targets = self.forest.targets.max(1);
        for_num!(y.dtype(), T => {
            io.pool().chunks(y.into_slice::<T>()?, targets, |i, y| {
                if i % 64 == 0 {
                    io.check()?;
                }
                y.iter_mut().zip(self.row(x.row(i))).for_each(|(y, score)| *y = T::from_f64(score));
                Ok(())
            })
        })
    }
}

impl TreeEnsemble {
    fn row(&self, row: &[f64]) -> Vec<f64> {
        let forest = &self.forest;
        let scores = match self.aggregate {
            Aggregate::Sum | Aggregate::Average => forest.scores(row, |a, b| forest.add(a, b)),
            Aggregate::Min => forest.scores(row, f64::min),
            Aggregate::Max => forest.scores(row, f64::max),
        };
        let trees = if self.aggregate == Aggregate::Average { forest.roots.len().max(1) } else { 1 };
        let base = self.base.iter().copied().chain(std::iter::repeat(0.0));
        let scores = scores.into_iter().zip(base);
        let mut scores: Vec<f64> =
            scores.map(|(s, base)| forest.add(s.unwrap_or(0.0) / trees as f64, base)).collect();
        transform(self.post, &mut scores);
        scores
    }
}

impl Kernel for TreeEnsembleClassifier {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = Features::new(io.input(0)?)?;
        self.forest.check(x.columns)?;
        let mut answers = Vec::new();
        for i in 0..x.rows {
            if i % 64 == 0 {
                io.check()?;
            }
            answers.push(self.classify(x.row(i)));
        }
        write_classes(io, &self.labels.or_numbers(), &answers)
    }
}

impl TreeEnsembleClassifier {
    fn classify(&self, row: &[f64]) -> (usize, Vec<f64>) {
        let forest = &self.forest;
        let votes = forest.scores(row, |a, b| forest.add(a, b));
        if self.labels.len() == 2 && self.votes_for_one() {
            return self.classify_by_one(&votes);
        }
        let base = self.base.iter().copied().chain(std::iter::repeat(0.0));
        let mut scores: Vec<f64> =
            votes.iter().zip(base).map(|(s, base)| forest.add(s.unwrap_or(0.0), base)).collect();
        let class = if scores.len() == 1 { (scores[0] > 0.0) as usize } else { argmax(&scores) };
        transform(self.post, &mut scores);
        (class, scores)
    }

    /// Whether all leaves vote for the same class.
    fn votes_for_one(&self) -> bool {
        self.forest.votes.windows(2).all(|v| v[0].target == v[1].target)
    }

    /// One score decides between two classes: a probability if no weight is negative, else by its sign.
    fn classify_by_one(&self, votes: &[Option<f64>]) -> (usize, Vec<f64>) {
        let target = self.forest.votes.first().map_or(0, |v| v.target);
        let base = self.base.get(target).or(self.base.last()).copied().unwrap_or(0.0);
        let score = self.forest.add(votes[target].unwrap_or(0.0), base);
        let probability = self.forest.votes.iter().all(|v| v.weight >= 0.0);
        let class = (score > if probability { 0.5 } else { 0.0 }) as usize;
        (class, self.post.two_of_one(score, probability))
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor, Value};

    /// One split at 0 and two leaves.
    fn stump(change: impl Fn(&str, &mut Attr)) -> Result<Vec<Value>> {
        let ints = |x: &[i64]| Attr::Ints(x.into());
        let mut attrs = vec![
            ("n_targets", Attr::Int(1)),
            ("nodes_treeids", ints(&[0, 0, 0])),
            ("nodes_nodeids", ints(&[0, 1, 2])),
            ("nodes_truenodeids", ints(&[1, 0, 0])),
            ("nodes_falsenodeids", ints(&[2, 0, 0])),
            ("nodes_featureids", ints(&[0, 0, 0])),
            ("nodes_values", Attr::Floats(vec![0.0; 3])),
            ("nodes_modes", Attr::Strs(["BRANCH_LEQ", "LEAF", "LEAF"].map(String::from).to_vec())),
            ("target_treeids", ints(&[0, 0])),
            ("target_nodeids", ints(&[1, 2])),
            ("target_ids", ints(&[0, 0])),
            ("target_weights", Attr::Floats(vec![10.0, 20.0])),
        ];
        attrs.iter_mut().for_each(|(name, attr)| change(name, attr));
        let x = Tensor::new(&[3, 1], &[-1.0, 1.0, f32::NAN]).unwrap();
        run(("ai.onnx.ml", "TreeEnsembleRegressor", 3), &attrs, &[Some(x.into())], 1)
    }

    #[test]
    fn a_stump_decides_and_nan_goes_the_other_way() {
        let y = stump(|_, _| {}).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [10.0, 20.0, 20.0]);
    }

    #[test]
    fn broken_trees_are_refused() {
        let broken = [
            ("nodes_truenodeids", Attr::Ints(vec![0, 0, 0])),
            ("nodes_truenodeids", Attr::Ints(vec![7, 0, 0])),
            ("nodes_truenodeids", Attr::Ints(vec![1, 0])),
            ("nodes_nodeids", Attr::Ints(vec![0, 1, 1])),
            ("nodes_featureids", Attr::Ints(vec![1, 0, 0])),
            ("nodes_featureids", Attr::Ints(vec![-1, 0, 0])),
            ("target_ids", Attr::Ints(vec![0, 1])),
            ("target_nodeids", Attr::Ints(vec![0, 9])),
            ("nodes_modes", Attr::Strs(vec!["BRANCH_LEQ".into(); 3])),
        ];
        for (name, value) in broken {
            let result = stump(|n, attr| {
                if n == name {
                    *attr = value.clone();
                }
            });
            assert!(result.is_err(), "{name} {value:?}");
        }
    }
}
