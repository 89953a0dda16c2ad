//! Our module in Chromium beside the native build: every byte of what an integer model computes, for each build,
//! each instruction set that can be had there, on one thread and on two.
//!
//! `cargo xtask test wasm` makes builds and names them in `EDGEWISE_WASM`. Without them, and without Chromium,
//! the tests say so and pass.

use anyhow::{Context, Result, bail, ensure};
use edgewise_bench::ours::Edgewise;
use edgewise_bench::random::Random;
use edgewise_bench::setup::{self, Browser};
use edgewise_bench::web::{Driver, Job, Round, THREADS};
use edgewise_bench_runner as runner;
use edgewise_bench_runner::{Engine, Tensor};
use edgewise_fuzz::wire::{Field, Value, encode, parse};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

const MODEL: &str = "digits.onnx";
/// Its last integers as floats; after them comes a softmax, of which no two instruction sets give the same bits.
const LOGITS: &str = "logits_DequantizeLinear_Output";
/// The folder of its inputs.
const PICTURES: &str = "digits";
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
    let Some(test) = Test::set_up()? else { return Ok(()) };
    for own in ARGUMENTS {
        let mut driver = test.driver(own)?;
        for build in &test.builds {
            let plain = How { engine: PAGE, build, isa: None, threads: 1 };
            let best = test.holds(&mut driver, plain)?;
            println!("{build}{}: {best}", own.concat());
            for isa in below(&best) {
                test.holds(&mut driver, How { isa: Some(isa), ..plain })?;
            }
            if build == THREADS {
                for engine in [PAGE, WORKER] {
                    test.holds(&mut driver, How { engine, threads: 2, ..plain })?;
                }
            }
        }
    }
    Ok(())
}

#[test]
fn what_an_engine_does_not_have_cannot_be_chosen() -> Result<()> {
    let Some(test) = Test::set_up()? else { return Ok(()) };
    let mut driver = test.driver(&[])?;
    for (isa, why) in [("avx2", "does not have avx2"), ("mmx", "no instruction set is called 'mmx'")] {
        let how = How { engine: PAGE, build: &test.builds[0], isa: Some(isa), threads: 1 };
        let refused = test.round(&mut driver, how);
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

/// What is there to test with, and what must come out.
struct Test {
    _turn: MutexGuard<'static, ()>,
    builds: Vec<String>,
    browser: Browser,
    /// Where the model and its inputs lie.
    folder: PathBuf,
    want: Vec<Tensor>,
}

impl Test {
    /// `None`, with a word why, where there is nothing to test with.
    fn set_up() -> Result<Option<Test>> {
        let Ok(builds) = std::env::var("EDGEWISE_WASM") else {
            println!("skipped, no builds are named (cargo xtask test wasm does it)");
            return Ok(None);
        };
        let Some(chromium) = setup::chromium() else {
            println!("skipped, there is no Chromium (EDGEWISE_CHROMIUM may name it)");
            return Ok(None);
        };
        // One after the other: they set up the same things.
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let browser = Browser { chromium, npm: setup::playwright()?, ours: setup::ours() };
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let digits = setup::repository().join("models/zoo/digits/digits_int8.onnx");
        std::fs::write(folder.join(MODEL), with_logits(&std::fs::read(digits)?)?)?;
        let mut random = Random(1);
        let pixels = (0..COUNT * 64).map(|_| random.below(17) as f32 / 16.0);
        let bytes = pixels.flat_map(f32::to_le_bytes).collect();
        let dims = vec![COUNT, 1, 8, 8];
        let pictures = vec![Tensor { name: "image".into(), dtype: "f32".into(), dims, bytes }];
        runner::write_folder(&folder.join(PICTURES), &pictures)?;
        let want = natively(runner::Job {
            model: folder.join(MODEL),
            inputs: pictures,
            threads: 1,
            seconds: 0.0,
            most: 0,
            outputs: None,
        })?;
        let builds = builds.split(',').map(String::from).collect();
        Ok(Some(Test { _turn: turn, builds, browser, folder, want }))
    }

    fn driver(&self, own: &[&str]) -> Result<Driver> {
        Driver::start(&self.browser, &self.folder, &self.folder, own)
    }

    fn round(&self, driver: &mut Driver, how: How) -> Result<Round> {
        driver.round(&Job {
            engine: how.engine,
            build: how.build,
            isa: how.isa,
            device: None,
            model: MODEL,
            inputs: PICTURES,
            threads: how.threads,
            seconds: 0.0,
            most: Some(RUNS),
            outputs: true,
            profile: false,
        })
    }

    /// Runs in a fresh page and compares; gives the instruction set that was used.
    fn holds(&self, driver: &mut Driver, how: How) -> Result<String> {
        let round = self.round(driver, how).with_context(|| format!("{how:?}"))?;
        let used = round.isa.clone().unwrap_or_default();
        let (isa, threads) = (how.isa, how.threads);
        let what = format!("{how:?}, {used}");
        ensure!(isa.is_none_or(|isa| isa == used), "{what}, but {isa:?} was chosen");
        ensure!(round.threads == Some(threads), "{what}, but there are {:?}", round.threads);
        let [logits, probabilities] = &round.tensors()?[..] else { bail!("{what}: not two outputs") };
        ensure!(logits == &self.want[0], "{what}: other bytes than natively");
        let (got, want) = (probabilities.numbers()?, self.want[1].numbers()?);
        let close = got.len() == want.len() && got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-6);
        ensure!(close, "{what}: other probabilities than natively");
        Ok(used)
    }
}

fn natively(job: runner::Job) -> Result<Vec<Tensor>> {
    let mut engine = Edgewise::load(&job)?;
    engine.run()?;
    engine.outputs()
}

/// The model with one more output, before the others.
fn with_logits(model: &[u8]) -> Result<Vec<u8>> {
    let field = |number, value| Field { number, value };
    let mut fields = parse(model, 1).context("the model cannot be read")?;
    let graph = fields.iter_mut().find(|field| field.number == 7).map(|field| &mut field.value);
    let Some(Value::Message(graph)) = graph else { bail!("the model has no graph") };
    // ONNX's numbers: a value's name and type, a type's tensor, its element type f32.
    let tensor = Value::Message(vec![field(1, Value::Varint(1))]);
    let name = field(1, Value::Bytes(LOGITS.into()));
    let output = vec![name, field(2, Value::Message(vec![field(1, tensor)]))];
    let first = graph.iter().position(|field| field.number == 12).context("the model has no output")?;
    graph.insert(first, field(12, Value::Message(output)));
    Ok(encode(&fields))
}
