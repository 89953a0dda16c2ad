//! `edgewise inspect`: what a model is, what it needs, and what of it is not supported.
//!
//! A survey of the file comes first, since it also works for models that cannot run; loading and planning
//! add what they find, or why they failed.

use super::dims::{Dims, DimsArgs};
use super::inside::{Inside, Share};
use super::model::{DeviceArgs, ModelArgs};
use super::{Verdict, show};
use anyhow::Result;
use edgewise::graph::{Constant, Graph, Node, ValueInfo, constant_fact};
use edgewise::ops::Op;
use edgewise::optimize::Arithmetic;
use edgewise::plan::{Home, Segment, Stop};
use edgewise::{DType, Port, Session, block_on, onnx};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// How many weights are named; the JSON object has all of them.
const NAMES: usize = 4;

/// Show a model's inputs, outputs, operators, quantization, memory, and what is not supported
#[derive(clap::Args)]
#[command(after_help = "Examples:
  edgewise inspect digits
  edgewise inspect model.onnx --dims batch=8,seq=128 --plan")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    dims: DimsArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// Print the steps of the plan, too
    #[arg(long)]
    plan: bool,
    /// Name every node of a quantized model that stays float, and why
    #[arg(long)]
    verbose: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    producer: String,
    opsets: BTreeMap<String, i64>,
    operators: BTreeMap<String, usize>,
    weights: BTreeMap<String, Weights>,
    quantization: Quantization,
    unsupported: Vec<Missing>,
    /// What the executor makes of it; left out where it cannot be loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<Program>,
    /// Why it cannot be loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Weights of one element type.
#[derive(Default, Serialize)]
struct Weights {
    tensors: usize,
    bytes: u64,
}

#[derive(Serialize)]
struct Quantization {
    /// `none`, `qdq`, `integer operators`, `block weights`, or several of them.
    kind: String,
    /// Weights of at most 8 bits: name and type.
    weights: BTreeMap<String, String>,
    /// Nodes that quantize or dequantize.
    conversions: BTreeMap<String, usize>,
    /// Nodes that compute in integers.
    integer_operators: BTreeMap<String, usize>,
    /// Nodes whose weights are packed in blocks.
    block_operators: BTreeMap<String, usize>,
}

/// An operator that is not supported.
#[derive(Serialize)]
struct Missing {
    operator: String,
    nodes: usize,
    /// At the first of them.
    why: String,
}

#[derive(Serialize)]
struct Program {
    inputs: Vec<PortReport>,
    outputs: Vec<PortReport>,
    dims: BTreeMap<String, i64>,
    /// Nodes after optimization, by where they run.
    placement: BTreeMap<String, usize>,
    /// What goes on between the host and a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<OnDevice>,
    computes: Computes,
    memory: Memory,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
}

/// Where a device takes part: what it is asked for, and what it is not.
#[derive(Serialize)]
struct OnDevice {
    name: String,
    #[serde(flatten)]
    share: Share,
    /// Of its buffers for intermediate results.
    buffer_bytes: u64,
    /// The graphs of the node that the plan ends behind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inside: Vec<Inside>,
}

#[derive(Serialize)]
struct PortReport {
    name: String,
    r#type: String,
}

/// What of a quantized model computes in integers, after optimization.
#[derive(Serialize)]
struct Computes {
    /// `float`, `mixed`, or `integer`: then it gives the same bits everywhere.
    arithmetic: &'static str,
    /// Nodes that take integers.
    integer: BTreeMap<String, usize>,
    /// Nodes that convert.
    conversions: BTreeMap<String, usize>,
    /// Nodes between quantized tensors that are float.
    float: BTreeMap<String, usize>,
    /// Each of these.
    stays_float: Vec<Stays>,
    #[serde(skip)]
    verbose: bool,
}

/// A node that stays float.
#[derive(Serialize)]
struct Stays {
    node: String,
    operator: String,
    why: String,
}

#[derive(Serialize)]
struct Memory {
    weight_bytes: u64,
    /// Of intermediate results, as they are laid out.
    arena_bytes: usize,
    /// The most that is alive at once.
    live_bytes: usize,
    /// Where planning cannot go on before the data are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<String>,
}

