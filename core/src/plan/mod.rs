//! From a graph to steps that can be replayed.
//!
//! A [`Program`] is a graph with a kernel for every node. Sizes are bound later: [`bind`] walks the nodes
//! with numbers in place of symbols and lays out the memory of as long a [`Segment`] as those numbers carry.
//! A size that depends on data ends the segment; the next one is bound when the data is there. Segments are
//! kept, keyed by all that they depend on, so that a second run of the same sizes only replays.

mod arena;
mod bind;
mod carry;
mod check;
mod constants;
mod inside;
mod memory;
mod placement;
mod scalars;
mod segment;
mod sides;
mod slots;
mod text;

pub use arena::Arena;
pub use bind::bind;
pub use carry::Carry;
pub use check::check;
pub use inside::Planned;
pub use memory::{Interval, lay_out, live_bytes};
pub use placement::{DeviceArena, Placement};
pub use segment::{
    Destination, DeviceSlot, DeviceStep, DeviceValue, Download, FlowStep, Home, Live, Segment, Slot, Step,
    StepIn, Stop, Task, Upload, Work,
};
pub use sides::Sides;
pub use slots::{Stay, assign};

use crate::cpu::{Flow, Kernel, Lowering};
use crate::device::Device;
use crate::graph::{Constant, Fact, Graph, Inside, Node, ValueId, constant_fact, infer_facts, infer_inside};
use crate::{BoxFuture, Result, Tensor};
use constants::Constants;
use edgewise_pool::lock;
use scalars::scalars;
use segment::Key;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// How many bound segments a program keeps.
const CACHE: usize = 64;

/// A graph that is ready to be bound and run.
pub struct Program {
    graph: Graph,
    /// The node after which each value is of no more use; `usize::MAX` for the graph's outputs.
    last_use: Vec<usize>,
    /// Constants, loaded.
    constants: Vec<Option<Tensor>>,
    /// Kernels made for a node; `None` where the operator itself runs.
    kernels: Vec<Option<Box<dyn Kernel>>>,
    /// What does not run on the host.
    placement: Option<Placement>,
    /// How many segments were bound so far.
    bound: AtomicU64,
    segments: Mutex<HashMap<Key, Arc<Segment>>>,
    arena: Arena,
}

impl Program {
    /// The arena of runs that have ended.
    pub fn arena(&self) -> &Arena {
        &self.arena
    }

    /// Compiles a graph whose constants have been [loaded](load_constants), for the host.
    pub fn compile(graph: Graph) -> Result<Program> {
        Program::compile_for(graph, None)
    }

    /// Compiles a graph for a device; the host takes what the device has no kernels for.
    pub fn compile_for(graph: Graph, device: Option<Arc<dyn Device>>) -> Result<Program> {
        Program::compile_heard(graph, device, &mut || {})
    }

    /// The same; `heard` is called behind every node, whose constants have been read by then.
    pub fn compile_heard(
        graph: Graph,
        device: Option<Arc<dyn Device>>,
        heard: &mut dyn FnMut(),
    ) -> Result<Program> {
        Program::compile_with(graph, device, None, heard)
    }

    /// Compiles a graph that a node runs, beside a device.
    pub fn compile_inside(graph: Graph, device: Arc<dyn Device>, inside: &Inside) -> Result<Program> {
        Program::compile_with(graph, Some(device), Some(inside), &mut || {})
    }

