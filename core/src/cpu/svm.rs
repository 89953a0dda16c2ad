//! SVMClassifier and SVMRegressor on the CPU.
//!
//! Every pair of classes has a score and a vote; probabilities of pairs become probabilities of classes by
//! the iteration of Wu, Lin and Weng, as in libsvm.

use super::class_scores::{Features, argmax, dot, logistic, write_classes};
use super::linear_model::transform;
use super::{Io, Kernel};
use crate::Result;
use crate::ops::class_scores::PostTransform;
use crate::ops::svm::{self, Machine, SvmClassifier, SvmRegressor};

impl Machine {
    /// Every support vector with a row.
    fn kernels(&self, row: &[f64]) -> Vec<f64> {
        self.vectors.chunks(row.len().max(1)).map(|vector| self.kernel.apply(vector, row)).collect()
    }
}

impl svm::Kernel {
    fn apply(self, a: &[f64], b: &[f64]) -> f64 {
        match self {
            svm::Kernel::Linear => dot(a, b),
            svm::Kernel::Poly { gamma, coef0, degree } => (dot(a, b) * gamma + coef0).powf(degree),
            svm::Kernel::Sigmoid { gamma, coef0 } => (dot(a, b) * gamma + coef0).tanh(),
            svm::Kernel::Rbf { gamma } => {
                let distance: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
                (-gamma * distance).exp()
            }
        }
    }
}

impl Kernel for SvmRegressor {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = Features::new(io.input(0)?)?;
        self.machine.check(x.columns, 1)?;
        let y = io.output(0)?.into_slice::<f32>()?;
        for (i, y) in y.iter_mut().enumerate() {
            io.check()?;
            let sum = match self.machine.count {
                0 => dot(&self.machine.coefficients, x.row(i)),
                _ => dot(&self.machine.coefficients, &self.machine.kernels(x.row(i))),
            };
            let mut score = [sum + self.machine.rho[0]];
            if self.one_class {
                score = [if score[0] > 0.0 { 1.0 } else { -1.0 }];
            } else {
                transform(self.post, &mut score);
            }
            *y = score[0] as f32;
        }
        Ok(())
    }
}

impl Kernel for SvmClassifier {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = Features::new(io.input(0)?)?;
        self.machine.check(x.columns, self.classes())?;
        let mut answers = Vec::new();
        for i in 0..x.rows {
            io.check()?;
            answers.push(self.classify(x.row(i)));
        }
        write_classes(io, &self.labels.or_numbers(), &answers)
    }
}

impl SvmClassifier {
    /// The class of a row, and its scores.
    fn classify(&self, row: &[f64]) -> (usize, Vec<f64>) {
        let (mut scores, votes) = match self.machine.count {
            0 => {
                let coefficients = self.machine.coefficients.chunks(row.len().max(1));
                (coefficients.map(|c| dot(c, row) + self.machine.rho[0]).collect(), None)
            }
            _ => {
                let (scores, votes) = self.pairs(&self.machine.kernels(row));
                (scores, Some(votes))
            }
        };
        if let Some((a, b)) = &self.probability {
            scores = self.probabilities(&scores, a, b);
        }
        let decisive = votes.as_ref().unwrap_or(&scores);
        let best = argmax(decisive);
        let class = match self.labels.len() {
            // One score decides between one thing and anything else.
            0 | 1 => (decisive[best] > 0.0) as usize,
            _ => best,
        };
        if let ([score], 2) = (&scores[..], self.labels.len()) {
            return (class, self.post.two_of_one(*score, self.post != PostTransform::None));
        }
        transform(self.post, &mut scores);
        (class, scores)
    }

    /// Scores of all pairs of classes, and the votes that each class gets from them.
    fn pairs(&self, kernels: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let classes = self.classes();
        let starts: Vec<usize> = self
            .per_class
            .iter()
            .scan(0, |start, &n| {
                *start += n;
                Some(*start - n)
            })
            .collect();
        // The coefficients of class `class` in its `row`th contest.
        let part = |row: usize, class: usize| {
            let own = starts[class]..starts[class] + self.per_class[class];
            dot(&self.machine.coefficients[row * self.machine.count..][own.clone()], &kernels[own])
        };
        let (mut scores, mut votes) = (Vec::new(), vec![0.0; classes]);
        for i in 0..classes {
            for j in i + 1..classes {
                let score = self.machine.rho[scores.len()] + part(j - 1, i) + part(i, j);
                votes[if score > 0.0 { i } else { j }] += 1.0;
                scores.push(score);
            }
        }
        (scores, votes)
    }