pub fn main(args: &Args) -> Result<Verdict> {
    let found = args.model.find()?;
    let options = args.device.options()?;
    let survey = onnx::survey(found.source.clone(), &options.limits, &options.custom_ops);
    let (model, unsupported) = block_on(survey)?;
    let mut report = Report {
        model: found.name.clone(),
        variant: found.variant.clone(),
        producer: model.producer,
        opsets: model.opsets.into_iter().map(|(name, version)| (shown_domain(name), version)).collect(),
        operators: BTreeMap::new(),
        weights: BTreeMap::new(),
        quantization: Quantization::of(&model.graph),
        unsupported: missing(&unsupported),
        program: None,
        error: None,
    };
    walk(&model.graph, &mut |graph| {
        graph.nodes.iter().for_each(|n| *report.operators.entry(n.op_name.clone()).or_default() += 1);
        count_weights(graph, &mut report.weights);
    });
    // The survey's graph may hold gigabytes that loading is about to read again.
    drop(model.graph);
    if unsupported.is_empty() {
        match found.load(options) {
            Ok(session) => report.program = Some(program(args, &session)?),
            Err(e) => report.error = Some(format!("{e:#}")),
        }
    }
    super::print(args.json, &report, || report.text())?;
    Ok(if report.program.is_some() { Verdict::Passed } else { Verdict::Failed })
}

fn shown_domain(name: String) -> String {
    if name.is_empty() { "ai.onnx".into() } else { name }
}

/// Every graph, those inside of nodes included.
fn walk(graph: &Graph, see: &mut dyn FnMut(&Graph)) {
    see(graph);
    graph.nodes.iter().flat_map(|node| node.op.graphs()).for_each(|inner| walk(inner, see));
}

fn count_weights(graph: &Graph, weights: &mut BTreeMap<String, Weights>) {
    for (dtype, bytes) in graph.values.iter().filter_map(|v| v.constant.as_ref()).map(size) {
        let sum = weights.entry(dtype.to_string()).or_default();
        sum.tensors += 1;
        sum.bytes += bytes;
    }
}

fn size(constant: &Constant) -> (DType, u64) {
    (constant.dtype(), constant.bytes() as u64)
}

/// Bytes of all constants of a graph and of the graphs in it.
pub fn weight_bytes(graph: &Graph) -> u64 {
    let mut sum = 0;
    walk(graph, &mut |graph| {
        sum += graph.values.iter().filter_map(|v| v.constant.as_ref()).map(|c| size(c).1).sum::<u64>();
    });
    sum
}

fn missing(unsupported: &[onnx::Unsupported]) -> Vec<Missing> {
    let mut by_operator: BTreeMap<&str, Missing> = BTreeMap::new();
    for node in unsupported {
        let first = || Missing { operator: node.op.clone(), nodes: 0, why: node.why.clone() };
        by_operator.entry(&node.op).or_insert_with(first).nodes += 1;
    }
    by_operator.into_values().collect()
}

impl Quantization {
    fn of(graph: &Graph) -> Quantization {
        let mut found = Quantization {
            kind: String::new(),
            weights: BTreeMap::new(),
            conversions: BTreeMap::new(),
            integer_operators: BTreeMap::new(),
            block_operators: BTreeMap::new(),
        };
        walk(graph, &mut |graph| found.look(graph));
        let kinds = [
            ("qdq", found.conversions.contains_key("DequantizeLinear")),
            ("integer operators", !found.integer_operators.is_empty()),
            ("block weights", !found.block_operators.is_empty()),
        ];
        let kinds: Vec<&str> = kinds.into_iter().filter(|(_, there)| *there).map(|(kind, _)| kind).collect();
        found.kind = if kinds.is_empty() { "none".into() } else { kinds.join(", ") };
        found
    }

    fn look(&mut self, graph: &Graph) {
        for node in &graph.nodes {
            let name = node.op_name.rsplit('.').next().unwrap_or_default();
            let counts = match name {
                "QuantizeLinear" | "DequantizeLinear" | "DynamicQuantizeLinear" => &mut self.conversions,
                _ if name.starts_with("QLinear") || name.ends_with("Integer") => &mut self.integer_operators,
                "QGemm"
                | "QAttention"
                | "MatMulIntegerToFloat"
                | "DynamicQuantizeMatMul"
                | "DynamicQuantizeLSTM" => &mut self.integer_operators,
                "MatMulNBits" | "GatherBlockQuantized" | "MatMulBnb4" | "QMoE" => &mut self.block_operators,
                _ => continue,
            };
            *counts.entry(node.op_name.clone()).or_default() += 1;
            let weights = node.inputs.iter().flatten().filter_map(|id| weight(node, &graph.values[id.at()]));
            self.weights.extend(weights);
        }
    }
}

