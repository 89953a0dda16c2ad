//! LinearClassifier and LinearRegressor on the CPU.
//!
//! Two habits of runtimes that the specification does not tell: where one score stands for two classes the
//! other one is its difference to 1 (or the logistic function of its negative), and a single result of a
//! regressor is transformed only by PROBIT.

use super::class_scores::{Features, argmax, dot, write_classes, write_scores};
use super::{Io, Kernel};
use crate::Result;
use crate::ops::class_scores::PostTransform;
use crate::ops::linear_model::{LinearClassifier, LinearRegressor};

impl Kernel for LinearClassifier {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = Features::new(io.input(0)?)?;
        let count = self.scores(x.columns)?;
        let mut answers = Vec::new();
        for i in 0..x.rows {
            io.check()?;
            let mut scores = products(&self.coefficients, &self.intercepts, x.row(i));
            if count > 1 {
                let class = argmax(&scores);
                self.post.apply(&mut scores);
                answers.push((class, scores));
                continue;
            }
            let score = scores[0];
            if self.two_of_one(count) {
                scores = self.post.two_of_one(score, true);
            } else {
                single(self.post, &mut scores);
            }
            answers.push(((score > 0.0) as usize, scores));
        }
        write_classes(io, &self.labels.or_numbers(), &answers)
    }
}

impl Kernel for LinearRegressor {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = Features::new(io.input(0)?)?;
        self.check(x.columns)?;
        let y = io.output(0)?.into_slice::<f32>()?;
        for (i, y) in y.chunks_mut(self.targets).enumerate() {
            io.check()?;
            let mut scores = match x.columns {
                0 => vec![0.0; self.targets],
                _ => products(&self.coefficients, &self.intercepts, x.row(i)),
            };
            transform(self.post, &mut scores);
            write_scores(y, std::iter::once(scores.as_slice()));
        }
        Ok(())
    }
}

fn products(coefficients: &[f64], intercepts: &[f64], row: &[f64]) -> Vec<f64> {
    let intercepts = intercepts.iter().copied().chain(std::iter::repeat(0.0));
    coefficients.chunks(row.len()).zip(intercepts).map(|(c, intercept)| dot(c, row) + intercept).collect()
}

/// Transforms what a regressor gives for one row.
pub fn transform(post: PostTransform, scores: &mut [f64]) {
    if scores.len() == 1 { single(post, scores) } else { post.apply(scores) }
}

fn single(post: PostTransform, scores: &mut [f64]) {
    if post == PostTransform::Probit {
        post.apply(scores);
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::{map_f32s, run};
    use crate::ops::Attr;
    use crate::{Result, Tensor, Value};

    fn classify(coefficients: Vec<f32>, x: &[f32]) -> Result<Vec<Value>> {
        let x = Tensor::new(&[1, x.len()], x).unwrap();
        let attrs =
            [("coefficients", Attr::Floats(coefficients)), ("classlabels_ints", Attr::Ints(vec![5, 7]))];
        run(("ai.onnx.ml", "LinearClassifier", 1), &attrs, &[Some(x.into())], 2)
    }

    #[test]
    fn one_score_stands_for_two_classes() {
        let y = classify(vec![0.25], &[3.0]).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i64>().unwrap(), [7]);
        assert_eq!(y[1].tensor().unwrap().slice::<f32>().unwrap(), [0.25, 0.75]);
        let y = classify(vec![0.25, -1.0], &[3.0]).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i64>().unwrap(), [5]);
    }

    #[test]
    fn coefficients_must_make_whole_rows() {
        assert!(classify(vec![1.0; 3], &[1.0, 2.0]).is_err());
        assert!(classify(vec![], &[1.0]).is_err());
        assert!(classify(vec![1.0, 2.0, 3.0], &[1.0]).is_err(), "three scores for two labels");
    }

    #[test]
    fn two_targets() {
        let attrs = [
            ("coefficients", Attr::Floats(vec![1.0, 10.0])),
            ("intercepts", Attr::Floats(vec![0.5, 0.0])),
            ("targets", Attr::Int(2)),
        ];
        assert_eq!(map_f32s(("ai.onnx.ml", "LinearRegressor", 1), &attrs, &[1, 1], &[2.0]), [2.5, 20.0]);
    }
}
