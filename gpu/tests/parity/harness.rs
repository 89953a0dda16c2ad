//! Runs one operator on both, as the planner would: lowered without sizes, bound with them, recorded, replayed
//! twice, read.

#[cfg(not(target_family = "wasm"))]
use edgewise_core::block_on;
use edgewise_core::cpu::eval;
use edgewise_core::device::{
    Binding, Device, Launch, Lowered, Memory, NOTHING_WRONG, Operand, Target, device_bytes,
};
use edgewise_core::graph::{Fact, Infer, Node};
use edgewise_core::ops::{Attr, Attrs, Op};
use edgewise_core::{DType, Dim, Element, Error, ErrorKind, Result, Tensor, Value, View};
use edgewise_gpu::Gpu;

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

/// What is known of inputs or outputs.
type Facts = Vec<Option<Fact>>;

/// One operator on some inputs.
#[derive(Clone)]
pub struct Case {
    op: Op,
    inputs: Vec<Option<Tensor>>,
    /// The inputs whose elements are known when it is lowered.
    constants: Vec<usize>,
    /// And those that are known when it is bound: the executor asks for them, as sizes follow from them.
    asked: Vec<usize>,
    /// Which outputs are wanted.
    wanted: Vec<bool>,
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
        let named = attrs.iter().map(|(name, attr)| (name.to_string(), attr.clone())).collect();
        let present = inputs.iter().map(Option::is_some).collect();
        let parsed = Op::parse(Attrs::new(domain, name, version, present, vec![true; outputs], named));
        let says = format!("{name} {inputs:?} {attrs:?}");
        let op = parsed.unwrap_or_else(|e| panic!("{says}: {e}"));
        Case {
            op,
            inputs: inputs.to_vec(),
            constants: Vec::new(),
            asked: Vec::new(),
            wanted: vec![true; outputs],
            exactly: false,
            says,
        }
    }

    /// An operator that no attributes say.
    pub fn rewritten(op: Op, inputs: &[Option<Tensor>]) -> Case {
        let says = format!("{op:?} {inputs:?}");
        let (constants, asked) = (Vec::new(), Vec::new());
        Case { op, inputs: inputs.to_vec(), constants, asked, wanted: vec![true], exactly: false, says }
    }

    /// The same with the elements of those inputs known.
    pub fn knowing(mut self, constants: &[usize]) -> Case {
        self.constants = constants.to_vec();
        self
    }

    /// The same with the elements of those inputs known when sizes are.
    pub fn asking(mut self, asked: &[usize]) -> Case {
        self.asked = asked.to_vec();
        self
    }

    /// The same where nobody wants any outputs but those.
    pub fn wanting(mut self, outputs: &[usize]) -> Case {
        self.wanted.iter_mut().enumerate().for_each(|(i, wanted)| *wanted = outputs.contains(&i));
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
        let inputs: Vec<Option<Value>> = self.inputs.iter().cloned().map(|t| t.map(Value::from)).collect();
        let expected = eval(&self.op, &inputs, &self.wanted).expect_err(&self.says);
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
        let inputs: Vec<Option<Value>> = self.inputs.iter().cloned().map(|t| t.map(Value::from)).collect();
        let expected = eval(&self.op, &inputs, &self.wanted).map_err(|e| says(format!(": {e}")))?;
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

    /// Whether the GPU takes it.
    pub fn is_taken(&self) -> bool {
        gpu().is_some_and(|gpu| self.is_taken_by(gpu))
    }

    /// Whether that GPU takes it; it asks for its pipelines.
    pub fn is_taken_by(&self, gpu: &Gpu) -> bool {
        let (inputs, outputs) = self.facts(false).unwrap();
        let (inputs, outputs) = (references(&inputs), references(&outputs));
        gpu.lower(&Lowered { node: &self.node(), inputs: &inputs, outputs: &outputs }).unwrap().is_some()
    }

    fn node(&self) -> Node {
        let inputs = vec![None; self.inputs.len()];
        let (name, op_name) = ("case".to_string(), "case".to_string());
        Node { name, op: self.op.clone(), op_name, inputs, outputs: vec![None; self.wanted.len()] }
    }

    /// What is known of inputs and outputs: with sizes when kernels are bound, with symbols when nodes are lowered.
    fn facts(&self, sized: bool) -> Result<(Facts, Facts)> {
        let fact = |(i, tensor): (usize, &Option<Tensor>)| {
            let tensor = tensor.as_ref()?;
            if self.constants.contains(&i) || sized && self.asked.contains(&i) {
                return Some(Fact::constant(tensor.clone()));
            }
            let symbol = |(axis, &d): (usize, &usize)| match sized {
                true => Dim::from(d),
                // A size of 1 broadcasts, and a symbol that turns out to be 1 does not say so.
                false if d == 1 => Dim::from(1),
                false => Dim::symbol(&format!("s{i}_{axis}")),
            };
            Some(Fact::tensor(tensor.dtype(), tensor.shape().iter().enumerate().map(symbol)))
        };
        let inputs: Vec<Option<Fact>> = self.inputs.iter().enumerate().map(fact).collect();
        let facts = references(&inputs);
        let mut fresh = 0;
        let mut infer = Infer::new(&facts, self.wanted.len(), &mut fresh);
        self.op.infer(&mut infer)?;
        let mut outputs = infer.finish()?;
        outputs
            .iter_mut()
            .zip(&self.wanted)
            .filter(|(_, wanted)| !**wanted)
            .for_each(|(fact, _)| *fact = None);
        Ok((inputs, outputs))
    }

    async fn run(&self, gpu: &Gpu) -> Result<Option<Vec<Tensor>>> {
        // Where symbols cannot tell the rank of an output, numbers do.
        let (inputs, outputs) = self.facts(false)?;
        let (sized_inputs, sized_outputs) = self.facts(true)?;
        let (facts, out_facts) = (references(&inputs), references(&outputs));
        let node = self.node();
        let kernel = gpu.lower(&Lowered { node: &node, inputs: &facts, outputs: &out_facts })?;
        let Some(kernel) = kernel else { return Ok(None) };
        gpu.prepare().await?;

        let (facts, out_facts) = (references(&sized_inputs), references(&sized_outputs));
        let bound = kernel.bind(&Binding { inputs: &facts, outputs: &out_facts, word: 1 })?;
        let status = gpu.allocate(8, "a status")?;
        gpu.write(&status, &NOTHING_WRONG.to_le_bytes().repeat(2))?;
        let mut slots: Vec<Memory> = Vec::new();
        for (i, tensor) in self.inputs.iter().enumerate() {
            let tensor =
                tensor.as_ref().filter(|_| !kernel.packed().contains(&i) && !kernel.on_host().contains(&i));
            let bytes = tensor.map_or(&[][..], |tensor| tensor.view().bytes());
            let memory = gpu.allocate(device_bytes(bytes.len()), "an input")?;
            // What a kernel is not given, and what lies behind the last element, is noise.
            gpu.write(&memory, &vec![0xa5; memory.bytes() as usize])?;
            gpu.write(&memory, bytes)?;
            slots.push(memory);
        }
        let shape = |fact: &Option<Fact>| match fact {
            Some(fact) => (fact.dtype().unwrap(), fact.shape().expect("sizes are known").to_vec()),
            None => (DType::U8, vec![0]),
        };
        let shapes: Vec<(DType, Vec<usize>)> = sized_outputs.iter().map(shape).collect();
        let mut bytes = Vec::new();
        for (dtype, shape) in &shapes {
            let count = dtype.bytes_for(shape.iter().product()).unwrap();
            bytes.push(count);
            slots.push(noise(gpu, device_bytes(count))?);
        }
        for &scratch in &bound.scratch {
            slots.push(noise(gpu, scratch)?);
        }
        let (outputs_at, scratch_at) = (self.inputs.len(), self.inputs.len() + shapes.len());
        let target = |operand: &Operand| match operand {
            Operand::Input(i) => Target::Slot(*i),
            Operand::Output(i) => Target::Slot(outputs_at + i),
            Operand::Scratch(i) => Target::Slot(scratch_at + i),
            Operand::Held(memory) => Target::Held(memory.clone()),
            Operand::Status(_) => Target::Held(status.clone()),
        };
        let launch = |launch: &Launch<Operand>| Launch {
            pipeline: launch.pipeline,
            buffers: launch.buffers.iter().map(target).collect(),
            parameters: launch.parameters.clone(),
            groups: launch.groups,
        };
        let launches: Vec<Launch<Target>> = bound.launches.iter().map(launch).collect();
        let recording = gpu.record(&launches, &slots)?;
        let go_on = || Ok::<(), Error>(());
        gpu.replay(&recording, &go_on).await?;
        gpu.replay(&recording, &go_on).await?;
        let mut wanted: Vec<(Memory, usize)> =
            bytes.iter().enumerate().map(|(i, &count)| (slots[outputs_at + i].clone(), count)).collect();
        wanted.push((status, 8));
        let mut read = gpu.read(&wanted, &go_on).await?;
        let words = read.pop().unwrap();
        let words: Vec<u32> = words.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        assert_eq!(words[0], NOTHING_WRONG, "{}: the word of another node", self.says);
        for operand in bound.launches.iter().flat_map(|launch| &launch.buffers) {
            if let Operand::Status(check) = operand {
                check.verdict(words[1])?;
            }
        }
        let tensors =
            shapes.iter().zip(&read).map(|((dtype, shape), bytes)| Tensor::from_bytes(*dtype, shape, bytes));
        tensors.collect::<Result<Vec<Tensor>>>().map(Some)
    }
}

fn references(facts: &[Option<Fact>]) -> Vec<Option<&Fact>> {
    facts.iter().map(Option::as_ref).collect()
}

fn noise(gpu: &Gpu, bytes: u64) -> Result<Memory> {
    let memory = gpu.allocate(bytes, "noise")?;
    gpu.write(&memory, &vec![0x5a; memory.bytes() as usize])?;
    Ok(memory)
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
