//! What of a program runs on a device: its kernels, the constants that lie there, and buffers that runs have left.
//!
//! A node goes to the device if the device has a kernel for it. What only gives elements another shape goes
//! nowhere: it lies where its input lies.

use super::segment::{Segment, Work};
use crate::Result;
use crate::device::{
    Built, Device, DeviceKernel, Launch, Lowered, Memory, NOTHING_WRONG, Recording, Target, built,
    device_bytes,
};
use crate::graph::{Fact, Graph, ValueId};
use edgewise_pool::lock;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

/// How many runs' buffers are kept for runs to come.
const KEPT_ARENAS: usize = 4;
/// How many recordings are kept with them.
const KEPT_RECORDINGS: usize = 64;

/// What of a program runs on a device.
pub struct Placement {
    device: Arc<dyn Device>,
    kernels: Vec<Option<Box<dyn DeviceKernel>>>,
    resident: Vec<Option<Memory>>,
    /// The forms in which kernels wish to have values.
    wished: HashMap<ValueId, Vec<u64>>,
    /// What the host computes though the device could, by value.
    on_host: Vec<bool>,
    arenas: Mutex<Vec<DeviceArena>>,
    #[expect(dead_code, reason = "without it there is no placement")]
    built: Built,
}

impl Placement {
    /// On a device, of which no node makes use yet, and none will for the values that are the host's.
    pub(super) fn new(device: Arc<dyn Device>, graph: &Graph, on_host: Vec<bool>) -> Result<Placement> {
        let mut kernels = Vec::new();
        kernels.resize_with(graph.nodes.len(), || None);
        let resident = vec![None; graph.values.len()];
        let (wished, arenas) = (HashMap::new(), Mutex::default());
        Ok(Placement { device, kernels, resident, wished, on_host, arenas, built: built()? })
    }

    /// Asks the device for a kernel for a node; gives the constant inputs that the host need not keep for it.
    pub(super) fn lower(
        &mut self,
        graph: &Graph,
        node: usize,
        facts: &[Option<Fact>],
    ) -> Result<Option<Vec<usize>>> {
        let at = node;
        let node = &graph.nodes[at];
        if !node.op.graphs().is_empty() || node.op.kernel().is_alias() {
            return Ok(None);
        }
        let is_host = |id: &ValueId| self.on_host.get(id.at()).copied().unwrap_or(false);
        if node.outputs.iter().flatten().any(is_host) {
            return Ok(None);
        }
        let fact = |id: &Option<ValueId>| id.and_then(|id| facts[id.at()].as_ref());
        let inputs: Vec<Option<&Fact>> = node.inputs.iter().map(fact).collect();
        let outputs: Vec<Option<&Fact>> = node.outputs.iter().map(fact).collect();
        // Small integers that are known as symbols are computed while sizes are bound.
        if outputs.iter().flatten().all(|fact| fact.known.is_some()) {
            return Ok(None);
        }
        let first = node.outputs.first().copied().flatten();
        let wished = first.and_then(|id| self.wished.get(&id)).map_or(&[][..], Vec::as_slice);
        let lowered = Lowered { node, inputs: &inputs, outputs: &outputs, wished };
        let Some(kernel) = self.device.lower(&lowered)? else { return Ok(None) };
        if let Some(wish) = kernel.wish()
            && let Some(id) = node.input(wish.input)
        {
            let forms = self.wished.entry(id).or_default();
            if !forms.contains(&wish.form) {
                forms.push(wish.form);
            }
        }
        let mut taken = kernel.packed().to_vec();
        for (i, fact) in inputs.iter().enumerate() {
            let (Some(fact), Some(id)) = (fact, node.inputs[i]) else { continue };
            let Some(view) = fact.view() else { continue };
            if taken.contains(&i) || kernel.on_host().contains(&i) {
                continue;
            }
            if self.resident[id.at()].is_none() {
                let what = format!("tensor '{}'", graph.values[id.at()].name);
                let memory = self.device.allocate(device_bytes(view.bytes().len()), &what)?;
                self.device.write(&memory, view.bytes())?;
                self.resident[id.at()] = Some(memory);
            }
            taken.push(i);
        }
        self.kernels[at] = Some(kernel);
        Ok(Some(taken))
    }