/// The name and the type of a quantized weight; scales and zero points are none.
fn weight(node: &Node, value: &ValueInfo) -> Option<(String, String)> {
    let fact = constant_fact(value.constant.as_ref()?);
    let (dtype, shape) = (fact.dtype()?, fact.shape()?);
    if dtype.bits() > 8 || !(dtype.is_integer() || dtype.is_float()) || shape.len() < 2 {
        return None;
    }
    let kind = match &node.op {
        Op::MatMulNBits(op) => format!("{}-bit in blocks of {}", op.bits, op.block),
        _ => dtype.to_string(),
    };
    Some((value.name.clone(), kind))
}

fn program(args: &Args, session: &Session) -> Result<Program> {
    let dims = args.dims.of(session)?;
    let segment = first_segment(session, &dims)?;
    let program = session.program();
    let nodes = &program.graph().nodes;
    let ends_at = (segment.stop != Stop::End).then(|| {
        // The node that asks has not run; the one whose outputs are looked at has.
        let at = if segment.stop == Stop::Look { segment.end.saturating_sub(1) } else { segment.end };
        nodes.get(at).map(|n| format!("{} ({})", n.name, n.op_name)).unwrap_or_default()
    });
    let device = OnDevice::of(&program, &segment)?;
    let mut plan = segment.text(&program);
    device.iter().flat_map(|device| &device.inside).for_each(|inside| inside.plan(&mut plan));
    Ok(Program {
        inputs: session.inputs().iter().map(PortReport::of).collect(),
        outputs: session.outputs().iter().map(PortReport::of).collect(),
        dims: dims.all().clone(),
        placement: placement(&program),
        device,
        computes: Computes::of(session, args.verbose)?,
        memory: Memory {
            weight_bytes: weight_bytes(program.graph()),
            arena_bytes: segment.arena_bytes,
            live_bytes: segment.live_bytes,
            ends_at,
        },
        plan: args.plan.then_some(plan),
    })
}

/// The plan from the inputs on, as far as it goes without data.
pub fn first_segment(session: &Session, dims: &Dims) -> Result<Arc<Segment>> {
    let program = session.program();
    let live = |(port, id): (&Port, &edgewise::graph::ValueId)| (*id, dims.fact(port), Home::Owned(*id));
    let live: Vec<_> = session.inputs().iter().zip(&program.graph().inputs).map(live).collect();
    Ok(program.segment(0, &live, false)?)
}

/// Nodes by where they run; those that only give elements another shape run nowhere, and those that run graphs beside
/// a device run where the nodes of these do.
fn placement(program: &edgewise::plan::Program) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for at in 0..program.graph().nodes.len() {
        if let Some(flow) = program.flow(at) {
            *counts.entry("control flow".into()).or_default() += 1;
            for (place, count) in flow.bodies().iter().flat_map(|body| placement(body.program)) {
                *counts.entry(place).or_default() += count;
            }
            continue;
        }
        let on_device = program.placement().is_some_and(|placement| placement.kernel(at).is_some());
        let place = match (on_device, program.kernel(at).is_alias()) {
            (true, _) => "gpu",
            (false, true) => "no work",
            (false, false) => "cpu",
        };
        *counts.entry(place.into()).or_default() += 1;
    }
    counts
}

impl OnDevice {
    fn of(program: &edgewise::plan::Program, segment: &Segment) -> Result<Option<OnDevice>> {
        let Some(placement) = program.placement() else { return Ok(None) };
        Ok(Some(OnDevice {
            name: placement.device().name().into(),
            share: Share::of(program, segment),
            buffer_bytes: segment.slot_bytes.iter().sum(),
            inside: Inside::of(program, segment)?,
        }))
    }

    fn text(&self, out: &mut String) {
        let OnDevice { name, share, buffer_bytes, inside } = self;
        let _ = writeln!(out, "device: {name}: {}, buffers of {}", share.text(), show::bytes(*buffer_bytes));
        if !share.on_cpu.is_empty() {
            let _ = writeln!(out, "on the processor: {}", counted(&share.on_cpu));
        }
        inside.iter().for_each(|inside| inside.text(out));
    }
}

impl Computes {
    fn of(session: &Session, verbose: bool) -> Result<Computes> {
        let found = session.coverage()?;
        let mut float = BTreeMap::new();
        found.float.iter().for_each(|s| *float.entry(s.operator.clone()).or_default() += 1);
        let stays = found.float.into_iter();
        Ok(Computes {
            arithmetic: match found.arithmetic {
                Arithmetic::Float => "float",
                Arithmetic::Mixed => "mixed",
                Arithmetic::Integer => "integer",
            },
            integer: found.integer,
            conversions: found.conversions,
            float,
            stays_float: stays.map(|s| Stays { node: s.node, operator: s.operator, why: s.why }).collect(),
            verbose,
        })
    }

