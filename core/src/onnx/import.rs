//! Gives a decoded file meaning: names become ids, attributes become operators, functions are expanded, and
//! what a subgraph captures becomes its inputs.

use super::proto;
use super::skim::skim;
use super::stored::Reads;
use super::survey::{StandIn, Unsupported};
use super::tensor::Files;
use super::{Source, beside};
use crate::graph::{Constant, Fact, Graph, Node, ValueId, ValueInfo};
use crate::ops::{Attr, Attrs, CustomOp, Op};
use crate::{Dim, Limits, Result, Tensor};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

/// The newest operator set of ai.onnx that is understood.
const NEWEST_OPSET: i64 = 28;

/// A model as its file says it is.
#[derive(Debug)]
pub struct Model {
    /// The main graph.
    pub graph: Graph,
    /// The operator sets it imports, by domain ("" is ai.onnx).
    pub opsets: Vec<(String, i64)>,
    /// What wrote it.
    pub producer: String,
    /// Free-form properties.
    pub metadata: Vec<(String, String)>,
    /// How the reading of its weights goes.
    pub reads: Reads,
}

/// Reads a model; its weights stay in the source.
pub async fn load(source: Arc<dyn Source>, limits: &Limits, custom: &[Arc<dyn CustomOp>]) -> Result<Model> {
    let name = source.name().to_string();
    let (model, files) = read(source, limits).await.map_err(|e| e.in_file(&name))?;
    import(files, model, limits, custom, None).map_err(|e| e.in_file(&name))
}

/// Reads the structure of a model, and hears of the files beside it.
async fn read(source: Arc<dyn Source>, limits: &Limits) -> Result<(proto::Model, Files)> {
    let (head, payloads) = skim(&*source, limits).await?;
    ensure!(!source.is_empty(), InvalidModel, "expected an ONNX model, got an empty file");
    let model = proto::model(&head, source.len())?;
    let beside = beside::files(&model);
    if !beside.is_empty() {
        source.expect(&beside).await?;
    }
    Ok((model, Files::new(source, payloads, limits)))
}

/// Reads a model even where operators of it are not supported, and lists all of those. In the graph they are
/// [stand-ins](super::StandIn), which can be counted but not run.
pub async fn survey(
    source: Arc<dyn Source>,
    limits: &Limits,
    custom: &[Arc<dyn CustomOp>],
) -> Result<(Model, Vec<Unsupported>)> {
    let name = source.name().to_string();
    let (model, files) = read(source, limits).await.map_err(|e| e.in_file(&name))?;
    let mut unsupported = Vec::new();
    let model = import(files, model, limits, custom, Some(&mut unsupported)).map_err(|e| e.in_file(&name))?;
    Ok((model, unsupported))
}

fn import(
    files: Files,
    mut model: proto::Model,
    limits: &Limits,
    custom: &[Arc<dyn CustomOp>],
    unsupported: Option<&mut Vec<Unsupported>>,
) -> Result<Model> {
    let graph = model.graph.take().ok_or_else(|| {
        err!(InvalidModel, "expected an ONNX model, got a file without a graph (field 7 of ModelProto)")
    })?;
    if model.opsets.is_empty() {
        // Before IR version 3 there was one operator set.
        model.opsets.push((String::new(), 1));
    }
    let functions = model
        .functions
        .iter()
        .map(|f| ((domain(&f.domain).into(), f.name.clone(), f.overload.clone()), f))
        .collect();
    let mut import = Import {
        functions,
        custom,
        unsupported,
        files,
        nodes_left: limits.max_nodes,
        max_depth: limits.max_depth,
    };
    let frame = Frame { opsets: opsets(&model.opsets)?, ..Frame::default() };
    let reads = import.files.reads().clone();
    let mut build = Build { depth: 0, ..Build::default() };
    build.graph.name = graph.name.clone();
    import.graph(&graph, &mut build, frame, None)?;
    let (producer, metadata) = (model.producer, model.metadata);
    Ok(Model { graph: build.graph, opsets: model.opsets, producer, metadata, reads })
}