    fn compile_with(
        mut graph: Graph,
        device: Option<Arc<dyn Device>>,
        inside: Option<&Inside>,
        heard: &mut dyn FnMut(),
    ) -> Result<Program> {
        let mut constants = Constants::of(&mut graph)?;
        let mut placement = match device {
            // Now, while all constants are known.
            Some(device) => {
                let facts = infer_facts(&graph, inside.map_or(&[], |inside| &inside.inputs))?;
                let on_host = inside.map_or_else(Vec::new, |inside| scalars(&graph, &facts, inside));
                Some((Placement::new(device, &graph, on_host)?, facts))
            }
            None => None,
        };
        // From the last on: there networks have their largest weights, and what these leave has room for what smaller
        // ones become. The other way round, nothing that was left would suffice, and all would be new memory.
        let mut kernels: Vec<_> = graph.nodes.iter().map(|_| None).collect();
        for i in (0..graph.nodes.len()).rev() {
            constants.read_for(&mut graph, i, placement.as_mut().map(|(_, facts)| facts))?;
            let node = &graph.nodes[i];
            let on_device = match &mut placement {
                Some((placement, facts)) => placement.lower(&graph, i, facts),
                None => Ok(None),
            };
            let on_device = on_device.map_err(|e| e.at_node(&node.name, &node.op_name))?;
            let kernel = match (&on_device, &placement) {
                (Some(_), _) => None,
                (None, Some((placement, facts))) if !node.op.graphs().is_empty() => {
                    let inside =
                        infer_inside(node, facts).map_err(|e| e.at_node(&node.name, &node.op_name))?;
                    lower(&graph, node, Some((placement.device(), &inside)))?
                }
                (None, _) => lower(&graph, node, None)?,
            };
            // One after the other, so that no two forms of all weights are in memory at once.
            let packed = || kernel.iter().flat_map(|kernel| kernel.packed()).copied().collect();
            let taken: Vec<usize> = on_device.unwrap_or_else(packed);
            constants.let_go(&mut graph, i, &taken, placement.as_mut().map(|(_, facts)| facts));
            forget_inside(&mut graph.nodes[i], kernel.as_deref());
            kernels[i] = kernel;
            heard();
        }
        let (last_use, constants) = (last_uses(&graph), constants.finish(&mut graph)?);
        Ok(Program {
            graph,
            last_use,
            constants,
            kernels,
            placement: placement.map(|(placement, _)| placement),
            bound: AtomicU64::new(0),
            segments: Mutex::default(),
            arena: Arena::default(),
        })
    }

    /// Makes ready what the device launches, as far as it is known before there are inputs: where the model says all
    /// their sizes. What else a run needs, it makes ready itself.
    pub async fn prepare(&self) -> Result<()> {
        self.prepare_heard(&mut |_, _| {}).await
    }

