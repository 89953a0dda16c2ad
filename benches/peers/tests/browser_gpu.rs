//! The browser's GPU beside the processor, in Chromium with a GPU in software: operators, models, what is counted, and
//! what goes wrong.
//!
//! `cargo xtask test web-gpu` builds what this needs. Without it, and without Chromium, the tests say so and pass.

mod digits;

use anyhow::{Context, Result, ensure};
use digits::Test;
use edgewise_bench::case::{self, Case, Kind, Place};
use edgewise_bench::setup::{self, Python};
use edgewise_bench::web::{Driver, GPU, GPU_BUILD, Job, Round, SOFTWARE_GPU};
use edgewise_bench_runner::{Tensor, write_folder};

/// Pictures: few, since a GPU in software is slow.
const COUNT: usize = 5;

/// How far outputs of a whole model may be apart, as a part of the largest. Where floats are quantized while the model
/// runs, one that is rounded the other way moves what follows by a step; so those are held to what the accuracy of
/// the benches is held to.
fn near(case: &Case) -> f64 {
    match case.kind {
        Kind::Integer => 0.0,
        Kind::Mixed if case.name.ends_with("-fp32") => 1e-4,
        Kind::Mixed | Kind::Unstable(_) => 0.02,
    }
}

/// `None`, with a word why, where there is nothing to test with.
fn set_up() -> Result<Option<Test>> {
    let test = Test::set_up(COUNT)?;
    let has_gpu = |test: &Test| test.builds.iter().any(|build| build == GPU_BUILD);
    if !test.as_ref().is_none_or(has_gpu) {
        println!("skipped, no build with a GPU is named");
    }
    Ok(test.filter(has_gpu))
}

fn on_gpu(test: &Test, driver: &mut Driver, engine: &str) -> Result<Round> {
    driver.round(&Job { device: Some(GPU), ..test.job(engine, GPU_BUILD) })
}

#[test]
fn a_page_and_a_worker_get_the_bytes_of_the_processor() -> Result<()> {
    let Some(test) = set_up()? else { return Ok(()) };
    let mut driver = test.driver(&SOFTWARE_GPU)?;
    for engine in ["edgewise", "edgewise-worker"] {
        let round = on_gpu(&test, &mut driver, engine)?;
        test.holds(&round.tensors()?).context(engine.to_string())?;
        let gpu = round.gpu.context("no GPU was used")?;
        println!("{engine}: {} with {}", gpu.name, gpu.features.join(", "));
        // What is quantized runs there, and nothing comes back before the end.
        ensure!(gpu.launches >= 5 && gpu.steps <= 1, "{gpu:?}");
        ensure!(gpu.uploads == 1 && gpu.downloads == 2, "{gpu:?}");
        // Workers have a WebGPU of their own, which the page does not see.
        let calls = round.calls.filter(|_| engine == "edgewise");
        ensure!(calls.is_none_or(|calls| calls.dispatches == gpu.launches), "{calls:?} of {gpu:?}");
        ensure!(calls.is_none_or(|calls| calls.uploads == 1 && calls.downloads == 1), "{calls:?}");
    }
    Ok(())
}

#[test]
fn operators_agree_with_the_processor() -> Result<()> {
    let Some(test) = set_up()? else { return Ok(()) };
    let of = std::env::var("EDGEWISE_PARITY_OF").map_or(Ok(100), |of| of.parse::<usize>())?;
    // Several pages where there is much to do, so that none grows old.
    let parts = if of == 1 { 20 } else { 1 };
    let mut driver = test.driver(&SOFTWARE_GPU)?;
    let (mut agree, mut differ) = (0, Vec::new());
    for part in 0..parts {
        for restricted in ["", ",restricted"] {
            let share = format!("{part}/{}{restricted}", of * parts);
            let job = Job { device: Some(GPU), outputs: false, ..test.job("parity", &share) };
            let lines = driver.round(&job).with_context(|| share.clone())?.lines.unwrap_or_default();
            let (count, others) = lines.split_first().context("the page says nothing")?;
            agree += count.parse::<usize>()?;
            differ.extend(others.iter().map(|line| format!("{share}: {line}")));
        }
    }
    println!("{agree} cases agree");
    ensure!(differ.is_empty() && agree > 0, "{agree} agree, {} do not:\n{}", differ.len(), differ.join("\n"));
    Ok(())
}

