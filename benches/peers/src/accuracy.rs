//! How close the answers are: onnxruntime's, ours, and those of our module in Chromium, on the same inputs.

use crate::case::{Case, Kind};
use crate::process::{Engine, Job};
use crate::setup::Python;
use crate::web::{self, Driver};
use crate::{peer, setup};
use anyhow::{Context, Result, ensure};
use edgewise_bench_runner::{Tensor, read_folder, write_folder};
use std::path::Path;

/// How many inputs are compared.
const INPUTS: u64 = 16;
/// Of an integer model: how much of its elements must be equal.
const EXACT: f64 = 0.99;
/// Of a mixed model: the least cosine, and the largest error as a part of the range.
const COSINE: f64 = 0.999;
const LARGEST: f64 = 0.02;
/// Of an unstable model: how much farther it may be from the float model than onnxruntime is.
const FARTHER: f64 = 1.05;

/// Compares every case and prints a line for each; whether all are close enough.
pub fn run(
    cases: &[Case],
    python: &Python,
    models: &Path,
    inputs: &Path,
    mut web: Option<Driver>,
    build: &str,
) -> Result<bool> {
    let (ours, ort) = (peer::ourselves()?, python.onnxruntime());
    // How far onnxruntime is from itself: a model in which one rounding changes the answer has no one answer.
    let mut plain = ort.clone();
    plain.args.push("--plain".into());
    let outputs = setup::home().join("outputs");
    let mut good = true;
    for case in cases {
        let (mut worst, mut own) = (Worst::default(), Worst::default());
        let mut to_float = ToFloat::default();
        let mut same_bits = true;
        for seed in 0..INPUTS {
            let name = format!("{}-{seed}", case.name);
            write_folder(&inputs.join(&name), &case.inputs(seed, models)?)?;
            let run_model = |engine: &Engine, engine_name: &str, model: &str| -> Result<Vec<Tensor>> {
                let folder = outputs.join(engine_name);
                let (model, inputs) = (models.join(model), inputs.join(&name));
                let outputs = Some(folder.clone());
                engine
                    .round(&Job { model, inputs, outputs, threads: 1, seconds: 0.0, most: Some(0) }, false)?;
                read_folder(&folder)
            };
            let run = |engine: &Engine, engine_name: &str| run_model(engine, engine_name, case.model);
            let (want, got, other) = (run(&ort, "ort")?, run(&ours, "edgewise")?, run(&plain, "plain")?);
            if let Kind::Unstable(float) = case.kind {
                to_float.take(&run_model(&ort, "float", float)?, [&got, &want, &other])?;
            }
            for (want, got) in pairs(&want, &got)? {
                worst.take(&Difference::of(want, got)?);
            }
            for (want, got) in pairs(&want, &other)? {
                own.take(&Difference::of(want, got)?);
            }
            if let Some(driver) = &mut web {
                let job = web::Job {
                    engine: "edgewise",
                    build,
                    isa: None,
                    device: None,
                    model: case.model,
                    inputs: &name,
                    threads: 1,
                    seconds: 0.0,
                    most: Some(0),
                    outputs: true,
                    profile: false,
                };
                let there = driver.round(&job)?.tensors()?;
                same_bits &= pairs(&got, &there)?.iter().all(|(a, b)| a.bytes == b.bytes);
            }
        }
        let near = match case.kind {
            Kind::Unstable(_) => to_float.passes(),
            kind => worst.passes(kind),
        };
        let passed = near && (web.is_none() || same_bits || case.kind != Kind::Integer);
        good &= passed;
        let browser = match (&web, same_bits) {
            (None, _) => "",
            (Some(_), true) => ", the browser's bits are the same",
            (Some(_), false) => ", the browser's bits differ",
        };
        println!("{}: {}{browser}", case.name, if passed { "passed" } else { "FAILED" });
        println!("  ours:                              {}", worst.text());
        println!("  onnxruntime without optimizations: {}", own.text());
        if let Kind::Unstable(_) = case.kind {
            println!("  {}", to_float.text());
        }
    }
    Ok(good)
}

/// Outputs of two engines, by name.
fn pairs<'a>(want: &'a [Tensor], got: &'a [Tensor]) -> Result<Vec<(&'a Tensor, &'a Tensor)>> {
    let pair = |want: &'a Tensor| {
        let got = got.iter().find(|got| got.name == want.name);
        let got = got.with_context(|| format!("there is no output '{}'", want.name))?;
        ensure!(got.dims == want.dims, "'{}' is {:?} and {:?}", want.name, want.dims, got.dims);
        Ok((want, got))
    };
    want.iter().map(pair).collect()
}

/// How far two tensors are apart.
struct Difference {
    cosine: f64,
    /// The largest error over the range of what is wanted.
    largest: f64,
    /// The part of the elements that are equal.
    exact: f64,
    /// The largest error in steps of the output's quantization.
    steps: f64,
}

impl Difference {
    fn of(want: &Tensor, got: &Tensor) -> Result<Difference> {
        let (want, got) = (want.numbers()?, got.numbers()?);
        ensure!(want.len() == got.len() && !want.is_empty(), "{} and {} elements", want.len(), got.len());
        ensure!(want.iter().chain(&got).all(|x| x.is_finite()), "not all elements are numbers");
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let error = want.iter().zip(&got).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let (low, high) = want.iter().fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(*x), h.max(*x)));
        let norms = (dot(&want, &want) * dot(&got, &got)).sqrt();
        Ok(Difference {
            cosine: if norms > 0.0 { dot(&want, &got) / norms } else { f64::from(error == 0.0) },
            largest: error / (high - low).max(f64::MIN_POSITIVE),
            exact: want.iter().zip(&got).filter(|(a, b)| a == b).count() as f64 / want.len() as f64,
            steps: error / step(&want),
        })
    }
}