    /// The same; `heard` is called with how many pipelines are made, of how many.
    pub async fn prepare_heard(&self, heard: &mut (dyn FnMut(usize, usize) + Send)) -> Result<()> {
        let Some(placement) = &self.placement else { return Ok(()) };
        let inputs = self.graph.inputs.iter().map(|id| {
            let fact = self.graph.values[id.at()].declared.clone()?;
            (fact.dtype().is_some() && fact.shape().is_some()).then_some((*id, fact, Home::Owned(*id)))
        });
        let Some(inputs) = inputs.collect::<Option<Vec<Live>>>() else { return Ok(()) };
        // What cannot be bound fails when it runs: then there are sizes to name.
        match self.segment(0, &inputs, false) {
            Ok(segment) => {
                let wanted = segment.pipelines();
                heard(0, wanted.len());
                placement.device().prepare(&wanted).await?;
                heard(wanted.len(), wanted.len());
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    /// What does not run on the host, if anything may.
    pub fn placement(&self) -> Option<&Placement> {
        self.placement.as_ref()
    }

    /// A number that no other segment of this program has.
    fn next_number(&self) -> u64 {
        self.bound.fetch_add(1, Ordering::Relaxed)
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The kernel of a node.
    pub fn kernel(&self, node: usize) -> &dyn Kernel {
        match &self.kernels[node] {
            Some(kernel) => &**kernel,
            None => self.graph.nodes[node].op.kernel(),
        }
    }

    /// What a node runs beside the device, if it runs graphs.
    pub fn flow(&self, node: usize) -> Option<&dyn Flow> {
        self.placement.as_ref().and_then(|_| self.kernel(node).flow())
    }

    /// What is known of every value while sizes are still symbols.
    pub fn facts(&self) -> Result<Vec<Option<Fact>>> {
        infer_facts(&self.graph, &[])
    }

    /// The elements of a constant, unless kernels have taken them.
    pub fn constant(&self, id: ValueId) -> Option<&Tensor> {
        self.constants[id.at()].as_ref()
    }

    /// The node after which a value is of no more use.
    pub fn last_use(&self, id: ValueId) -> usize {
        self.last_use[id.at()]
    }

    /// The segment that begins at `start` with those values alive, bound now if it is not kept.
    pub fn segment(&self, start: usize, live: &[Live], ready: bool) -> Result<Arc<Segment>> {
        self.segment_carrying(start, live, ready, &Carry::default())
    }

    /// The same, where values come from the device or stay there.
    pub fn segment_carrying(
        &self,
        start: usize,
        live: &[Live],
        ready: bool,
        carry: &Carry,
    ) -> Result<Arc<Segment>> {
        let key = Key::new(start, live, ready, carry)?;
        if let Some(segment) = lock(&self.segments).get(&key) {
            return Ok(segment.clone());
        }
        let segment = Arc::new(bind(self, start, live, ready, carry)?);
        debug_assert_eq!(check(self, start, live, &segment, carry).err().map(|e| e.to_string()), None);
        crate::log::log(1, || format!("plan from node {start}: {}", segment.text(self)));
        let mut kept = lock(&self.segments);
        if kept.len() >= CACHE {
            kept.clear();
        }
        kept.insert(key, segment.clone());
        Ok(segment)
    }
}

/// Loads the constants of a graph and of the graphs in it; `heard` is called for each. Those that `may_wait`, because there
/// is a device to take them, stay in their source if they are large and it has them at hand.
pub fn load_constants<'a>(
    graph: &'a Graph,
    may_wait: bool,
    heard: &'a mut (dyn FnMut() + Send),
) -> BoxFuture<'a, Result<()>> {
    Box::pin(async move {
        for value in &graph.values {
            let Some(Constant::Stored(stored)) = &value.constant else { continue };
            if !(may_wait && stored.may_wait().await?) {
                stored.load().await?;
                heard();
            }
        }
        for node in &graph.nodes {
            for inner in node.op.graphs() {
                load_constants(inner, may_wait, heard).await?;
            }
        }
        Ok(())
    })
}

/// Lets a node's own graphs go without the constants that those it runs have forgotten.
fn forget_inside(node: &mut Node, kernel: Option<&dyn Kernel>) {
    let bodies = kernel.and_then(Kernel::flow).map_or_else(Vec::new, Flow::bodies);
    for (graph, body) in node.op.graphs_mut().into_iter().zip(bodies) {
        *graph = body.program.graph().clone();
    }
}

/// The kernel made for a node, if one is.
fn lower(
    graph: &Graph,
    node: &Node,
    beside: Option<(&Arc<dyn Device>, &[Inside])>,
) -> Result<Option<Box<dyn Kernel>>> {
    let constant = |id: ValueId| graph.values[id.at()].constant.as_ref().map(constant_fact);
    let facts: Vec<Option<Fact>> = node.inputs.iter().map(|id| id.and_then(constant)).collect();
    let inputs: Vec<Option<&Fact>> = facts.iter().map(Option::as_ref).collect();
    let present: Vec<bool> = node.inputs.iter().map(Option::is_some).collect();
    let kernel = node.op.kernel().lower(&Lowering { inputs: &inputs, present: &present, beside });
    kernel.map_err(|e| e.at_node(&node.name, &node.op_name))
}

fn last_uses(graph: &Graph) -> Vec<usize> {
    let mut last = vec![0; graph.values.len()];
    for (i, node) in graph.nodes.iter().enumerate() {
        for id in node.inputs.iter().chain(&node.outputs).flatten() {
            last[id.at()] = i;
        }
    }
    for id in &graph.outputs {
        last[id.at()] = usize::MAX;
    }
    last
}