fn domain(name: &str) -> &str {
    if name == "ai.onnx" { "" } else { name }
}

fn opsets(declared: &[(String, i64)]) -> Result<Rc<HashMap<String, i64>>> {
    for (name, version) in declared {
        ensure!(
            !domain(name).is_empty() || *version <= NEWEST_OPSET,
            Unsupported,
            "the model needs opset {version} of ai.onnx; the newest that is understood is {NEWEST_OPSET}"
        );
    }
    Ok(Rc::new(declared.iter().map(|(name, version)| (domain(name).into(), *version)).collect()))
}

/// Domain, name, overload.
type FunctionId = (String, String, String);

/// What the whole import shares.
struct Import<'a> {
    functions: HashMap<FunctionId, &'a proto::Function>,
    custom: &'a [Arc<dyn CustomOp>],
    /// Where operators that cannot be had are noted; without it the first one is an error.
    unsupported: Option<&'a mut Vec<Unsupported>>,
    files: Files,
    nodes_left: usize,
    max_depth: usize,
}

/// One graph in the making.
#[derive(Default)]
pub(super) struct Build {
    pub(super) graph: Graph,
    /// Every name in use, so that names stay unique when functions are expanded.
    taken: HashSet<String>,
    /// Names found outside, in the order of first use: the captures.
    captured: Vec<String>,
    depth: usize,
}

/// The names that nodes see: those of a graph, or of one call of a function.
#[derive(Clone, Default)]
struct Frame {
    names: HashMap<String, ValueId>,
    opsets: Rc<HashMap<String, i64>>,
    /// In a function's body: the attributes of the call. What a call leaves out is absent.
    attributes: Option<Rc<HashMap<String, Attr>>>,
    /// In a function's body: what the names of its nodes begin with.
    prefix: String,
}

/// Where a subgraph looks for the names that it does not define: outward, one level at a time.
struct Outer<'a> {
    frame: &'a Frame,
    graph: &'a Graph,
    outer: Option<&'a Outer<'a>>,
}

impl Outer<'_> {
    /// Whether the name is defined outside, and the constant that it is, if it is one.
    fn find(&self, name: &str) -> Option<Option<Constant>> {
        match self.frame.names.get(name) {
            Some(id) => Some(self.graph.values[id.at()].constant.clone()),
            None => self.outer?.find(name),
        }
    }
}

impl Build {
    pub(super) fn value(
        &mut self,
        name: &str,
        declared: Option<Fact>,
        constant: Option<Constant>,
    ) -> ValueId {
        let mut unique = name.to_string();
        let mut n = 1;
        while unique.is_empty() || !self.taken.insert(unique.clone()) {
            unique = format!("{name}#{n}");
            n += 1;
        }
        self.graph.values.push(ValueInfo { name: unique, declared, constant });
        ValueId(self.graph.values.len() as u32 - 1)
    }

    /// Gives a value another name, unless that is in use.
    fn rename(&mut self, id: ValueId, name: &str) {
        if self.taken.insert(name.into()) {
            self.graph.values[id.at()].name = name.into();
        }
    }
}

