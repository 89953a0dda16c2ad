//! A device that is none: it keeps its memory on the host and computes by the host's own kernels.
//!
//! So a graph that is spread over the host and it must give what the host gives alone, whatever the nodes are
//! that it takes.

use edgewise_core::cpu;
use edgewise_core::device::{
    Binding, Bound, Device, DeviceKernel, Launch, Lowered, Memory, Operand, PipelineId, Recording, Target,
};
use edgewise_core::graph::Fact;
use edgewise_core::ops::Op;
use edgewise_core::{BoxFuture, Buffer, DType, Error, ErrorKind, Result, Shape, Tensor, Value};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Takes a node where the bit of its position among those that it is asked for is set.
pub struct Pretend {
    takes: u64,
    asked: Mutex<u32>,
    jobs: Arc<Mutex<Vec<Job>>>,
}

/// One node with sizes.
#[derive(Clone)]
struct Job {
    op: Op,
    /// Those that are there.
    inputs: Vec<Option<(DType, Shape)>>,
    /// Those that are wanted.
    outputs: Vec<Option<(DType, Shape)>>,
}

struct Kernel {
    op: Op,
    jobs: Arc<Mutex<Vec<Job>>>,
}

type Bytes = Mutex<Vec<u8>>;

impl Pretend {
    /// A device that takes those nodes.
    pub fn new(takes: u64) -> Pretend {
        Pretend { takes, asked: Mutex::default(), jobs: Arc::default() }
    }
}

impl Device for Pretend {
    fn name(&self) -> &str {
        "pretend"
    }

    fn lower(&self, node: &Lowered<'_>) -> Result<Option<Box<dyn DeviceKernel>>> {
        let mut asked = lock(&self.asked);
        let takes = self.takes >> (*asked % 64) & 1 == 1;
        *asked += 1;
        let plain = |fact: &&Fact| fact.dtype().is_some_and(|d| d != DType::Str);
        let inputs = node.inputs.iter().flatten().all(plain);
        // A size that only the data tells is the host's to find.
        let sized = |fact: &&Fact| fact.dims.iter().flatten().all(|dim| !dim.to_string().contains('?'));
        let outputs =
            node.outputs.iter().flatten().all(|fact| plain(fact) && fact.dims.is_some() && sized(fact));
        let kernel = || Kernel { op: node.node.op.clone(), jobs: self.jobs.clone() };
        Ok((takes && inputs && outputs).then(|| Box::new(kernel()) as Box<dyn DeviceKernel>))
    }

    fn prepare<'a>(&'a self, _: &'a [PipelineId]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn allocate(&self, bytes: u64, _: &str) -> Result<Memory> {
        // What nobody wrote must not matter.
        Ok(Memory::new(bytes, Arc::new(Bytes::new(vec![0xA5; bytes as usize]))))
    }

    fn write(&self, to: &Memory, bytes: &[u8]) -> Result<()> {
        lock(of(to)?)[..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn join(&self, parts: &[(Memory, Range<u64>)], to: &Memory) -> Result<()> {
        let mut joined = Vec::new();
        for (from, range) in parts {
            joined.extend_from_slice(&lock(of(from)?)[range.start as usize..range.end as usize]);
        }
        self.write(to, &joined)
    }

    fn record(&self, launches: &[Launch<Target>], slots: &[Memory]) -> Result<Recording> {
        let memory = |target: &Target| match target {
            Target::Slot(slot) => Ok(slots[*slot].clone()),
            Target::Held(memory) => Ok(memory.clone()),
            Target::Status => Err(internal("a kernel of the host stops a run by itself")),
        };
        let ready = |launch: &Launch<Target>| {
            let job = lock(&self.jobs)[launch.pipeline.0 as usize].clone();
            Ok((job, launch.buffers.iter().map(memory).collect::<Result<Vec<Memory>>>()?))
        };
        Ok(Box::new(launches.iter().map(ready).collect::<Result<Vec<_>>>()?))
    }

    fn replay<'a>(
        &'a self,
        recording: &'a Recording,
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let launches = recording.downcast_ref::<Vec<(Job, Vec<Memory>)>>();
            for (job, memories) in launches.ok_or_else(|| internal("another device's recording"))? {
                check()?;
                job.run(memories)?;
            }
            Ok(())
        })
    }

    fn read<'a>(
        &'a self,
        from: &'a [(Memory, usize)],
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<Vec<Vec<u8>>>> {
        Box::pin(async move {
            check()?;
            from.iter().map(|(memory, bytes)| Ok(lock(of(memory)?)[..*bytes].to_vec())).collect()
        })
    }

    fn living(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Device>>> {
        Box::pin(async { Ok(self as Arc<dyn Device>) })
    }
}

impl DeviceKernel for Kernel {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let sizes = |facts: &[Option<&Fact>]| -> Vec<Option<(DType, Shape)>> {
            facts.iter().map(|fact| fact.and_then(|f| Some((f.dtype()?, f.shape()?)))).collect()
        };
        let job = Job { op: self.op.clone(), inputs: sizes(cx.inputs), outputs: sizes(cx.outputs) };
        let there = |sizes: &[Option<(DType, Shape)>]| -> Vec<usize> {
            (0..sizes.len()).filter(|&i| sizes[i].is_some()).collect()
        };
        let buffers = there(&job.inputs).into_iter().map(Operand::Input);
        let buffers = buffers.chain(there(&job.outputs).into_iter().map(Operand::Output)).collect();
        let mut jobs = lock(&self.jobs);
        jobs.push(job);
        let pipeline = PipelineId(jobs.len() as u32 - 1);
        Ok(Bound::one(Launch { pipeline, buffers, parameters: Vec::new(), groups: [1; 3] }))
    }
}

impl Job {
    fn run(&self, memories: &[Memory]) -> Result<()> {
        let mut memories = memories.iter();
        let mut next = || memories.next().ok_or_else(|| internal("a buffer is missing"));
        let mut inputs = Vec::new();
        for input in &self.inputs {
            inputs.push(match input {
                None => None,
                Some((dtype, shape)) => {
                    let mut tensor = Tensor::zeros(*dtype, shape)?;
                    let bytes = tensor.view().bytes().len();
                    let read = Buffer::copy_of(&lock(of(next()?)?)[..bytes])?;
                    tensor = Tensor::from_buffer(*dtype, shape, read)?;
                    Some(Value::from(tensor))
                }
            });
        }
        let wanted: Vec<bool> = self.outputs.iter().map(Option::is_some).collect();
        for result in cpu::eval(&self.op, &inputs, &wanted)?.into_iter().flatten() {
            let tensor = result.tensor()?;
            let bytes = tensor.view().bytes();
            lock(of(next()?)?)[..bytes.len()].copy_from_slice(bytes);
        }
        Ok(())
    }
}

fn of(memory: &Memory) -> Result<&Bytes> {
    memory.of_device().downcast_ref::<Bytes>().ok_or_else(|| internal("another device's memory"))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn internal(what: &str) -> Error {
    Error::new(ErrorKind::Internal, what)
}