#[test]
fn what_goes_wrong_is_an_error_that_says_so() -> Result<()> {
    let Some(test) = set_up()? else { return Ok(()) };
    let mut driver = test.driver(&SOFTWARE_GPU)?;
    let lines = on_gpu(&test, &mut driver, "faults")?.lines.unwrap_or_default();
    let expected = [
        ("cancelled", "cancelled: "),
        ("lost", "device-lost: "),
        ("lost meanwhile", "device-lost: "),
        ("lost twice", "device-lost: "),
        ("no memory", "out-of-memory: "),
        ("not valid", "internal: "),
        ("no adapter", "unsupported: "),
        ("no WebGPU", "unsupported: "),
    ];
    ensure!(lines.len() == expected.len(), "{lines:#?}");
    for (line, (what, kind)) in lines.iter().zip(expected) {
        let said = line.strip_prefix(&format!("{what}: {kind}"));
        ensure!(said.is_some_and(|said| said.len() > 10), "{what} should be {kind}, is '{line}'");
    }
    Ok(())
}

#[test]
fn values_stay_on_the_gpu_of_a_page() -> Result<()> {
    let Some(test) = set_up()? else { return Ok(()) };
    let mut driver = test.driver(&SOFTWARE_GPU)?;
    let round =
        driver.round(&Job { outputs: false, device: Some(GPU), ..test.job("gpu-values", GPU_BUILD) })?;
    round.all_is_well()
}

#[test]
fn a_gpu_takes_a_model_without_the_modules_memory_holding_it() -> Result<()> {
    let Some(test) = set_up()? else { return Ok(()) };
    let lines = on_gpu(&test, &mut test.driver(&SOFTWARE_GPU)?, "weights")?.lines.unwrap_or_default();
    println!("{lines:?}");
    let line: serde_json::Value = serde_json::from_str(lines.first().context("the page says nothing")?)?;
    ensure!(line["right"] == true && line["steps"] == 0, "{line}");
    let [model, memory] = ["model", "memory"].map(|name| line[name].as_u64().unwrap_or(u64::MAX));
    // A weight of sixteen, twice, and what is there without a model.
    ensure!(model > 256 << 20 && memory < 64 << 20, "{memory} bytes of memory for a model of {model}");
    Ok(())
}

#[test]
fn a_browser_without_a_gpu_says_so() -> Result<()> {
    let Some(test) = set_up()? else { return Ok(()) };
    // Chromium without the arguments for a GPU in software has none.
    let refused = on_gpu(&test, &mut test.driver(&["--disable-gpu"])?, "edgewise");
    let why = |error: &anyhow::Error| error.to_string().contains("GPU");
    ensure!(refused.as_ref().is_err_and(why), "{refused:?}");
    Ok(())
}

#[test]
fn whole_models_agree_with_the_processor() -> Result<()> {
    let Some(test) = set_up()? else { return Ok(()) };
    let Some(models) = std::env::var_os("EDGEWISE_WHOLE_MODELS") else {
        println!("skipped, whole models take minutes (cargo xtask nightly web-gpu runs them)");
        return Ok(());
    };
    let mut cases = case::all();
    cases.retain(|case| case.goal(Place::Gpu).is_some());
    // They are made, unless a folder is named that has them.
    let models = match models.is_empty() {
        true => setup::models(&Python::set_up()?, &case::groups(&cases))?,
        false => models.into(),
    };
    let inputs = setup::home().join("inputs");
    let mut driver = Driver::start(&test.browser, &models, &inputs, &SOFTWARE_GPU)?;
    let mut differ = Vec::new();
    for case in &cases {
        write_folder(&inputs.join(case.name), &case.inputs(0, &models)?)?;
        let mut round = |device| {
            let job = test.job("edgewise", GPU_BUILD);
            driver.round(&Job { device, model: case.model, inputs: case.name, ..job })
        };
        let (want, got) = (round(None)?.tensors()?, round(Some(GPU))?);
        let far = furthest(case, &want, &got.tensors()?).with_context(|| case.name)?;
        println!("{}: {far:.1e} apart, {:?}", case.name, got.gpu);
        if far > near(case) {
            differ.push(case.name);
        }
    }
    ensure!(differ.is_empty(), "too far apart: {}", differ.join(", "));
    Ok(())
}

/// How far outputs are apart at most, as a part of the largest.
fn furthest(case: &Case, want: &[Tensor], got: &[Tensor]) -> Result<f64> {
    ensure!(want.len() == got.len(), "{} has {} and {} outputs", case.name, want.len(), got.len());
    let mut furthest = 0f64;
    for (want, got) in want.iter().zip(got) {
        let (want, got) = (want.numbers()?, got.numbers()?);
        ensure!(want.len() == got.len(), "{} and {} elements", want.len(), got.len());
        let largest = want.iter().fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()));
        let apart = want.iter().zip(&got).map(|(a, b)| (a - b).abs() / largest);
        furthest = apart.fold(furthest, f64::max);
    }
    Ok(furthest)
}