    fn probabilities(&self, scores: &[f64], a: &[f64], b: &[f64]) -> Vec<f64> {
        let classes = self.classes();
        let mut pairs = vec![vec![0.0; classes]; classes];
        let each = (0..classes).flat_map(|i| (i + 1..classes).map(move |j| (i, j)));
        for (k, (i, j)) in each.enumerate() {
            let p = (1.0 - logistic(scores[k] * a[k] + b[k])).clamp(1e-7, 1.0 - 1e-7);
            (pairs[i][j], pairs[j][i]) = (p, 1.0 - p);
        }
        couple(&pairs)
    }
}

/// The probabilities of classes that agree best with those of pairs.
fn couple(pairs: &[Vec<f64>]) -> Vec<f64> {
    let k = pairs.len();
    let mut q = vec![vec![0.0; k]; k];
    for t in 0..k {
        for j in (0..k).filter(|&j| j != t) {
            q[t][t] += pairs[j][t] * pairs[j][t];
            q[t][j] = -pairs[j][t] * pairs[t][j];
        }
    }
    let mut p = vec![1.0 / k as f64; k];
    for _ in 0..k.max(100) {
        let mut qp: Vec<f64> = q.iter().map(|row| dot(row, &p)).collect();
        let mut pqp = dot(&p, &qp);
        if qp.iter().all(|x| (x - pqp).abs() < 0.005 / k as f64) {
            break;
        }
        for t in 0..k {
            let diff = (pqp - qp[t]) / q[t][t];
            let scale = 1.0 + diff;
            p[t] += diff;
            pqp = (pqp + diff * (diff * q[t][t] + 2.0 * qp[t])) / (scale * scale);
            for j in 0..k {
                qp[j] = (qp[j] + diff * q[t][j]) / scale;
                p[j] /= scale;
            }
        }
    }
    p
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::{map_f32s, run};
    use crate::ops::Attr;
    use crate::{Result, Tensor, Value};

    const ML: &str = "ai.onnx.ml";

    fn floats(x: &[f32]) -> Attr {
        Attr::Floats(x.into())
    }

    #[test]
    fn without_support_vectors_it_is_linear() {
        let attrs = [("coefficients", floats(&[2.0, 3.0])), ("rho", floats(&[1.0]))];
        assert_eq!(map_f32s((ML, "SVMRegressor", 1), &attrs, &[2], &[1.0, 10.0]), [33.0]);
    }

    fn classify(per_class: &[i64], coefficients: &[f32]) -> Result<Vec<Value>> {
        let attrs = [
            ("vectors_per_class", Attr::Ints(per_class.into())),
            ("support_vectors", floats(&[1.0, -1.0])),
            ("coefficients", floats(coefficients)),
            ("rho", floats(&[0.0])),
            ("classlabels_ints", Attr::Ints(vec![3, 4])),
        ];
        let x = Tensor::new(&[2, 1], &[5f32, -5.0]).unwrap();
        run((ML, "SVMClassifier", 1), &attrs, &[Some(x.into())], 2)
    }

    #[test]
    fn two_classes_have_one_score_and_its_negative() {
        let y = classify(&[1, 1], &[1.0, -1.0]).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i64>().unwrap(), [3, 4]);
        assert_eq!(y[1].tensor().unwrap().slice::<f32>().unwrap(), [-10.0, 10.0, 10.0, -10.0]);
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        assert!(classify(&[1, 1], &[1.0]).is_err());
        assert!(classify(&[2], &[1.0, -1.0]).is_err());
        assert!(classify(&[i64::MAX, i64::MAX], &[1.0, -1.0]).is_err());
        assert!(classify(&[-1, 3], &[1.0, -1.0]).is_err());
    }
}
