//! Our module in Chromium beside the native build: every byte of what an integer model computes, for each build,
//! each instruction set that can be had there, on one thread and on two.
//!
//! `cargo xtask test wasm` makes builds and names them in `EDGEWISE_WASM`. Without them, and without Chromium,
//! the tests say so and pass.

mod digits;

use anyhow::{Context, Result, ensure};
use digits::Test;
use edgewise_bench::web::{Driver, Job, Round, has_threads};

/// So many that threads share the work on them.
const COUNT: usize = 256;
/// Runs in a row, among which threads may come and go.
const RUNS: usize = 20;

/// Where sessions live: on the page's main thread, which must never sleep, and in a worker.
const PAGE: &str = "edgewise";
const WORKER: &str = "edgewise-worker";

/// Chromium as it is, and as it is on a processor whose own instruction the relaxed dot product cannot take.
const ARGUMENTS: [&[&str]; 2] = [&[], &["--js-flags=--no-enable-avx-vnni"]];

#[test]
fn every_build_gives_the_bytes_of_the_native_one() -> Result<()> {
    let Some(test) = Test::set_up(COUNT)? else { return Ok(()) };
    for own in ARGUMENTS {
        let mut driver = test.driver(own)?;
        for build in &test.builds {
            let plain = How { engine: PAGE, build, isa: None, threads: 1 };
            let best = holds(&test, &mut driver, plain)?;
            println!("{build}{}: {best}", own.concat());
            for isa in below(&best) {
                holds(&test, &mut driver, How { isa: Some(isa), ..plain })?;
            }
            if has_threads(build) {
                for engine in [PAGE, WORKER] {
                    holds(&test, &mut driver, How { engine, threads: 2, ..plain })?;
                }
            }
        }
    }
    Ok(())
}

#[test]
fn every_build_does_what_javascript_asks() -> Result<()> {
    let Some(test) = Test::set_up(COUNT)? else { return Ok(()) };
    let mut driver = test.driver(&[])?;
    // One script starts every build that has the GPU.
    let script = test.builds.iter().find(|build| has_threads(build));
    let others = test.builds.iter().filter(|build| *build != "cpu");
    let started = others.filter_map(|build| Some(format!("{}/{build}", script?)));
    for build in test.builds.iter().cloned().chain(started) {
        let round = driver.round(&Job { outputs: false, ..test.job("surface", &build) })?;
        round.all_is_well().with_context(|| build.clone())?;
    }
    Ok(())
}

#[test]
fn what_an_engine_does_not_have_cannot_be_chosen() -> Result<()> {
    let Some(test) = Test::set_up(COUNT)? else { return Ok(()) };
    let mut driver = test.driver(&[])?;
    for (isa, why) in [("avx2", "does not have avx2"), ("mmx", "no instruction set is called 'mmx'")] {
        let how = How { engine: PAGE, build: &test.builds[0], isa: Some(isa), threads: 1 };
        let refused = round(&test, &mut driver, how);
        assert!(refused.as_ref().is_err_and(|error| error.to_string().contains(why)), "{refused:?}");
    }
    Ok(())
}

/// Those that are always there beside the best one.
fn below(best: &str) -> Vec<&'static str> {
    let all = ["scalar", "simd128", "relaxed"];
    let relaxed = best.starts_with("relaxed");
    all.into_iter().filter(|isa| *isa != best && (relaxed || *isa != "relaxed")).collect()
}

/// One way to run.
#[derive(Clone, Copy, Debug)]
struct How<'a> {
    engine: &'a str,
    build: &'a str,
    isa: Option<&'a str>,
    threads: usize,
}

fn round(test: &Test, driver: &mut Driver, how: How) -> Result<Round> {
    let job = test.job(how.engine, how.build);
    driver.round(&Job { isa: how.isa, threads: how.threads, most: Some(RUNS), ..job })
}

/// Runs in a fresh page and compares; gives the instruction set that was used.
fn holds(test: &Test, driver: &mut Driver, how: How) -> Result<String> {
    let round = round(test, driver, how).with_context(|| format!("{how:?}"))?;
    let used = round.isa.clone().unwrap_or_default();
    let (isa, threads) = (how.isa, how.threads);
    let what = format!("{how:?}, {used}");
    ensure!(isa.is_none_or(|isa| isa == used), "{what}, but {isa:?} was chosen");
    ensure!(round.threads == Some(threads), "{what}, but there are {:?}", round.threads);
    test.holds(&round.tensors()?).context(what)?;
    Ok(used)
}
