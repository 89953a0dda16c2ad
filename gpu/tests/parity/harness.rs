//! Runs one operator on both, as the planner would: lowered without sizes, bound with them, recorded, replayed
//! twice, read.

#[cfg(not(target_family = "wasm"))]
use edgewise_core::block_on;
use edgewise_core::cpu::eval;
use edgewise_core::device::Device;
use edgewise_core::ops::{Attr, Attrs, Op};
use edgewise_core::{DType, Element, Error, ErrorKind, Result, Tensor, Value, View};
use edgewise_gpu::Gpu;
use edgewise_gpu::alone::Alone;

/// None that could be had while a test runs: see `browser`.
#[cfg(target_family = "wasm")]
pub fn gpu() -> Option<&'static Gpu> {
    None
}

/// Nothing has to wait where there is no GPU.
#[cfg(target_family = "wasm")]
fn block_on<T>(_: impl Future<Output = T>) -> T {
    panic!("a page must not wait")
}

/// The GPU that tests run on, if there is one.
#[cfg(not(target_family = "wasm"))]
pub fn gpu() -> Option<&'static Gpu> {
    use edgewise_gpu::{Preference, open_gpus};
    use std::sync::{Arc, OnceLock};
    static GPU: OnceLock<Option<Arc<Gpu>>> = OnceLock::new();
    let gpu = GPU.get_or_init(|| match block_on(open_gpus(Preference::Performance)) {
        Ok(gpus) => gpus.into_iter().next(),
        Err(e) => {
            assert!(std::env::var_os("EDGEWISE_GPU_REQUIRED").is_none(), "{e}");
            eprintln!("skipped: {e}");
            None
        }
    });
    gpu.as_deref()
}

/// One operator on some inputs.
#[derive(Clone)]
pub struct Case {
    alone: Alone,
    /// Whether floats are to be equal to the bit, too.
    exactly: bool,
    says: String,
}

impl Case {
    /// An operator of ONNX with its attributes.
    pub fn new(name: &str, version: i64, attrs: &[(&str, Attr)], inputs: &[Tensor]) -> Case {
        let inputs: Vec<Option<Tensor>> = inputs.iter().cloned().map(Some).collect();
        Case::of("", name, version, attrs, &inputs, 1)
    }

    /// An operator of a domain, with inputs left out.
    pub fn of(
        domain: &str,
        name: &str,
        version: i64,
        attrs: &[(&str, Attr)],
        inputs: &[Option<Tensor>],
        outputs: usize,
    ) -> Case {
        let says = format!("{name} {inputs:?} {attrs:?}");
        let alone = Alone::of((domain, name, version), attrs, inputs, outputs);
        Case { alone: alone.unwrap_or_else(|e| panic!("{says}: {e}")), exactly: false, says }
    }

    /// An operator that no attributes say.
    pub fn rewritten(op: Op, inputs: &[Option<Tensor>]) -> Case {
        let says = format!("{op:?} {inputs:?}");
        Case { alone: Alone::new(op, inputs, 1), exactly: false, says }
    }

    /// The same with the elements of those inputs known.
    pub fn knowing(mut self, constants: &[usize]) -> Case {
        self.alone.constants = constants.to_vec();
        self
    }

    /// The same with the elements of those inputs known when sizes are.
    pub fn asking(mut self, asked: &[usize]) -> Case {
        self.alone.asked = asked.to_vec();
        self
    }

    /// The same where nobody wants any outputs but those.
    pub fn wanting(mut self, outputs: &[usize]) -> Case {
        self.alone.wanted.iter_mut().enumerate().for_each(|(i, wanted)| *wanted = outputs.contains(&i));
        self
    }

    /// The same, where floats must be equal to the bit.
    pub fn exactly(mut self) -> Case {
        self.exactly = true;
        self
    }

    /// Runs it on both, and fails unless the GPU takes it and agrees.
    #[track_caller]
    pub fn check(&self) {
        #[cfg(target_family = "wasm")]
        crate::browser::keep(self, false);
        if let Some(Err(why)) = gpu().map(|gpu| block_on(self.compare(gpu))) {
            panic!("{why}");
        }
    }

    /// Runs it on both where the GPU takes it; what it does not take, it never gets wrong.
    #[track_caller]
    pub fn check_if_taken(&self) {
        #[cfg(target_family = "wasm")]
        crate::browser::keep(self, true);
        if self.is_taken() {
            self.check();
        }
    }

    /// Runs it on both, and fails unless both refuse what they are given with the same sentence.
    pub fn check_refused(&self) {
        let expected = self.expected().expect_err(&self.says);
        self.check_says(expected.kind(), expected.what());
    }

    /// Runs it on the GPU, and fails unless that refuses what it is given with that sentence.
    pub fn check_says(&self, kind: ErrorKind, what: &str) {
        let Some(gpu) = gpu() else { return };
        let got = block_on(self.run(gpu)).expect_err(&self.says);
        assert_eq!((got.kind(), got.what()), (kind, what), "{}", self.says);
    }

    /// Runs it on both; the error says where they differ.
    pub async fn compare(&self, gpu: &Gpu) -> Result<(), String> {
        let says = |what: String| format!("{}{what}", self.says);
        let expected = self.expected().map_err(|e| says(format!(": {e}")))?;
        let got = self.run(gpu).await.map_err(|e| says(format!(": {e:?}")))?;
        let got = got.ok_or_else(|| says(": the GPU has no kernel".into()))?;
        for (i, (expected, got)) in expected.iter().zip(&got).enumerate() {
            let Some(expected) = expected else { continue };
            let expected = expected.tensor().map_err(|e| says(format!(": {e}")))?;
            agree(expected.view(), got.view(), self.exactly)
                .map_err(|why| says(format!(" output {i}: {why}")))?;
        }
        Ok(())
    }