impl Import<'_> {
    fn graph(
        &mut self,
        from: &proto::Graph,
        build: &mut Build,
        mut frame: Frame,
        outer: Option<&Outer<'_>>,
    ) -> Result<()> {
        ensure!(build.depth < self.max_depth, LimitExceeded, "subgraphs nest deeper than {}", self.max_depth);
        for tensor in &from.initializers {
            let constant = self.files.constant(tensor)?;
            define(build, &mut frame, &tensor.name, None, Some(constant))?;
        }
        for sparse in &from.sparse {
            let constant = Constant::Tensor(self.files.dense(sparse)?);
            define(build, &mut frame, &sparse.values.name, None, Some(constant))?;
        }
        for input in &from.inputs {
            // Before IR version 4 every initializer was listed as an input too; it is a constant.
            if !frame.names.contains_key(&input.name) {
                let fact = input.kind.as_ref().map(|kind| declared(kind, &input.name));
                let id = define(build, &mut frame, &input.name, fact, None)?;
                build.graph.inputs.push(id);
            }
        }
        let formal = build.graph.inputs.len();
        self.nodes(&from.nodes, build, &mut frame, outer)?;
        for info in from.values.iter().chain(&from.outputs) {
            if let (Some(id), Some(kind)) = (frame.names.get(&info.name), &info.kind) {
                let value = &mut build.graph.values[id.at()];
                value.declared.get_or_insert_with(|| declared(kind, &info.name));
            }
        }
        for output in &from.outputs {
            let id = resolve(build, &mut frame, outer, &output.name)?
                .ok_or_else(|| err!(InvalidModel, "graph output '{}' is made by no node", output.name))?;
            let own = &build.graph.values[id.at()].name;
            // What a function's body made has a name of its own, which nodes out here do not know.
            if frame.names.get(own) != Some(&id) {
                build.rename(id, &output.name);
            }
            build.graph.outputs.push(id);
        }
        build.graph.captures = build.graph.inputs.len() - formal;
        Ok(())
    }

    fn nodes(
        &mut self,
        nodes: &[proto::Node],
        build: &mut Build,
        frame: &mut Frame,
        outer: Option<&Outer<'_>>,
    ) -> Result<()> {
        for at in in_order(nodes)? {
            let node = &nodes[at];
            self.node(node, build, frame, outer).map_err(|e| e.at_node(&shown(node), &node.op))?;
        }
        Ok(())
    }

    fn node(
        &mut self,
        node: &proto::Node,
        build: &mut Build,
        frame: &mut Frame,
        outer: Option<&Outer<'_>>,
    ) -> Result<()> {
        self.nodes_left = self
            .nodes_left
            .checked_sub(1)
            .ok_or_else(|| err!(LimitExceeded, "the model has more nodes than the limit"))?;
        let mut inputs = Vec::new();
        for name in &node.inputs {
            inputs.push(match name.as_str() {
                "" => None,
                name => Some(
                    resolve(build, frame, outer, name)?
                        .ok_or_else(|| err!(InvalidModel, "input '{name}' is made by no node before it"))?,
                ),
            });
        }
        let id = (domain(&node.domain).to_string(), node.op.clone(), node.overload.clone());
        if let Some(function) = self.functions.get(&id).copied() {
            return self.call(function, node, inputs, build, frame, outer);
        }
        let (attributes, captures) = self.attributes(&node.attributes, build, frame, outer)?;
        if id.0.is_empty() && node.op == "Constant" {
            let constant = Constant::Tensor(constant_of(attributes)?);
            ensure!(node.outputs.len() == 1, InvalidModel, "Constant must have one output");
            define(build, frame, &node.outputs[0], None, Some(constant))?;
            return Ok(());
        }
        if id.0 == "ai.onnx.preview.training" && node.op == "Gradient" {
            return gradient(node, &inputs, attributes, build, frame);
        }
        let op = self.operator(node, &inputs, attributes, frame);
        let op = op.or_else(|e| match &mut self.unsupported {
            Some(unsupported) => {
                let op = StandIn::new(domain(&node.domain), &node.op);
                unsupported.push(Unsupported { op: op.shown(), node: shown(node), why: e.what().into() });
                Ok(Op::Custom(Arc::new(op)))
            }
            None => Err(e),
        })?;
        // What a subgraph captures stands after all inputs, those that are left out included.
        while captures.is_empty() && inputs.last() == Some(&None) {
            inputs.pop();
        }
        inputs.extend(captures.into_iter().map(Some));
        let mut outputs = Vec::new();
        for (i, name) in node.outputs.iter().enumerate() {
            outputs.push(match name.as_str() {
                // The first output is seldom optional, so kernels count on it.
                "" if i == 0 => Some(build.value("", None, None)),
                "" => None,
                name => Some(define(build, frame, name, None, None)?),
            });
        }
        let name = format!("{}{}", frame.prefix, shown(node));
        let op_name = match domain(&node.domain) {
            "" => node.op.clone(),
            domain => format!("{domain}.{}", node.op),
        };
        build.graph.nodes.push(Node { name, op, op_name, inputs, outputs });
        Ok(())
    }

    fn operator(
        &self,
        node: &proto::Node,
        inputs: &[Option<ValueId>],
        attributes: BTreeMap<String, Attr>,
        frame: &Frame,
    ) -> Result<Op> {
        let name = domain(&node.domain);
        let version = match frame.opsets.get(name) {
            Some(version) => *version,
            // Exporters forget to import domains that have one version.
            None if !name.is_empty() => 1,
            None => bail!(InvalidModel, "the model imports no operator set of ai.onnx"),
        };
        let attrs = Attrs::new(
            name,
            &node.op,
            version,
            inputs.iter().map(Option::is_some).collect(),
            node.outputs.iter().map(|o| !o.is_empty()).collect(),
            attributes,
        );
        match self.custom.iter().find(|op| op.domain() == name && op.name() == node.op) {
            Some(custom) => Op::custom(custom, attrs),
            None => Op::parse(attrs),
        }
    }

    /// Expands a call of a function into the nodes of its body.
    fn call(
        &mut self,
        function: &proto::Function,
        node: &proto::Node,
        inputs: Vec<Option<ValueId>>,
        build: &mut Build,
        frame: &mut Frame,
        outer: Option<&Outer<'_>>,
    ) -> Result<()> {
        ensure!(build.depth < self.max_depth, LimitExceeded, "functions nest deeper than {}", self.max_depth);
        ensure!(
            inputs.len() <= function.inputs.len() && node.outputs.len() <= function.outputs.len(),
            InvalidModel,
            "the function has {} inputs and {} outputs, the call {} and {}",
            function.inputs.len(),
            function.outputs.len(),
            inputs.len(),
            node.outputs.len()
        );
        let (mut attributes, captures) = self.attributes(&node.attributes, build, frame, outer)?;
        ensure!(
            captures.is_empty(),
            Unsupported,
            "a graph that is passed to a function must not capture values"
        );
        let (defaults, _) = self.attributes(&function.defaults, build, frame, None)?;
        for (name, value) in defaults {
            attributes.entry(name).or_insert(value);
        }
        for name in &function.attributes {
            ensure!(
                attributes.contains_key(name),
                InvalidModel,
                "the function's attribute '{name}' is missing"
            );
        }
        let mut inner = Frame {
            names: HashMap::new(),
            opsets: if function.opsets.is_empty() { frame.opsets.clone() } else { opsets(&function.opsets)? },
            attributes: Some(Rc::new(attributes.into_iter().collect())),
            prefix: format!("{}{}/", frame.prefix, shown(node)),
        };
        for (name, id) in function.inputs.iter().zip(inputs) {
            if let Some(id) = id {
                inner.names.insert(name.clone(), id);
            }
        }
        build.depth += 1;
        self.nodes(&function.nodes, build, &mut inner, None)?;
        build.depth -= 1;
        for (name, outside) in function.outputs.iter().zip(&node.outputs) {
            if outside.is_empty() {
                continue;
            }
            let id = inner.names.get(name);
            let id =
                *id.ok_or_else(|| err!(InvalidModel, "the function's output '{name}' is made by no node"))?;
            ensure!(
                frame.names.insert(outside.clone(), id).is_none(),
                InvalidModel,
                "the name '{outside}' is given twice"
            );
        }
        Ok(())
    }

    /// The attributes, and what their graphs capture, in the order of the attributes' names.
    fn attributes(
        &mut self,
        from: &[proto::Attribute],
        build: &mut Build,
        frame: &mut Frame,
        outer: Option<&Outer<'_>>,
    ) -> Result<(BTreeMap<String, Attr>, Vec<ValueId>)> {
        let (mut attributes, mut captures) = (BTreeMap::new(), Vec::new());
        let mut from: Vec<_> = from.iter().collect();
        from.sort_by_key(|a| &a.name);
        for a in from {
            let value = if a.reference.is_empty() {
                Some(self.attribute(a, build, frame, outer, &mut captures)?)
            } else {
                let call = frame.attributes.as_ref();
                let call = call.ok_or_else(|| {
                    err!(InvalidModel, "attribute '{}' refers to a function's, outside of one", a.name)
                })?;
                call.get(&a.reference).cloned()
            };
            if let Some(value) = value {
                let twice = attributes.insert(a.name.clone(), value).is_some();
                ensure!(!twice, InvalidModel, "attribute '{}' is given twice", a.name);
            }
        }
        Ok((attributes, captures))
    }

    fn attribute(
        &mut self,
        a: &proto::Attribute,
        build: &mut Build,
        frame: &mut Frame,
        outer: Option<&Outer<'_>>,
        captures: &mut Vec<ValueId>,
    ) -> Result<Attr> {
        let missing = || err!(InvalidModel, "attribute '{}' has no value of its type", a.name);
        Ok(match kind_of(a) {
            1 => Attr::Float(a.f.unwrap_or_default()),
            2 => Attr::Int(a.i.unwrap_or_default()),
            3 => Attr::Str(a.s.clone().unwrap_or_default()),
            4 => Attr::Tensor(self.files.tensor(a.t.as_ref().ok_or_else(missing)?)?),
            5 => {
                let graph = a.g.as_ref().ok_or_else(missing)?;
                Attr::Graph(self.subgraph(graph, build, frame, outer, captures)?)
            }
            6 => Attr::Floats(
                a.floats.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            ),
            7 => Attr::Ints(a.ints.clone()),
            8 => Attr::Strs(a.strings.clone()),
            9 => Attr::Tensors(a.tensors.iter().map(|t| self.files.tensor(t)).collect::<Result<_>>()?),
            10 => {
                let graphs = a.graphs.iter().map(|g| self.subgraph(g, build, frame, outer, captures));
                Attr::Graphs(graphs.collect::<Result<_>>()?)
            }
            11 => Attr::Tensor(self.files.dense(a.sparse.as_ref().ok_or_else(missing)?)?),
            13 => Attr::Kind(a.tp.as_ref().ok_or_else(missing)?.kind.clone()),
            other => {
                bail!(Unsupported, "attribute '{}' has the type {other}, which is not supported", a.name)
            }
        })
    }

    fn subgraph(
        &mut self,
        from: &proto::Graph,
        build: &mut Build,
        frame: &mut Frame,
        outer: Option<&Outer<'_>>,
        captures: &mut Vec<ValueId>,
    ) -> Result<Graph> {
        let mut inner = Build { depth: build.depth + 1, ..Build::default() };
        inner.graph.name = from.name.clone();
        let inner_frame = Frame { names: HashMap::new(), ..frame.clone() };
        let here = Outer { frame, graph: &build.graph, outer };
        self.graph(from, &mut inner, inner_frame, Some(&here))?;
        for name in &inner.captured {
            let id = resolve(build, frame, outer, name)?;
            captures.push(id.ok_or_else(|| err!(Internal, "captured name '{name}' was lost"))?);
        }
        Ok(inner.graph)
    }
}