    /// The device.
    pub fn device(&self) -> &Arc<dyn Device> {
        &self.device
    }

    /// The device's kernel for a node, if it has one.
    pub fn kernel(&self, node: usize) -> Option<&dyn DeviceKernel> {
        self.kernels[node].as_deref()
    }

    /// A constant that lies on the device.
    pub fn resident(&self, id: ValueId) -> Option<&Memory> {
        self.resident[id.at()].as_ref()
    }

    /// Buffers that another run has left, or none.
    pub fn take_arena(&self) -> DeviceArena {
        lock(&self.arenas).pop().unwrap_or_default()
    }

    /// Leaves buffers to another run.
    pub fn leave_arena(&self, arena: DeviceArena) {
        let mut arenas = lock(&self.arenas);
        if arenas.len() < KEPT_ARENAS {
            arenas.push(arena);
        }
    }
}

/// The buffers of one run on the device, and what was recorded on them.
#[derive(Default)]
pub struct DeviceArena {
    /// What the caller of a run lends it; these are numbered first.
    lent: Vec<Memory>,
    slots: Vec<Memory>,
    /// What launches may write in that something is wrong. A run that finds anything there fails and leaves no
    /// arena behind, so nothing is wrong when the next one begins.
    status: Option<Memory>,
    /// By a segment's number and a task of it.
    recordings: HashMap<(u64, usize), Recorded>,
}

/// A recording, and the buffers that it holds: of no use any more when another one takes the place of one of them.
struct Recorded {
    recording: Recording,
    /// Some that were lent.
    lent: bool,
    /// Own ones, by number.
    own: Vec<usize>,
}

impl DeviceArena {
    /// Makes every buffer at least as large as a segment needs it.
    pub fn fit(&mut self, device: &dyn Device, segment: &Segment, graph: &Graph) -> Result<()> {
        let lent = self.lent.len();
        for (i, &bytes) in segment.slot_bytes.iter().skip(lent).enumerate() {
            let bytes = bytes.max(device_bytes(0));
            match self.slots.get(i) {
                Some(memory) if memory.bytes() >= bytes => continue,
                _ => {}
            }
            let what = match segment.largest_in(lent + i).and_then(|id| graph.values.get(id.at())) {
                Some(value) => format!("tensor '{}'", value.name),
                None => "intermediate results".to_string(),
            };
            let memory = device.allocate(bytes, &what)?;
            self.replace(i, memory);
        }
        let words = segment.checks.len() * size_of_val(&NOTHING_WRONG);
        if words > self.status.as_ref().map_or(0, |status| status.bytes() as usize) {
            self.recordings.clear();
            let status = device.allocate(device_bytes(words), "the status of a run")?;
            device.write(&status, &NOTHING_WRONG.to_le_bytes().repeat(status.bytes() as usize / 4))?;
            self.status = Some(status);
        }
        Ok(())
    }

    /// Where launches write that something is wrong.
    pub fn status(&self) -> Result<&Memory> {
        self.status.as_ref().ok_or_else(|| err!(Internal, "the run has no status"))
    }

    /// A buffer.
    pub fn slot(&self, slot: usize) -> Result<&Memory> {
        let memory = match slot.checked_sub(self.lent.len()) {
            Some(own) => self.slots.get(own),
            None => self.lent.get(slot),
        };
        memory.ok_or_else(|| err!(Internal, "the device has no buffer {slot}"))
    }

    /// Takes buffers that the caller lends, or takes leave of them. What was recorded holds others.
    pub fn lend(&mut self, lent: Vec<Memory>) {
        self.recordings.retain(|_, recorded| !recorded.lent);
        self.lent = lent;
    }

