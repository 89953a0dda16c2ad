//! Every step of a model on the host, and each for itself on a device, given the same: where two devices part ways
//! is seen at the step that does it, not at the end.

use crate::cpu::{Pool, RunContext};
use crate::device::Device;
use crate::graph::{Constant, Fact, Graph, Node, ValueId, ValueInfo};
use crate::ops::Op;
use crate::plan::{Program, load_constants};
use crate::{Options, Result, Value, onnx, optimize, run};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A model whose steps can be looked at.
pub struct Stepwise {
    /// After optimization, with every value that a node makes as an output.
    graph: Graph,
    threads: usize,
}

/// What one step gave.
pub struct Step {
    /// The node's name.
    pub node: String,
    /// What it does.
    pub op: String,
    /// Whether it must give the same bits: what it makes are no floats, nor integers that floats were rounded to
    /// on the way.
    pub exact: bool,
    /// On the host.
    pub expected: Vec<Value>,
    /// On the device; nothing where the device has no kernel for it.
    pub got: Option<Vec<Value>>,
}

impl Stepwise {
    /// Loads a model.
    pub async fn load(source: Arc<dyn onnx::Source>, options: &Options) -> Result<Stepwise> {
        let name = source.name().to_string();
        let mut graph = onnx::load(source, &options.limits, &options.custom_ops).await?.graph;
        load_constants(&graph, false, &mut || {}).await.map_err(|e| e.in_file(&name))?;
        if options.optimize {
            optimize::optimize(&mut graph, true).map_err(|e| e.in_file(&name))?;
        }
        let given = graph.outputs.iter().copied();
        let made = graph.nodes.iter().flat_map(|node| &node.outputs).flatten().copied();
        let mut seen = HashSet::new();
        graph.outputs = given.chain(made).filter(|id| seen.insert(*id)).collect();
        Ok(Stepwise { graph, threads: options.threads })
    }

    /// Runs every step; inputs by name. Steps of no work, and those on other things than tensors, are left out.
    pub async fn run(&self, inputs: &[(&str, Value)], device: &Arc<dyn Device>) -> Result<Vec<Step>> {
        let name = |id: &ValueId| &self.graph.values[id.at()].name;
        let mut values = BTreeMap::new();
        for id in &self.graph.inputs {
            let given = inputs.iter().find(|(input, _)| input == name(id));
            let (_, value) = given.ok_or_else(|| err!(InvalidInput, "input '{}' is missing", name(id)))?;
            values.insert(*id, value.clone());
        }
        let arguments = self.graph.inputs.iter().map(|id| values[id].clone()).collect();
        let results = self.outputs_of(Program::compile(self.graph.clone())?, arguments).await?;
        values.extend(self.graph.outputs.iter().copied().zip(results));
        let mut steps = Vec::new();
        for node in &self.graph.nodes {
            if node.op.kernel().is_alias() || !node.op.graphs().is_empty() {
                continue;
            }
            let step = self.step(node, &values, device).await;
            steps.extend(step.map_err(|e| e.at_node(&node.name, &node.op_name))?);
        }
        Ok(steps)
    }

    async fn step(
        &self,
        node: &Node,
        values: &BTreeMap<ValueId, Value>,
        device: &Arc<dyn Device>,
    ) -> Result<Option<Step>> {
        let mut graph = Graph { name: node.name.clone(), ..Graph::default() };
        let mut arguments = Vec::new();
        let mut input = |id: &ValueId, graph: &mut Graph| -> Option<ValueId> {
            let info = &self.graph.values[id.at()];
            let (declared, constant): (_, Option<Constant>) = match &info.constant {
                Some(constant) => (None, Some(constant.clone())),
                None => {
                    let tensor = values.get(id)?.tensor().ok()?;
                    (Some(Fact::sized(tensor.dtype(), tensor.shape())), None)
                }
            };
            let new = ValueId(graph.values.len() as u32);
            if constant.is_none() {
                graph.inputs.push(new);
                arguments.push(values.get(id)?.clone());
            }
            graph.values.push(ValueInfo { name: info.name.clone(), declared, constant });
            Some(new)
        };
        let mut alone = Node { inputs: Vec::new(), outputs: Vec::new(), ..node.clone() };
        for id in &node.inputs {
            alone.inputs.push(match id {
                None => None,
                Some(id) => match input(id, &mut graph) {
                    None => return Ok(None),
                    given => given,
                },
            });
        }
        let mut expected = Vec::new();
        for id in &node.outputs {
            let Some(id) = id else {
                alone.outputs.push(None);
                continue;
            };
            let new = ValueId(graph.values.len() as u32);
            let name = self.graph.values[id.at()].name.clone();
            graph.values.push(ValueInfo { name, declared: None, constant: None });
            alone.outputs.push(Some(new));
            graph.outputs.push(new);
            match values.get(id).filter(|value| value.tensor().is_ok()) {
                Some(value) => expected.push(value.clone()),
                None => return Ok(None),
            }
        }
        graph.nodes.push(alone);
        let program = Program::compile_for(graph, Some(device.clone()))?;
        let mut got = None;
        if program.placement().is_some_and(|placement| placement.kernel(0).is_some()) {
            program.prepare().await?;
            got = Some(self.outputs_of(program, arguments).await?);
        }
        let floats = |value: &Value| value.tensor().is_ok_and(|t| t.dtype().is_float());
        let exact = !expected.iter().any(floats) && !matches!(node.op, Op::FusedDequantize(_) | Op::Cast(_));
        Ok(Some(Step { node: node.name.clone(), op: node.op_name.clone(), exact, expected, got }))
    }

    async fn outputs_of(&self, program: Program, inputs: Vec<Value>) -> Result<Vec<Value>> {
        let (pool, cancel) = (Pool::new(self.threads), AtomicBool::new(false));
        let (outputs, _) = run::run_async(&program, inputs, &RunContext::new(&pool, &cancel)).await?;
        Ok(outputs)
    }
}
