//! The page to read first: load → import → optimize → plan → run.

use crate::clock::Instant;
use crate::cpu::{Pool, RunContext};
use crate::device::Device;
use crate::graph::{Fact, Graph};
use crate::onnx::{self, Model, Source};
use crate::ops::CustomOp;
use crate::optimize::{Coverage, Remark, optimize};
use crate::plan::{Program, load_constants};
use crate::progress::{Progress, Reading, stored_bytes};
use crate::renewal::Renewable;
use crate::run::{self, Cost, Placed, Profile};
use crate::{Breath, Dim, ErrorKind, Kind, Limits, Pause, Result, Value, log};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How to load a model.
#[derive(Clone)]
pub struct Options {
    /// What it may cost.
    pub limits: Limits,
    /// How many threads a run uses.
    pub threads: usize,
    /// Operators that come along with the application.
    pub custom_ops: Vec<Arc<dyn CustomOp>>,
    /// A device that runs what it has kernels for; the host does the rest, and everything where there is none.
    pub device: Option<Arc<dyn Device>>,
    /// Whether the graph is rewritten before it is planned. Then quantized patterns compute in integers, not in
    /// floats; all else gives the same results.
    pub optimize: bool,
    /// Sizes of symbols that the inputs have: from the start they are these numbers, and callers must keep to them.
    /// What the model does not have is left aside.
    pub sizes: BTreeMap<String, usize>,
}

impl Default for Options {
    fn default() -> Options {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        Options {
            limits: Limits::default(),
            threads,
            custom_ops: Vec::new(),
            device: None,
            optimize: true,
            sizes: BTreeMap::new(),
        }
    }
}

/// An input or an output of a model.
#[derive(Clone, Debug)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// What the model says of it.
    pub fact: Fact,
}

/// What a model's file says of itself.
#[derive(Clone, Debug, Default)]
pub struct ModelInfo {
    /// What wrote it.
    pub producer: String,
    /// The operator sets it imports, by domain ("" is ai.onnx).
    pub opsets: Vec<(String, i64)>,
    /// Free-form properties.
    pub metadata: Vec<(String, String)>,
    /// Bytes of its weights.
    pub weight_bytes: u64,
}

/// How to run.
#[derive(Clone, Copy, Default)]
pub struct RunOptions<'a> {
    /// Set it to stop the run at the next check.
    pub cancel: Option<&'a AtomicBool>,
    /// How long the run may take; the session's limit holds as well.
    pub deadline: Option<Duration>,
    /// Where each step's time is written down.
    pub profile: Option<&'a Profile>,
    /// The outputs that are wanted, by name; none given means all.
    pub outputs: Option<&'a [&'a str]>,
    /// Of the outputs, by name, those that stay on the device if that is where they are made. Only
    /// [`Session::run_placed`] can give them.
    pub on_device: &'a [&'a str],
    /// Asked between steps whether others are to have a turn on this thread, and waited for. Only for runs that are
    /// awaited.
    pub breathe: Option<&'a Pause<'a>>,
}

/// A model that is ready to run, by any number of callers at once.
pub struct Session {
    program: Renewable,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    info: ModelInfo,
    remarks: Vec<Remark>,
    limits: Limits,
    pool: Pool,
    runs: AtomicU64,
}

/// What loading makes.
pub(crate) struct Built {
    pub program: Program,
    info: ModelInfo,
    remarks: Vec<Remark>,
}