    fn text(&self, out: &mut String) {
        let _ = writeln!(out, "computes: {}", self.arithmetic);
        for (what, counts) in [
            ("in integers", &self.integer),
            ("converts", &self.conversions),
            ("in floats between", &self.float),
        ] {
            if !counts.is_empty() {
                let _ = writeln!(out, "  {what}: {}", counted(counts));
            }
        }
        for stays in self.stays_float.iter().filter(|_| self.verbose) {
            let _ = writeln!(out, "  stays float: '{}' ({}): {}", stays.node, stays.operator, stays.why);
        }
    }
}

impl PortReport {
    fn of(port: &Port) -> PortReport {
        PortReport { name: port.name.clone(), r#type: port.fact.to_string() }
    }
}

impl Report {
    fn text(&self) -> String {
        let mut out = String::new();
        let variant = self.variant.as_ref().map(|v| format!(" ({v})")).unwrap_or_default();
        let producer = if self.producer.is_empty() { "an unnamed producer" } else { &self.producer };
        let opsets: Vec<String> = self.opsets.iter().map(|(name, v)| format!("{name} {v}")).collect();
        let _ =
            writeln!(out, "{}{variant}, written by {producer}, opsets: {}", self.model, opsets.join(", "));
        if let Some(program) = &self.program {
            program.ports(&mut out);
        }
        let _ = writeln!(out, "operators: {}", counted(&self.operators));
        self.weights(&mut out);
        self.quantization.text(&mut out);
        for missing in &self.unsupported {
            let nodes = if missing.nodes == 1 { "node" } else { "nodes" };
            let _ = writeln!(
                out,
                "unsupported: {} in {} {nodes}: {}",
                missing.operator, missing.nodes, missing.why
            );
        }
        if let Some(error) = &self.error {
            let _ = writeln!(out, "cannot be loaded: {error}");
        }
        if let Some(program) = &self.program {
            program.computes.text(&mut out);
            program.memory(&mut out);
        }
        out
    }

    fn weights(&self, out: &mut String) {
        let total: u64 = self.weights.values().map(|w| w.bytes).sum();
        let weight =
            |(dtype, w): (&String, &Weights)| format!("{dtype} {} in {}", show::bytes(w.bytes), w.tensors);
        let types: Vec<String> = self.weights.iter().map(weight).collect();
        let _ = writeln!(out, "weights: {} ({})", show::bytes(total), types.join(", "));
    }
}

impl Quantization {
    fn text(&self, out: &mut String) {
        let _ = writeln!(out, "quantization: {}", self.kind);
        for (what, counts) in [
            ("conversions", &self.conversions),
            ("in integers", &self.integer_operators),
            ("in blocks", &self.block_operators),
        ] {
            if !counts.is_empty() {
                let _ = writeln!(out, "  {what}: {}", counted(counts));
            }
        }
        let mut by_kind: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, kind) in &self.weights {
            by_kind.entry(kind).or_default().push(name);
        }
        for (kind, names) in by_kind {
            let more = if names.len() > NAMES { ", …" } else { "" };
            let shown = names[..names.len().min(NAMES)].join(", ");
            let _ = writeln!(out, "  {} weights {kind}: {shown}{more}", names.len());
        }
    }
}

impl Program {
    fn ports(&self, out: &mut String) {
        for (what, ports) in [("input", &self.inputs), ("output", &self.outputs)] {
            for port in ports {
                let _ = writeln!(out, "{what} {}: {}", port.name, port.r#type);
            }
        }
    }

    fn memory(&self, out: &mut String) {
        let _ = writeln!(out, "placement: {}", counted(&self.placement));
        self.device.iter().for_each(|device| device.text(out));
        let dims: Vec<String> = self.dims.iter().map(|(name, size)| format!("{name}={size}")).collect();
        let at = if dims.is_empty() { String::new() } else { format!(" with {}", dims.join(", ")) };
        let _ = writeln!(
            out,
            "memory{at}: weights {}, arena {}, alive at once {}",
            show::bytes(self.memory.weight_bytes),
            show::bytes(self.memory.arena_bytes as u64),
            show::bytes(self.memory.live_bytes as u64)
        );
        if let Some(node) = &self.memory.ends_at {
            let _ = writeln!(out, "  planned up to {node}: what follows depends on data");
        }
        if let Some(plan) = &self.plan {
            let _ = write!(out, "plan:\n{plan}");
        }
    }
}

/// `Conv 3, Relu 2`, the most frequent first.
pub fn counted(counts: &BTreeMap<String, usize>) -> String {
    let mut sorted: Vec<(&String, &usize)> = counts.iter().collect();
    sorted.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    sorted.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ")
}