/// Defines a name in a frame; twice is an error.
fn define(
    build: &mut Build,
    frame: &mut Frame,
    name: &str,
    fact: Option<Fact>,
    constant: Option<Constant>,
) -> Result<ValueId> {
    ensure!(!name.is_empty(), InvalidModel, "a value has no name");
    ensure!(!frame.names.contains_key(name), InvalidModel, "the name '{name}' is given twice");
    let unique = format!("{}{name}", frame.prefix);
    let id = build.value(&unique, fact, constant);
    frame.names.insert(name.into(), id);
    Ok(id)
}

/// The value of that name, captured from outside if need be. A constant is not captured but shared.
fn resolve(
    build: &mut Build,
    frame: &mut Frame,
    outer: Option<&Outer<'_>>,
    name: &str,
) -> Result<Option<ValueId>> {
    if let Some(id) = frame.names.get(name) {
        return Ok(Some(*id));
    }
    let Some(constant) = outer.and_then(|outer| outer.find(name)) else { return Ok(None) };
    let captured = constant.is_none();
    let id = build.value(name, None, constant);
    frame.names.insert(name.into(), id);
    if captured {
        build.graph.inputs.push(id);
        build.captured.push(name.into());
    }
    Ok(Some(id))
}

/// What a declared type says; an unnamed dim gets a symbol of the value's own.
fn declared(t: &proto::Type, name: &str) -> Fact {
    let dims = t.dims.as_ref().map(|dims| {
        let named = |(i, dim): (usize, &Option<Dim>)| {
            dim.clone().unwrap_or_else(|| Dim::symbol(&format!("{name}.{i}")))
        };
        dims.iter().enumerate().map(named).collect()
    });
    Fact { kind: t.kind.clone(), dims, known: None }
}