/// From a source to a program.
pub(crate) async fn build(
    source: Arc<dyn Source>,
    options: &Options,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Built> {
    let name = source.name().to_string();
    let device = match options.device.clone() {
        Some(device) => Some(device.living().await?),
        None => None,
    };
    let Model { mut graph, opsets, producer, metadata, reads } =
        onnx::load(source, &options.limits, &options.custom_ops).await?;
    graph.fix_sizes(&options.sizes);
    let weight_bytes = stored_bytes(&graph);
    let mut reading = Reading::of(weight_bytes, &reads, progress);
    let made = make(graph, options.optimize, device, &mut reading).await;
    // Where a weight could not be read, whatever was made without it is beside the point.
    let (program, remarks) = reads.check().and(made).map_err(|e| e.in_file(&name))?;
    reading.finish();
    let info = ModelInfo { producer, opsets, metadata, weight_bytes };
    Ok(Built { program, info, remarks })
}

/// From a graph to a program. With a device, large weights are read no sooner than it takes them.
async fn make(
    mut graph: Graph,
    optimized: bool,
    device: Option<Arc<dyn Device>>,
    reading: &mut Reading<'_>,
) -> Result<(Program, Vec<Remark>)> {
    load_constants(&graph, device.is_some(), &mut || reading.tell()).await?;
    let remarks = if optimized { optimize(&mut graph, device.is_some())? } else { Vec::new() };
    let program = Program::compile_heard(graph, device, &mut || reading.tell())?;
    program.prepare_heard(&mut |made, of| reading.tell_pipelines(made, of)).await?;
    Ok((program, remarks))
}

impl Session {
    /// Loads a model.
    pub async fn load(
        source: Arc<dyn Source>,
        options: Options,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Session> {
        log::instructions();
        let Built { program, info, remarks } = build(source.clone(), &options, progress).await?;
        let name = source.name();
        let facts = program.facts().map_err(|e| e.in_file(name))?;
        let graph = program.graph();
        let port = |id: &crate::graph::ValueId| {
            let value = &graph.values[id.at()];
            let fact = facts[id.at()].clone().or_else(|| value.declared.clone());
            let fact =
                fact.ok_or_else(|| err!(InvalidModel, "'{}' has no type", value.name).in_file(name))?;
            Ok(Port { name: value.name.clone(), fact })
        };
        let inputs = graph.inputs.iter().map(port).collect::<Result<_>>()?;
        let outputs = graph.outputs.iter().map(port).collect::<Result<_>>()?;
        progress(Progress::Ready);
        Ok(Session {
            inputs,
            outputs,
            info,
            remarks,
            limits: options.limits.clone(),
            pool: Pool::new(options.threads),
            runs: AtomicU64::new(0),
            program: Renewable::new(program, source, options),
        })
    }

    /// Loads a model from a file and waits for it.
    #[cfg(not(target_family = "wasm"))]
    pub fn open(path: impl AsRef<std::path::Path>, options: Options) -> Result<Session> {
        let source: Arc<dyn Source> = Arc::new(onnx::File::open(path)?);
        crate::block_on(Session::load(source, options, &mut |_| {}))
    }

    /// What callers pass in, in order.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// What callers get back, in order.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// What the file says of itself.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// The compiled graph; another one after the device was lost.
    pub fn program(&self) -> Arc<Program> {
        self.program.current()
    }

    /// What of the model computes in integers, and why the rest does not.
    pub fn coverage(&self) -> Result<Coverage> {
        let program = self.program();
        Ok(Coverage::of(program.graph(), &program.facts()?, &self.remarks))
    }

    /// Threads of a run.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// Runs on inputs by name; gives the outputs in the model's order.
    pub fn run(&self, inputs: &[(&str, Value)]) -> Result<Vec<Value>> {
        self.run_with(inputs, &RunOptions::default()).map(|(outputs, _)| outputs)
    }

    /// Runs as the options say; tells the cost too. Where a device is awaited, this waits for it: on the web
    /// that is an error, since a page must never wait; there is [`run_async`](Session::run_async).
    pub fn run_with(&self, inputs: &[(&str, Value)], options: &RunOptions<'_>) -> Result<(Vec<Value>, Cost)> {
        let run = self.run_async(inputs, options);
        #[cfg(not(target_family = "wasm"))]
        return crate::block_on(run);
        #[cfg(target_family = "wasm")]
        run::at_once(run)
    }

    /// Runs as the options say; tells the cost too. Where the device is lost on the way, the model is loaded onto it
    /// again and the run repeated, once.
    pub async fn run_async(
        &self,
        inputs: &[(&str, Value)],
        options: &RunOptions<'_>,
    ) -> Result<(Vec<Value>, Cost)> {
        let inputs = inputs.iter().map(|(name, value)| (*name, Placed::Host(value.clone()))).collect();
        let (outputs, cost) = self.run_placed(inputs, &RunOptions { on_device: &[], ..*options }).await?;
        Ok((outputs.into_iter().map(Placed::value).collect::<Result<_>>()?, cost))
    }

    /// The same with inputs that may lie on the session's device, and outputs that may [stay](RunOptions::on_device)
    /// there. What lies there already goes through no host; where the device is lost, it is lost with it.
    pub async fn run_placed(
        &self,
        inputs: Vec<(&str, Placed)>,
        options: &RunOptions<'_>,
    ) -> Result<(Vec<Placed>, Cost)> {
        let wanted = self.wanted(options.outputs)?;
        let kept = self.wanted(Some(options.on_device))?.unwrap_or_default();
        let (outputs, cost) = self.run_carrying(inputs, &kept, options).await?;
        Ok(match wanted {
            None => (outputs, cost),
            Some(wanted) => (wanted.into_iter().map(|i| outputs[i].clone()).collect(), cost),
        })
    }

    /// Runs on inputs by name, which may lie on the device; gives all outputs, of which those that are `kept` stay
    /// there if that is where they are made.
    pub(crate) async fn run_carrying(
        &self,
        inputs: Vec<(&str, Placed)>,
        kept: &[usize],
        options: &RunOptions<'_>,
    ) -> Result<(Vec<Placed>, Cost)> {
        let inputs = self.arrange(&inputs)?;
        let kept = |program: &Program| {
            let outputs = &program.graph().outputs;
            kept.iter().filter_map(|&i| outputs.get(i).copied()).collect()
        };
        let never = AtomicBool::new(false);
        let allowed = match (options.deadline, self.limits.deadline) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let cx = RunContext {
            pool: &self.pool,
            cancel: options.cancel.unwrap_or(&never),
            deadline: allowed.map(|d| Instant::now() + d),
            max_bytes: self.limits.max_run_bytes,
            seed: AtomicU64::new(run.wrapping_mul(0x2545_f491_4f6c_dd1d)),
            profile: options.profile,
            breath: Breath::new(options.breathe),
        };
        let program = self.program();
        for (port, input) in self.inputs.iter().zip(&inputs) {
            let Placed::Device(tensor) = input else { continue };
            let Some(placement) = program.placement() else {
                bail!(InvalidInput, "'{}' lies on a device, and the session runs on the host", port.name);
            };
            let is_own = Arc::ptr_eq(placement.device(), &tensor.device);
            ensure!(is_own, DeviceLost, "'{}' lies on another device, or on one that was lost", port.name);
        }
        // What lies on a device is lost with it.
        let stays = program.placement().is_some() && inputs.iter().all(Placed::is_on_host);
        let again = stays.then(|| inputs.clone());
        match (run::run_carrying(&program, inputs, kept(&program), &cx).await, again) {
            (Err(e), Some(inputs)) if e.kind() == ErrorKind::DeviceLost => {
                self.program.renew(&program, e).await?;
                let program = self.program();
                run::run_carrying(&program, inputs, kept(&program), &cx).await
            }
            (result, _) => result,
        }
    }

    /// The inputs in the model's order, checked: none missing, none extra, types, ranks and sizes as declared.
    fn arrange(&self, given: &[(&str, Placed)]) -> Result<Vec<Placed>> {
        let names = || self.inputs.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
        for (i, (name, _)) in given.iter().enumerate() {
            let known = self.inputs.iter().any(|p| p.name == *name);
            ensure!(known, InvalidInput, "the model has no input '{name}'; it has {}", names());
            let twice = given[..i].iter().any(|(other, _)| other == name);
            ensure!(!twice, InvalidInput, "input '{name}' is given twice");
        }
        let mut symbols = BTreeMap::new();
        self.inputs
            .iter()
            .map(|port| match given.iter().find(|(name, _)| *name == port.name) {
                Some((_, value)) => port.check(value, &mut symbols).map(|()| value.clone()),
                None => Err(err!(InvalidInput, "input '{}' ({}) is missing", port.name, port.fact)),
            })
            .collect()
    }

    pub(crate) fn wanted(&self, names: Option<&[&str]>) -> Result<Option<Vec<usize>>> {
        let Some(names) = names else { return Ok(None) };
        let position = |name: &&str| {
            let at = self.outputs.iter().position(|p| p.name == **name);
            at.ok_or_else(|| err!(InvalidInput, "the model has no output '{name}'"))
        };
        names.iter().map(position).collect::<Result<Vec<_>>>().map(Some)
    }
}

impl Port {
    /// Holds a value against what the model declares; `symbols` remembers what each symbol turned out to be.
    fn check(&self, value: &Placed, symbols: &mut BTreeMap<String, (i64, String)>) -> Result<()> {
        let (name, kind) = (&self.name, value.kind());
        // A model may take an optional where the caller has the plain value.
        let wrapped = matches!(&self.fact.kind, Kind::Optional(inner) if **inner == kind);
        ensure!(
            kind == self.fact.kind || wrapped,
            InvalidInput,
            "input '{name}' must be {}, got {kind}",
            self.fact.kind
        );
        let (Some(dims), Some(shape)) = (&self.fact.dims, value.shape()) else { return Ok(()) };
        ensure!(
            shape.len() == dims.len(),
            InvalidInput,
            "input '{name}' must be {}, got {kind}{shape:?}",
            self.fact
        );
        for (axis, (dim, &size)) in dims.iter().zip(shape).enumerate() {
            let size = size as i64;
            match dim.known() {
                Some(n) => ensure!(
                    n == size,
                    InvalidInput,
                    "input '{name}' must be {}, got {kind}{shape:?}: axis {axis} must be {n}",
                    self.fact
                ),
                None => {
                    let symbol = dim.to_string();
                    let (n, first) = symbols.entry(symbol.clone()).or_insert((size, name.clone()));
                    ensure!(
                        *n == size,
                        InvalidInput,
                        "input '{name}' has {size} on axis {axis}, but '{symbol}' is {n} in input '{first}'"
                    );
                }
            }
        }
        Ok(())
    }

    /// The shape, with every symbol given a value.
    pub fn shape(&self, symbols: &dyn Fn(&str) -> Option<i64>) -> Option<Vec<usize>> {
        let size = |dim: &Dim| usize::try_from(dim.eval(symbols)?).ok();
        self.fact.dims.as_ref()?.iter().map(size).collect()
    }
}