    /// What the GPU makes of it, if there is one.
    pub fn outputs(&self) -> Option<Vec<Tensor>> {
        let got = block_on(self.run(gpu()?)).unwrap_or_else(|e| panic!("{}: {e:?}", self.says));
        Some(got.unwrap_or_else(|| panic!("{}: the GPU has no kernel", self.says)))
    }

    /// How many launches the GPU makes of it.
    pub fn launches(&self) -> Option<usize> {
        let placed = block_on(self.alone.place(gpu()?)).unwrap_or_else(|e| panic!("{}: {e:?}", self.says));
        Some(placed.unwrap_or_else(|| panic!("{}: the GPU has no kernel", self.says)).launches.len())
    }

    /// Whether the GPU takes it.
    pub fn is_taken(&self) -> bool {
        gpu().is_some_and(|gpu| self.is_taken_by(gpu))
    }

    /// Whether that GPU takes it; it asks for its pipelines.
    pub fn is_taken_by(&self, gpu: &Gpu) -> bool {
        self.alone.lower(gpu).unwrap().is_some()
    }

    async fn run(&self, gpu: &Gpu) -> Result<Option<Vec<Tensor>>> {
        let Some(placed) = self.alone.place(gpu).await? else { return Ok(None) };
        let recording = placed.record(gpu, 1)?;
        let go_on = || Ok::<(), Error>(());
        gpu.replay(&recording, &go_on).await?;
        gpu.replay(&recording, &go_on).await?;
        placed.outputs(gpu).await.map(Some)
    }

    /// What the CPU makes of it.
    fn expected(&self) -> Result<Vec<Option<Value>>> {
        let inputs: Vec<Option<Value>> =
            self.alone.inputs.iter().cloned().map(|t| t.map(Value::from)).collect();
        eval(&self.alone.op, &inputs, &self.alone.wanted)
    }
}

/// Integers agree to the bit; floats, too, where that is asked for, but for which NaN it is. Else floats agree within `1e-4 · |ref| + 1e-5 · max |ref|`, and a step of their type
/// where that is larger; NaN with NaN, infinity with the same one.
fn agree(expected: View<'_>, got: View<'_>, exactly: bool) -> Result<(), String> {
    if expected.shape() != got.shape() || expected.dtype() != got.dtype() {
        return Err(format!("expected {expected:?}, got {got:?}"));
    }
    // The smallest floats are told apart by their codes.
    if !expected.dtype().is_float() || expected.dtype().bits() < 16 {
        let size = expected.dtype().bits().div_ceil(8);
        let elements = expected.bytes().chunks(size).zip(got.bytes().chunks(size));
        return match elements.enumerate().find(|(_, (a, b))| a != b) {
            Some((i, (a, b))) => Err(format!("element {i}: expected {a:?}, got {b:?} of {expected:?}")),
            None => Ok(()),
        };
    }
    let step = match expected.dtype() {
        DType::F16 => 1e-3,
        DType::BF16 => 8e-3,
        _ => 1e-4,
    };
    let (expected, got) = (expected.to_f32s().unwrap(), got.to_f32s().unwrap());
    let most = expected.iter().filter(|x| x.is_finite()).fold(0f32, |most, x| most.max(x.abs()));
    for (i, (&a, &b)) in expected.iter().zip(&got).enumerate() {
        let fine = match a.is_finite() {
            _ if exactly => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
            true => (a - b).abs() <= step * a.abs() + 1e-5 * most,
            false => a == b || a.is_nan() && b.is_nan(),
        };
        if !fine {
            return Err(format!("element {i} of {}: expected {a}, got {b}", expected.len()));
        }
    }
    Ok(())
}

/// A tensor of that type, from numbers that are repeated until it is full.
pub fn tensor(dtype: DType, shape: &[usize], numbers: &[f32]) -> Tensor {
    let count = shape.iter().product();
    let numbers: Vec<f32> = numbers.iter().copied().cycle().take(count).collect();
    cast(&Tensor::new(shape, &numbers).unwrap(), dtype)
}

/// The same numbers in another type.
pub fn cast(x: &Tensor, dtype: DType) -> Tensor {
    let attrs = [("to".to_string(), Attr::Int(dtype as i64))].into();
    let op = Op::parse(Attrs::new("", "Cast", 21, vec![true], vec![true], attrs)).unwrap();
    let y = eval(&op, &[Some(x.clone().into())], &[true]).unwrap();
    y[0].as_ref().unwrap().tensor().unwrap().clone()
}

/// Numbers between -`most` and `most`, always the same ones.
pub fn random(dtype: DType, shape: &[usize], most: f32) -> Tensor {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let count: usize = shape.iter().product();
    let numbers: Vec<f32> = (0..count).map(|_| next() * most).collect();
    if count == 0 { Tensor::zeros(dtype, shape).unwrap() } else { tensor(dtype, shape, &numbers) }
}

/// A list of integers as an input.
pub fn ints(ints: &[i64]) -> Tensor {
    exact(&[ints.len()], ints)
}

/// Exactly these elements.
pub fn exact<T: Element>(shape: &[usize], elements: &[T]) -> Tensor {
    Tensor::new(shape, elements).unwrap()
}

/// Sizes that no tile and no word divides, and nothing, and one.
pub const SIZES: [&[usize]; 6] = [&[0], &[], &[1], &[3], &[2, 65], &[3, 0, 5]];
