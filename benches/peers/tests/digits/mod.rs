//! What the tests in Chromium share: a model, its inputs, what must come out, and a browser.

use anyhow::{Context, Result, bail, ensure};
use edgewise_bench::ours::Edgewise;
use edgewise_bench::random::Random;
use edgewise_bench::setup::{self, Browser};
use edgewise_bench::web::{Driver, Job};
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

/// What is there to test with, and what must come out.
pub struct Test {
    _turn: MutexGuard<'static, ()>,
    pub builds: Vec<String>,
    pub browser: Browser,
    /// Where the model and its inputs lie.
    pub folder: PathBuf,
    pub want: Vec<Tensor>,
}

impl Test {
    /// With so many pictures. `None`, with a word why, where there is nothing to test with.
    pub fn set_up(count: usize) -> Result<Option<Test>> {
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
        let pixels = (0..count * 64).map(|_| random.below(17) as f32 / 16.0);
        let bytes = pixels.flat_map(f32::to_le_bytes).collect();
        let dims = vec![count, 1, 8, 8];
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

    /// A browser with some arguments of its own.
    pub fn driver(&self, own: &[&str]) -> Result<Driver> {
        Driver::start(&self.browser, &self.folder, &self.folder, own)
    }

    /// A job in a fresh page, on one thread of that script and build.
    pub fn job<'a>(&self, engine: &'a str, build: &'a str) -> Job<'a> {
        Job {
            engine,
            build,
            isa: None,
            device: None,
            model: MODEL,
            inputs: PICTURES,
            threads: 1,
            seconds: 0.0,
            most: Some(0),
            outputs: true,
            profile: false,
        }
    }

    /// Whether a page gave the bytes that must come out, and probabilities that are near.
    pub fn holds(&self, tensors: &[Tensor]) -> Result<()> {
        let [logits, probabilities] = tensors else { bail!("not two outputs") };
        ensure!(logits == &self.want[0], "other bytes than natively");
        let (got, want) = (probabilities.numbers()?, self.want[1].numbers()?);
        let close = got.len() == want.len() && got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-6);
        ensure!(close, "other probabilities than natively");
        Ok(())
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
