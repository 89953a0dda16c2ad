//! NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss on the CPU. Everything is summed in f64; a class
//! out of range is an error unless it is the ignored one.

use super::normalize::{parameters, store};
use super::wide::converted;
use super::{Io, Kernel};
use crate::ops::cross_entropy::{CrossEntropy, Reduction};
use crate::{Result, View};

impl Kernel for CrossEntropy {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, labels) = (io.input(0)?, io.input(1)?);
        let &[samples, classes, ref positions @ ..] = x.shape() else {
            bail!(InvalidModel, "expected a batch and a class axis, got shape {:?}", x.shape());
        };
        let positions: usize = positions.iter().product();
        ensure!(
            labels.len() == samples * positions,
            InvalidModel,
            "input 1 of shape {:?} does not fit scores of shape {:?}",
            labels.shape(),
            x.shape()
        );
        let weights = io.optional(2)?.map(|w| parameters(w, classes)).transpose()?;
        let mut log_prob: Vec<f64> = converted(x)?.into_owned();
        if self.softmax {
            for (i, sample) in log_prob.chunks_mut((classes * positions).max(1)).enumerate() {
                if i % 64 == 0 {
                    io.check()?;
                }
                (0..positions).for_each(|at| log_softmax(sample, at, positions));
            }
        }
        if io.wants(0) {
            let picked = self.pick(labels, classes)?;
            let weight = |class: Option<usize>| match (class, &weights) {
                (None, _) => 0.0,
                (Some(class), Some(weights)) => weights[class],
                (Some(_), None) => 1.0,
            };
            let losses = picked.iter().enumerate().map(|(i, &class)| match class {
                Some(class) => {
                    let at = (i / positions * classes + class) * positions + i % positions;
                    -log_prob[at] * weight(Some(class))
                }
                None => 0.0,
            });
            let y = io.output(0)?;
            match self.reduction {
                Reduction::None => store(y, losses)?,
                Reduction::Sum => store(y, std::iter::once(losses.sum()))?,
                Reduction::Mean => {
                    let total: f64 = picked.iter().map(|&class| weight(class)).sum();
                    store(y, std::iter::once(losses.sum::<f64>() / total))?;
                }
            }
        }
        if io.wants(1) {
            store(io.output(1)?, log_prob.into_iter())?;
        }
        Ok(())
    }
}

impl CrossEntropy {
    /// The class of every sample; `None` where it is ignored.
    fn pick(&self, labels: View<'_>, classes: usize) -> Result<Vec<Option<usize>>> {
        let pick = |label: i64| {
            if Some(label) == self.ignored {
                return Ok(None);
            }
            let class = usize::try_from(label).ok().filter(|&class| class < classes);
            class.map(Some).ok_or_else(|| err!(InvalidInput, "there is no class {label} of {classes}"))
        };
        labels.to_i64s()?.into_iter().map(pick).collect()
    }
}

/// Scores become log-probabilities, along every `step`th element from `at` on.
fn log_softmax(x: &mut [f64], at: usize, step: usize) {
    let scores = || x[at..].iter().step_by(step).copied();
    let max = scores().fold(f64::NEG_INFINITY, f64::max);
    let shift = max + scores().map(|x| (x - max).exp()).sum::<f64>().ln();
    x[at..].iter_mut().step_by(step).for_each(|x| *x -= shift);
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn loss(
        op: &str,
        attrs: &[(&str, Attr)],
        x: &[f32],
        labels: &[i64],
        w: Option<&[f32]>,
    ) -> Result<Vec<f32>> {
        let x = Tensor::new(&[labels.len(), x.len() / labels.len().max(1)], x)?;
        let mut inputs = vec![Some(x.into()), Some(Tensor::new(&[labels.len()], labels)?.into())];
        if let Some(w) = w {
            inputs.push(Some(Tensor::new(&[w.len()], w)?.into()));
        }
        let y = run(("", op, 13), attrs, &inputs, 1)?;
        Ok(y[0].tensor()?.slice::<f32>()?.to_vec())
    }

    const NLL: &str = "NegativeLogLikelihoodLoss";
    const X: [f32; 4] = [-1.0, -2.0, -3.0, -4.0];

    #[test]
    fn the_mean_counts_weights_and_not_the_ignored() {
        let ignore = [("ignore_index", Attr::Int(-1))];
        assert_eq!(loss(NLL, &[], &X, &[0, 1], None).unwrap(), [2.5]);
        assert_eq!(loss(NLL, &[], &X, &[0, 1], Some(&[3.0, 1.0])).unwrap(), [1.75]);
        assert_eq!(loss(NLL, &ignore, &X, &[-1, 1], None).unwrap(), [4.0]);
        assert!(loss(NLL, &ignore, &X, &[-1, -1], None).unwrap()[0].is_nan());
    }

    #[test]
    fn classes_out_of_range_are_refused() {
        assert!(loss(NLL, &[], &X, &[0, 2], None).is_err());
        assert!(loss(NLL, &[], &X, &[-1, 0], None).is_err());
    }

    #[test]
    fn large_scores_do_not_overflow() {
        let y = loss("SoftmaxCrossEntropyLoss", &[], &[1e30, -1e30, 0.0, 0.0], &[0, 1], None).unwrap();
        assert_eq!(y, [2f32.ln() / 2.0]);
    }
}
