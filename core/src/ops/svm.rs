//! SVMClassifier and SVMRegressor of ai.onnx.ml 1: support vector machines, or linear ones where there are
//! no support vectors.

use super::class_scores::{Labels, PostTransform, infer_classifier, infer_regressor};
use super::linear_model::wide;
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// How a row and a support vector become a number.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "ONNX's names say it")]
pub enum Kernel {
    Linear,
    Poly { gamma: f64, coef0: f64, degree: f64 },
    Rbf { gamma: f64 },
    Sigmoid { gamma: f64, coef0: f64 },
}

impl Kernel {
    fn parse(a: &mut Attrs) -> Result<Kernel> {
        let [gamma, coef0, degree] = match a.floats("kernel_params")?.as_deref() {
            None | Some([]) => [0.0; 3],
            Some(&[gamma, coef0, degree]) => [gamma.into(), coef0.into(), degree.into()],
            Some(other) => bail!(InvalidModel, "kernel_params must have 3 elements, got {other:?}"),
        };
        a.choice(
            "kernel_type",
            &[
                ("LINEAR", Kernel::Linear),
                ("POLY", Kernel::Poly { gamma, coef0, degree }),
                ("RBF", Kernel::Rbf { gamma }),
                ("SIGMOID", Kernel::Sigmoid { gamma, coef0 }),
            ],
        )
    }
}

/// Support vectors of equal length.
#[derive(Clone, Debug)]
pub struct Machine {
    /// How a row and a support vector become a number.
    pub kernel: Kernel,
    /// All vectors, one after the other.
    pub vectors: Vec<f64>,
    /// How many there are; 0 in a linear machine.
    pub count: usize,
    /// What the numbers, or the elements of a row in a linear machine, are multiplied by.
    pub coefficients: Vec<f64>,
    /// What is added.
    pub rho: Vec<f64>,
}

impl Machine {
    fn parse(a: &mut Attrs, count: usize) -> Result<Machine> {
        let mut floats = |name: &str| a.floats(name).map(|x| wide(x.unwrap_or_default()));
        let (vectors, coefficients, rho) =
            (floats("support_vectors")?, floats("coefficients")?, floats("rho")?);
        let kernel = Kernel::parse(a)?;
        ensure!(!rho.is_empty(), InvalidModel, "attribute 'rho' must have an element");
        ensure!(
            count == 0 || !vectors.is_empty() && vectors.len() % count == 0,
            InvalidModel,
            "{} elements do not make {count} support vectors",
            vectors.len()
        );
        Ok(Machine { kernel, vectors, count, coefficients, rho })
    }

    /// Refuses rows of another length than the machine is for.
    pub fn check(&self, columns: usize, linear_rows: usize) -> Result<()> {
        let want = match self.count {
            0 => self.coefficients.len() / linear_rows,
            count => self.vectors.len() / count,
        };
        ensure!(columns == want, InvalidInput, "expected {want} columns, got {columns}");
        Ok(())
    }
}

/// SVMRegressor.
#[derive(Clone, Debug)]
pub struct SvmRegressor {
    /// Its vectors.
    pub machine: Machine,
    /// Whether only the sign counts: 1 or -1.
    pub one_class: bool,
    /// What becomes of the result.
    pub post: PostTransform,
}

impl Operator for SvmRegressor {
    fn parse(a: &mut Attrs) -> Result<SvmRegressor> {
        a.arity(1..=1, 1..=1)?;
        let count = count("n_supports", a.int_or("n_supports", 0)?)?;
        let machine = Machine::parse(a, count)?;
        let have = machine.coefficients.len();
        ensure!(count == 0 || have == count, InvalidModel, "{have} coefficients for {count} support vectors");
        Ok(SvmRegressor { machine, one_class: a.flag("one_class", false)?, post: PostTransform::parse(a)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        infer_regressor(cx, DType::F32, 1)
    }
}

/// SVMClassifier.
#[derive(Clone, Debug)]
pub struct SvmClassifier {
    /// Its vectors, those of the first class first.
    pub machine: Machine,
    /// How many vectors each class has.
    pub per_class: Vec<usize>,
    /// The parameters of the sigmoid that turns the score of a pair into a probability.
    pub probability: Option<(Vec<f64>, Vec<f64>)>,
    /// The names of classes.
    pub labels: Labels,
    /// What becomes of scores.
    pub post: PostTransform,
}

impl Operator for SvmClassifier {
    fn parse(a: &mut Attrs) -> Result<SvmClassifier> {
        a.arity(1..=1, 2..=2)?;
        let per_class = a.ints("vectors_per_class")?.unwrap_or_default();
        let per_class: Vec<usize> =
            per_class.into_iter().map(|n| count("vectors_per_class", n)).collect::<Result<_>>()?;
        let total = per_class.iter().try_fold(0usize, |sum, &n| sum.checked_add(n));
        let total = total.ok_or_else(|| err!(InvalidModel, "vectors_per_class is too large"))?;
        let machine = Machine::parse(a, total)?;
        let (prob_a, prob_b) = (a.floats("prob_a")?, a.floats("prob_b")?);
        let probability = match (prob_a, prob_b) {
            (Some(x), Some(y)) if total > 0 && !x.is_empty() => Some((wide(x), wide(y))),
            _ => None,
        };
        let labels = Labels::parse(a, "classlabels_ints", "classlabels_strings")?;
        let svm = SvmClassifier { machine, per_class, probability, labels, post: PostTransform::parse(a)? };
        svm.check()?;
        Ok(svm)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let classes = self.classes();
        let pairs = classes * (classes - 1) / 2;
        let scores = match (self.machine.count, &self.probability) {
            (0, _) | (_, Some(_)) => classes,
            // One score of two classes is written together with its negative.
            _ if pairs == 1 => 2,
            _ => pairs,
        };
        infer_classifier(cx, &self.labels, Some(scores))
    }
}

impl SvmClassifier {
    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.labels.len().max(1)
    }

    fn check(&self) -> Result<()> {
        let (classes, machine) = (self.classes(), &self.machine);
        let have = machine.coefficients.len();
        if machine.count == 0 {
            let fits = have > 0 && have % classes == 0;
            ensure!(fits, InvalidModel, "{have} coefficients do not make rows for {classes} classes");
            return Ok(());
        }
        let pairs = classes * (classes - 1) / 2;
        let want = machine.count.checked_mul(classes - 1);
        ensure!(
            classes > 1
                && self.per_class.len() == classes
                && want == Some(have)
                && machine.rho.len() >= pairs,
            InvalidModel,
            "{} support vectors of {} classes, {have} coefficients and {} elements of rho do not fit {classes} labels",
            machine.count,
            self.per_class.len(),
            machine.rho.len()
        );
        if let Some((a, b)) = &self.probability {
            let fits = a.len() >= pairs && b.len() >= pairs;
            ensure!(fits, InvalidModel, "prob_a and prob_b must have {pairs} elements");
        }
        Ok(())
    }
}

fn count(what: &str, n: i64) -> Result<usize> {
    usize::try_from(n).map_err(|_| err!(InvalidModel, "{what} must not be negative, got {n}"))
}