/// The attribute's type; files before IR version 3 do not say it.
fn kind_of(a: &proto::Attribute) -> i64 {
    match a.kind {
        0 if a.f.is_some() => 1,
        0 if a.i.is_some() => 2,
        0 if a.s.is_some() => 3,
        0 if a.t.is_some() => 4,
        0 if a.g.is_some() => 5,
        0 if !a.floats.is_empty() => 6,
        0 if !a.strings.is_empty() => 8,
        0 => 7,
        kind => kind,
    }
}

/// Gradient names the values it is about: `xs` (and `zs`, which stay as they are) are its inputs, `y` is any.
fn gradient(
    node: &proto::Node,
    inputs: &[Option<ValueId>],
    mut attributes: BTreeMap<String, Attr>,
    build: &mut Build,
    frame: &mut Frame,
) -> Result<()> {
    let (Some(Attr::Strs(xs)), Some(Attr::Str(y))) = (attributes.remove("xs"), attributes.remove("y")) else {
        bail!(InvalidModel, "attributes 'xs' (strings) and 'y' (a string) are required");
    };
    let zs = match attributes.remove("zs") {
        Some(Attr::Strs(zs)) => zs,
        _ => Vec::new(),
    };
    let named = |name: &String| {
        let id = frame.names.get(name).copied();
        id.ok_or_else(|| err!(InvalidModel, "there is no value '{name}' before this node"))
    };
    let at = xs.iter().chain(&zs).map(named).collect::<Result<Vec<_>>>()?;
    let same = at.len() == inputs.len() && at.iter().zip(inputs).all(|(a, b)| Some(*a) == *b);
    ensure!(same, Unsupported, "inputs other than the values that 'xs' and 'zs' name are not supported");
    ensure!(
        node.outputs.len() <= xs.len(),
        InvalidModel,
        "{} outputs for {} entries of 'xs'",
        node.outputs.len(),
        xs.len()
    );
    let y = named(&y)?;
    let results = super::gradient::expand(build, &at[..xs.len()], y)?;
    for (name, id) in node.outputs.iter().zip(results).filter(|(name, _)| !name.is_empty()) {
        let twice = frame.names.insert(name.clone(), id).is_some();
        ensure!(!twice, InvalidModel, "the name '{name}' is given twice");
    }
    Ok(())
}