    /// The buffer that is that memory, if one is.
    pub fn find(&self, memory: &Memory) -> Option<usize> {
        self.lent.iter().chain(&self.slots).position(|slot| slot.is(memory))
    }

    /// Puts memory in the place of a buffer of the run's own.
    pub fn put(&mut self, slot: usize, memory: Memory) -> Result<()> {
        let own = slot.checked_sub(self.lent.len());
        self.replace(own.ok_or_else(|| err!(Internal, "buffer {slot} is lent"))?, memory);
        Ok(())
    }

    fn replace(&mut self, own: usize, memory: Memory) {
        if own >= self.slots.len() {
            // Those without room are made as soon as they are needed.
            self.slots.resize_with(own + 1, || memory.without_room());
        }
        self.slots[own] = memory;
        self.recordings.retain(|_, recorded| !recorded.own.contains(&own));
    }

    /// Gives buffers away with what is in them; a lent one is given back.
    pub fn give(&mut self, slots: &[usize]) -> Result<Vec<Memory>> {
        let given: Vec<Memory> = slots.iter().map(|&slot| self.slot(slot).cloned()).collect::<Result<_>>()?;
        let lent = self.lent.len();
        for (slot, memory) in slots.iter().zip(&given) {
            let own = slot.checked_sub(lent).filter(|own| *own < self.slots.len());
            if let Some(own) = own {
                // Another one is made as soon as one is needed.
                self.replace(own, memory.without_room());
            }
        }
        Ok(given)
    }

    /// Bytes of all buffers.
    pub fn bytes(&self) -> u64 {
        self.slots.iter().map(Memory::bytes).sum()
    }

    /// Whether every stretch of a segment is recorded.
    pub fn has_recorded(&self, segment: &Segment) -> bool {
        let is_recorded = |task: usize| self.recordings.contains_key(&(segment.number, task));
        let mut tasks = segment.tasks.iter().enumerate();
        tasks.all(|(i, task)| !matches!(task.work, Work::Stretch(_)) || is_recorded(i))
    }

    /// The recording of a stretch, made now if it is not kept.
    pub fn recording(&mut self, device: &dyn Device, segment: &Segment, task: usize) -> Result<&Recording> {
        let key = (segment.number, task);
        if !self.recordings.contains_key(&key) {
            let Work::Stretch(steps) = &segment.tasks[task].work else {
                bail!(Internal, "only a stretch is recorded");
            };
            let launches = steps.iter().flat_map(|step| &step.launches).map(|launch| self.placed(launch));
            let launches = launches.collect::<Result<Vec<_>>>()?;
            let slots: Vec<Memory> = self.lent.iter().chain(&self.slots).cloned().collect();
            let recording = device.record(&launches, &slots)?;
            let used = launches.iter().flat_map(|launch| &launch.buffers).filter_map(|target| match target {
                Target::Slot(slot) => Some(slot.checked_sub(self.lent.len())),
                _ => None,
            });
            let used: HashSet<Option<usize>> = used.collect();
            let (lent, own) = (used.contains(&None), used.into_iter().flatten().collect());
            if self.recordings.len() >= KEPT_RECORDINGS {
                self.recordings.clear();
            }
            self.recordings.insert(key, Recorded { recording, lent, own });
        }
        let recorded = self.recordings.get(&key).map(|recorded| &recorded.recording);
        recorded.ok_or_else(|| err!(Internal, "a recording is gone"))
    }

    /// A launch with the status in its place.
    fn placed(&self, launch: &Launch<Target>) -> Result<Launch<Target>> {
        let mut launch = launch.clone();
        for target in launch.buffers.iter_mut().filter(|target| matches!(target, Target::Status)) {
            *target = Target::Held(self.status()?.clone());
        }
        Ok(launch)
    }
}