/// The step of quantized numbers: the least distance between two that differ.
fn step(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let gaps = sorted.windows(2).map(|pair| pair[1] - pair[0]);
    // Floats that stand for the same step may differ in their last bit.
    let least = (sorted[sorted.len() - 1] - sorted[0]) * 1e-5;
    gaps.filter(|gap| *gap > least).fold(f64::INFINITY, f64::min)
}

/// The worst of several differences.
struct Worst {
    cosine: f64,
    largest: f64,
    exact: f64,
    steps: f64,
}

impl Default for Worst {
    fn default() -> Worst {
        Worst { cosine: 1.0, largest: 0.0, exact: 1.0, steps: 0.0 }
    }
}

impl Worst {
    fn take(&mut self, d: &Difference) {
        self.cosine = self.cosine.min(d.cosine);
        self.largest = self.largest.max(d.largest);
        self.exact = self.exact.min(d.exact);
        self.steps = self.steps.max(d.steps);
    }

    fn passes(&self, kind: Kind) -> bool {
        match kind {
            // Half a step of slack for the rounding of the floats that steps come as.
            Kind::Integer => self.steps < 1.5 && self.exact >= EXACT,
            Kind::Mixed | Kind::Unstable(_) => self.cosine >= COSINE && self.largest <= LARGEST,
        }
    }

    fn text(&self) -> String {
        format!(
            "cosine at least {:.6}, error at most {:.3} % of the range, {:.2} % equal, {:.1} steps at most",
            self.cosine,
            self.largest * 100.0,
            self.exact * 100.0,
            self.steps
        )
    }
}

/// How far answers are from those of the model before it was quantized, over all inputs: sums of 1 - cosine.
#[derive(Default)]
struct ToFloat {
    inputs: f64,
    ours: f64,
    ort: f64,
    plain: f64,
}

impl ToFloat {
    /// Adds the answers to one input: ours, onnxruntime's, and those without optimizations.
    fn take(&mut self, float: &[Tensor], [ours, ort, plain]: [&[Tensor]; 3]) -> Result<()> {
        let far = |got: &[Tensor]| -> Result<f64> {
            let each = pairs(float, got)?.into_iter().map(|(a, b)| Ok(1.0 - Difference::of(a, b)?.cosine));
            each.collect::<Result<Vec<f64>>>().map(|each| each.iter().sum())
        };
        self.inputs += 1.0;
        self.ours += far(ours)?;
        self.ort += far(ort)?;
        self.plain += far(plain)?;
        Ok(())
    }

    fn passes(&self) -> bool {
        self.inputs > 0.0 && self.ours <= FARTHER * self.ort.max(self.plain)
    }

    fn text(&self) -> String {
        let mean = |sum: f64| 1.0 - sum / self.inputs;
        format!(
            "mean cosine to the float model: ours {:.4}, onnxruntime {:.4}, without optimizations {:.4}",
            mean(self.ours),
            mean(self.ort),
            mean(self.plain)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(x: &[f32]) -> Tensor {
        let bytes = x.iter().flat_map(|x| x.to_le_bytes()).collect();
        Tensor { name: "y".into(), dtype: "f32".into(), dims: vec![x.len()], bytes }
    }

    fn worst(want: &[f32], got: &[f32]) -> Worst {
        let mut worst = Worst::default();
        worst.take(&Difference::of(&tensor(want), &tensor(got)).unwrap());
        worst
    }

    #[test]
    fn steps_are_counted() {
        let mut got: Vec<f32> = (0..200).map(|i| i as f32 * 0.25).collect();
        let want = got.clone();
        assert!(worst(&want, &got).passes(Kind::Integer));
        got[7] += 0.25;
        assert!(worst(&want, &got).passes(Kind::Integer));
        got[7] += 0.25;
        let two = worst(&want, &got);
        assert!(!two.passes(Kind::Integer) && two.passes(Kind::Mixed), "{}", two.text());
        got.iter_mut().take(3).for_each(|x| *x += 0.25);
        assert!(!worst(&want, &got).passes(Kind::Integer));
    }

    #[test]
    fn an_unstable_model_must_be_as_near_to_the_float_one() {
        let float = [tensor(&[1.0, 0.0])];
        let [near, far, farther] = [0.5, 0.51, 0.6].map(|y| [tensor(&[1.0, y])]);
        let passes = |ours: &[Tensor], ort: &[Tensor], plain: &[Tensor]| {
            let mut to_float = ToFloat::default();
            to_float.take(&float, [ours, ort, plain]).unwrap();
            to_float.passes()
        };
        assert!(
            passes(&near, &near, &near) && passes(&far, &near, &near) && passes(&farther, &near, &farther)
        );
        assert!(!passes(&farther, &near, &near) && !ToFloat::default().passes());
    }

    #[test]
    fn far_floats_fail() {
        assert!(worst(&[0.0, 1.0, -1.0], &[0.001, 1.0, -1.0]).passes(Kind::Mixed));
        assert!(!worst(&[0.0, 1.0, -1.0], &[0.1, 1.0, -1.0]).passes(Kind::Mixed));
        assert!(Difference::of(&tensor(&[1.0]), &tensor(&[f32::NAN])).is_err());
    }
}
