//! A node outside of any graph, for tests and measuring: lowered without sizes, bound with them, and put in its place
//! as the planner would.
//!
//! What a reader would get wrong: memory is noise before anything is written to it. What a kernel is not given, what
//! lies behind the last element, and outputs before they are made must not matter.

use crate::Gpu;
use edgewise_core::device::{
    Binding, Bound, Check, Device, DeviceKernel, Launch, Lowered, Memory, NOTHING_WRONG, Operand, PipelineId,
    Recording, Target, device_bytes,
};
use edgewise_core::graph::{Fact, Infer, Node};
use edgewise_core::ops::{Attr, Attrs, Op};
use edgewise_core::{DType, Dim, Result, Shape, Tensor};

/// An operator and what it is given.
#[derive(Clone)]
pub struct Alone {
    /// The operator.
    pub op: Op,
    /// Its inputs.
    pub inputs: Vec<Option<Tensor>>,
    /// The inputs whose elements are known when it is lowered.
    pub constants: Vec<usize>,
    /// And those that are known when it is bound: the executor asks for them, as sizes follow from them.
    pub asked: Vec<usize>,
    /// Which outputs are wanted.
    pub wanted: Vec<bool>,
    /// The forms in which nodes behind it would wish to have output 0.
    pub wished: Vec<u64>,
}

/// What is known of inputs or outputs.
type Facts = Vec<Option<Fact>>;

impl Alone {
    /// That operator, of which so many outputs are wanted.
    pub fn new(op: Op, inputs: &[Option<Tensor>], outputs: usize) -> Alone {
        let (inputs, wanted) = (inputs.to_vec(), vec![true; outputs]);
        Alone { op, inputs, constants: Vec::new(), asked: Vec::new(), wanted, wished: Vec::new() }
    }

    /// The operator of that name.
    pub fn of(
        (domain, name, version): (&str, &str, i64),
        attrs: &[(&str, Attr)],
        inputs: &[Option<Tensor>],
        outputs: usize,
    ) -> Result<Alone> {
        let attrs = attrs.iter().map(|(name, attr)| (name.to_string(), attr.clone())).collect();
        let present = inputs.iter().map(Option::is_some).collect();
        let op = Op::parse(Attrs::new(domain, name, version, present, vec![true; outputs], attrs))?;
        Ok(Alone::new(op, inputs, outputs))
    }

    /// The GPU's kernel, where it has one.
    pub fn lower(&self, gpu: &Gpu) -> Result<Option<Box<dyn DeviceKernel>>> {
        // Where symbols cannot tell the rank of an output, numbers do.
        let (inputs, outputs) = self.facts(false)?;
        let (inputs, outputs) = (references(&inputs), references(&outputs));
        gpu.lower(&Lowered { node: &self.node(), inputs: &inputs, outputs: &outputs, wished: &self.wished })
    }

    /// What the GPU has to launch, if it has a kernel, with memory for all that it takes.
    pub async fn place(&self, gpu: &Gpu) -> Result<Option<Placed>> {
        let Some(kernel) = self.lower(gpu)? else { return Ok(None) };
        let (inputs, outputs) = self.facts(true)?;
        let (facts, out_facts) = (references(&inputs), references(&outputs));
        let bound = kernel.bind(&Binding { inputs: &facts, outputs: &out_facts, word: 1 })?;
        let launched: Vec<PipelineId> = bound.launches.iter().map(|launch| launch.pipeline).collect();
        gpu.prepare(&launched).await?;
        let unread = |i: usize| kernel.packed().contains(&i) || kernel.on_host().contains(&i);
        let mut slots = Vec::new();
        for (i, tensor) in self.inputs.iter().enumerate() {
            let tensor = tensor.as_ref().filter(|_| !unread(i));
            let bytes = tensor.map_or(&[][..], |tensor| tensor.view().bytes());
            let memory = noise(gpu, 0xa5, device_bytes(bytes.len()))?;
            gpu.write(&memory, bytes)?;
            slots.push(memory);
        }
        let mut made = Vec::new();
        for fact in &outputs {
            let (dtype, shape) = sizes(fact.as_ref())?;
            let bytes = dtype.bytes_for(shape.iter().product());
            let bytes = bytes.ok_or_else(|| err!(LimitExceeded, "{dtype}{shape:?} is too large"))?;
            let memory = noise(gpu, 0x5a, device_bytes(bytes))?;
            slots.push(memory.clone());
            made.push(Output { dtype, shape, bytes, memory });
        }
        for &scratch in &bound.scratch {
            slots.push(noise(gpu, 0x5a, scratch)?);
        }
        // The first word is another node's.
        let words = 1 + bound.checks.len();
        let status = gpu.allocate(device_bytes(4 * words), "a status")?;
        gpu.write(&status, &NOTHING_WRONG.to_le_bytes().repeat(words))?;
        let (launches, checks) = self.aim(bound, outputs.len(), &status);
        Ok(Some(Placed { launches, slots, checks, status, outputs: made }))
    }