/// The value of a Constant node.
fn constant_of(attributes: BTreeMap<String, Attr>) -> Result<Tensor> {
    let mut attributes = attributes.into_iter();
    let (Some((name, attr)), None) = (attributes.next(), attributes.next()) else {
        bail!(InvalidModel, "Constant must have exactly one attribute");
    };
    match attr {
        Attr::Tensor(t) => Ok(t),
        Attr::Int(i) => Ok(Tensor::scalar(i)),
        Attr::Float(f) => Ok(Tensor::scalar(f)),
        Attr::Str(s) => Tensor::from_strings(&[], vec![s]),
        Attr::Ints(i) => Tensor::new(&[i.len()], &i),
        Attr::Floats(f) => Tensor::new(&[f.len()], &f),
        Attr::Strs(s) => Tensor::from_strings(&[s.len()], s),
        _ => Err(err!(InvalidModel, "attribute '{name}' cannot be a constant")),
    }
}

/// What messages call a node: its name, or its first output.
fn shown(node: &proto::Node) -> String {
    if !node.name.is_empty() {
        return node.name.clone();
    }
    node.outputs.iter().find(|o| !o.is_empty()).cloned().unwrap_or_default()
}

/// The nodes' indices, each after the nodes whose outputs it takes; their order is kept where it can be.
/// An error names a node of a cycle.
fn in_order(nodes: &[proto::Node]) -> Result<Vec<usize>> {
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (i, node) in nodes.iter().enumerate() {
        for output in node.outputs.iter().filter(|o| !o.is_empty()) {
            let twice = makers.insert(output, i).is_some();
            ensure!(!twice, InvalidModel, "the name '{output}' is given twice");
        }
    }
    let needs = |node: &proto::Node| -> Vec<usize> {
        let mut names: Vec<&str> = node.inputs.iter().map(String::as_str).collect();
        for a in &node.attributes {
            a.g.iter().chain(&a.graphs).for_each(|g| names_used(g, &mut names));
        }
        names.iter().filter_map(|name| makers.get(name).copied()).collect()
    };
    let mut order = Vec::with_capacity(nodes.len());
    // 0: not seen, 1: its needs are being placed, 2: placed.
    let mut state = vec![0u8; nodes.len()];
    for root in 0..nodes.len() {
        let mut stack = vec![(root, None::<Vec<usize>>)];
        while let Some((at, pending)) = stack.last_mut() {
            let at = *at;
            if pending.is_none() {
                if state[at] == 2 {
                    stack.pop();
                    continue;
                }
                state[at] = 1;
            }
            let pending = pending.get_or_insert_with(|| needs(&nodes[at]));
            match pending.pop() {
                Some(need) if state[need] == 1 => {
                    let node = &nodes[need];
                    let error = err!(InvalidModel, "the node takes its own output, through a cycle");
                    return Err(error.at_node(&shown(node), &node.op));
                }
                Some(need) if state[need] == 0 => stack.push((need, None)),
                Some(_) => {}
                None => {
                    state[at] = 2;
                    order.push(at);
                    stack.pop();
                }
            }
        }
    }
    Ok(order)
}

/// Every name that a subgraph's nodes and outputs mention and that it does not define itself.
fn names_used<'a>(graph: &'a proto::Graph, into: &mut Vec<&'a str>) {
    let mut used: Vec<&str> = graph.outputs.iter().map(|o| o.name.as_str()).collect();
    let mut own: HashSet<&str> = graph.inputs.iter().map(|i| i.name.as_str()).collect();
    own.extend(graph.initializers.iter().map(|t| t.name.as_str()));
    for node in &graph.nodes {
        own.extend(node.outputs.iter().map(String::as_str));
        used.extend(node.inputs.iter().map(String::as_str));
        for a in &node.attributes {
            a.g.iter().chain(&a.graphs).for_each(|g| names_used(g, &mut used));
        }
    }
    into.extend(used.into_iter().filter(|name| !own.contains(name)));
}