    /// Launches on slots: inputs, outputs, then intermediate results.
    fn aim(&self, bound: Bound, outputs: usize, status: &Memory) -> (Vec<Launch<Target>>, Vec<Check>) {
        let target = |operand: Operand| match operand {
            Operand::Input(i) => Target::Slot(i),
            Operand::Output(i) => Target::Slot(self.inputs.len() + i),
            Operand::Scratch(i) => Target::Slot(self.inputs.len() + outputs + i),
            Operand::Held(memory) => Target::Held(memory),
            Operand::Status => Target::Held(status.clone()),
        };
        let launches = bound.launches.into_iter().map(|launch| {
            let Launch { pipeline, buffers, parameters, groups } = launch;
            let buffers = buffers.into_iter().map(target).collect();
            Launch { pipeline, buffers, parameters, groups }
        });
        (launches.collect(), bound.checks)
    }

    fn node(&self) -> Node {
        let inputs = vec![None; self.inputs.len()];
        let (name, op_name) = ("alone".to_string(), "alone".to_string());
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
        let inputs: Facts = self.inputs.iter().enumerate().map(fact).collect();
        let facts = references(&inputs);
        let mut fresh = 0;
        let mut infer = Infer::new(&facts, self.wanted.len(), &mut fresh);
        self.op.infer(&mut infer)?;
        let mut outputs = infer.finish()?;
        let unwanted = outputs.iter_mut().zip(&self.wanted).filter(|(_, wanted)| !**wanted);
        unwanted.for_each(|(fact, _)| *fact = None);
        Ok((inputs, outputs))
    }
}

/// Launches that can be recorded, on memory of their own.
pub struct Placed {
    /// What is launched.
    pub launches: Vec<Launch<Target>>,
    /// The memory that launches name.
    pub slots: Vec<Memory>,
    checks: Vec<Check>,
    status: Memory,
    outputs: Vec<Output>,
}

struct Output {
    dtype: DType,
    shape: Shape,
    bytes: usize,
    memory: Memory,
}

impl Placed {
    /// All launches, so many times one after the other.
    pub fn record(&self, gpu: &Gpu, times: usize) -> Result<Recording> {
        let launches: Vec<_> = (0..times).flat_map(|_| self.launches.iter().cloned()).collect();
        gpu.record(&launches, &self.slots)
    }

    /// What launches have made, or found wrong. An output that nobody wants has no elements.
    pub async fn outputs(&self, gpu: &Gpu) -> Result<Vec<Tensor>> {
        let mut wanted: Vec<(Memory, usize)> =
            self.outputs.iter().map(|output| (output.memory.clone(), output.bytes)).collect();
        wanted.push((self.status.clone(), 4 * (1 + self.checks.len())));
        let mut came = gpu.read(&wanted, &|| Ok(())).await?;
        let status = came.pop().unwrap_or_default();
        let mut words = status.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word));
        let other = words.next();
        ensure!(
            other == Some(NOTHING_WRONG),
            Internal,
            "a kernel wrote the word of another node: {other:x?}"
        );
        self.checks.iter().zip(words).try_for_each(|(check, word)| check.verdict(word))?;
        let tensor =
            |(output, bytes): (&Output, &Vec<u8>)| Tensor::from_bytes(output.dtype, &output.shape, bytes);
        self.outputs.iter().zip(&came).map(tensor).collect()
    }
}

fn references(facts: &[Option<Fact>]) -> Vec<Option<&Fact>> {
    facts.iter().map(Option::as_ref).collect()
}

/// The type and the sizes of an output; of one that nobody wants, those of nothing.
fn sizes(fact: Option<&Fact>) -> Result<(DType, Shape)> {
    let Some(fact) = fact else { return Ok((DType::U8, Shape::from_slice(&[0]))) };
    let known = fact.dtype().zip(fact.shape());
    known.ok_or_else(|| err!(Internal, "the sizes of an output are not known: {fact:?}"))
}

fn noise(gpu: &Gpu, byte: u8, bytes: u64) -> Result<Memory> {
    let memory = gpu.allocate(bytes, "noise")?;
    gpu.write(&memory, &vec![byte; memory.bytes() as usize])?;
    Ok(memory)
}
