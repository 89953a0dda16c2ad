//! A GPU as core's [`Device`]: a driver, the table of kernels, and the table of pipelines that they asked for.
//!
//! What a reader would get wrong: [`lower`](Device::lower) compiles nothing. A kernel names pipelines and gets
//! numbers. Which of them it launches only sizes tell: [`prepare`](Device::prepare) compiles those, once for all nodes
//! that share them.

use crate::driver::{Dispatch, Driver, Features, Limits, Pipeline};
use crate::kernels;
use crate::self_test;
use crate::shader::Variant;
use edgewise_core::device::{Device, DeviceKernel, Launch, Lowered, Memory, PipelineId, Recording, Target};
use edgewise_core::{BoxFuture, Result};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A GPU.
pub struct Gpu {
    driver: Box<dyn Driver>,
    by_hand: Vec<&'static str>,
    /// Constants of kernels that differ from GPU to GPU.
    told: Vec<&'static str>,
    pipelines: Mutex<Pipelines>,
    /// The same GPU opened again, after it was lost.
    successor: Mutex<Option<Arc<Gpu>>>,
}

#[derive(Default)]
struct Pipelines {
    ids: HashMap<Variant, PipelineId>,
    /// By number.
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    variant: Arc<Variant>,
    made: Option<Pipeline>,
}

impl Gpu {
    /// The device over a driver, which is put to the test first.
    pub(crate) async fn over(driver: Box<dyn Driver>) -> Result<Gpu> {
        let by_hand = self_test::fallbacks(&*driver).await?;
        let mut told = by_hand.clone();
        if !driver.features().barriers {
            told.push("ALONE");
        }
        Ok(Gpu { driver, by_hand, told, pipelines: Mutex::default(), successor: Mutex::default() })
    }

    /// What kernels do by integers, as this GPU gets it wrong or was said to: the constants that say so.
    pub fn by_hand(&self) -> &[&'static str] {
        &self.by_hand
    }

    /// What one dispatch may use.
    pub fn limits(&self) -> Limits {
        self.driver.limits()
    }

    /// What it has beyond what every GPU has.
    pub fn features(&self) -> Features {
        self.driver.features()
    }

    /// Whether it went away.
    pub fn is_lost(&self) -> bool {
        self.driver.is_lost()
    }

    /// The browser's own objects behind it.
    #[cfg(target_family = "wasm")]
    pub fn web(&self) -> &crate::driver::web::Web {
        self.driver.web()
    }

    /// Gives the GPU up: whatever is asked of it from here on fails as if it had gone away. Sessions on it go on with
    /// the same GPU opened again.
    pub fn give_up(&self) {
        self.driver.give_up();
    }

    /// This one or, where it was lost, the one that took its place.
    async fn renewed(self: Arc<Self>) -> Result<Arc<Gpu>> {
        let mut gpu = self;
        while gpu.driver.is_lost() {
            let known = lock(&gpu.successor).clone();
            let next = match known {
                Some(next) => next,
                None => {
                    let opened = Arc::new(Gpu::over(gpu.driver.reopen().await?).await?);
                    // Another one may have been quicker.
                    lock(&gpu.successor).get_or_insert(opened).clone()
                }
            };
            gpu = next;
        }
        Ok(gpu)
    }

    /// The number of a pipeline, which [`prepare`](Device::prepare) makes when it is wanted.
    #[doc(hidden)]
    pub fn pipeline(&self, mut variant: Variant) -> PipelineId {
        let shader = variant.shader;
        // A file that is not there fails when it is compiled.
        for &name in self.told.iter().filter(|name| shader.has_constant(name).unwrap_or(false)) {
            // Whatever the kernel itself would have there.
            variant.constants.retain(|(constant, _)| *constant != name);
            variant.constants.push((name, 1));
        }
        let mut pipelines = self.table();
        if let Some(&id) = pipelines.ids.get(&variant) {
            return id;
        }
        let id = PipelineId(pipelines.entries.len() as u32);
        pipelines.entries.push(Entry { variant: Arc::new(variant.clone()), made: None });
        pipelines.ids.insert(variant, id);
        id
    }

    /// What a pipeline is made of.
    #[doc(hidden)]
    pub fn variant(&self, id: PipelineId) -> Option<Arc<Variant>> {
        self.table().entries.get(id.0 as usize).map(|entry| entry.variant.clone())
    }

    /// How many pipelines are made.
    #[doc(hidden)]
    pub fn made(&self) -> usize {
        self.table().entries.iter().filter(|entry| entry.made.is_some()).count()
    }

    /// Those that are not made, each once.
    fn missing(&self, wanted: &[PipelineId]) -> BTreeMap<usize, Arc<Variant>> {
        let pipelines = self.table();
        let missing = |id: &PipelineId| {
            let entry = pipelines.entries.get(id.0 as usize).filter(|entry| entry.made.is_none())?;
            Some((id.0 as usize, entry.variant.clone()))
        };
        wanted.iter().filter_map(missing).collect()
    }

    fn table(&self) -> MutexGuard<'_, Pipelines> {
        lock(&self.pipelines)
    }
}

/// What is inside. A thread that panicked while it held it has broken nothing: all that is put in is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Device for Gpu {
    fn name(&self) -> &str {
        self.driver.name()
    }

    fn lower(&self, node: &Lowered<'_>) -> Result<Option<Box<dyn DeviceKernel>>> {
        kernels::lower(self, node)
    }

    fn prepare<'a>(&'a self, wanted: &'a [PipelineId]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let missing = self.missing(wanted);
            if missing.is_empty() {
                return Ok(());
            }
            let variants: Vec<Variant> = missing.values().map(|variant| (**variant).clone()).collect();
            let made = self.driver.pipelines(&variants).await?;
            let mut pipelines = self.table();
            for (i, pipeline) in missing.into_keys().zip(made) {
                if let Some(entry) = pipelines.entries.get_mut(i) {
                    entry.made = Some(pipeline);
                }
            }
            Ok(())
        })
    }

    fn allocate(&self, bytes: u64, what: &str) -> Result<Memory> {
        self.driver.allocate(bytes, what)
    }

    fn write(&self, to: &Memory, bytes: &[u8]) -> Result<()> {
        self.driver.write(to, bytes)
    }

    fn join(&self, parts: &[(Memory, Range<u64>)], to: &Memory) -> Result<()> {
        self.driver.join(parts, to)
    }

    fn record(&self, launches: &[Launch<Target>], slots: &[Memory]) -> Result<Recording> {
        // Entries are handles: what is copied lives as long as the recording needs it.
        let entries = launches.iter().map(|launch| {
            let entry = self.table().entries.get(launch.pipeline.0 as usize).cloned();
            entry.ok_or_else(|| err!(Internal, "a launch of a pipeline that nobody asked for"))
        });
        let entries = entries.collect::<Result<Vec<Entry>>>()?;
        let dispatches = launches.iter().zip(&entries).map(|(launch, entry)| dispatch(launch, entry, slots));
        let dispatches = dispatches.collect::<Result<Vec<Dispatch<'_>>>>()?;
        self.driver.record(&dispatches)
    }

    fn replay<'a>(
        &'a self,
        recording: &'a Recording,
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<()>> {
        self.driver.replay(recording, check)
    }

    fn replay_timed<'a>(
        &'a self,
        recording: &'a Recording,
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<Option<Vec<Range<Duration>>>>> {
        self.driver.replay_timed(recording, check)
    }

    fn read<'a>(
        &'a self,
        from: &'a [(Memory, usize)],
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<Vec<Vec<u8>>>> {
        self.driver.read(from, check)
    }

    fn living(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Device>>> {
        Box::pin(async { Ok(self.renewed().await? as Arc<dyn Device>) })
    }
}

/// A launch with everything in its place.
fn dispatch<'a>(launch: &'a Launch<Target>, entry: &'a Entry, slots: &'a [Memory]) -> Result<Dispatch<'a>> {
    let (variant, shader) = (&*entry.variant, entry.variant.shader);
    let pipeline = entry.made.as_ref().ok_or_else(|| err!(Internal, "'{variant}' is not prepared"))?;
    let memory = |target: &'a Target| match target {
        Target::Held(memory) => Ok(memory),
        Target::Slot(i) => slots.get(*i).ok_or_else(|| err!(Internal, "'{variant}' is given slot {i}")),
        Target::Status => Err(err!(Internal, "'{variant}' is given a status that is not in its place")),
    };
    let buffers = launch.buffers.iter().map(memory).collect::<Result<Vec<&Memory>>>()?;
    let (reads, writes) = (shader.reads as usize, shader.writes as usize);
    ensure!(
        buffers.len() == reads + writes,
        Internal,
        "'{variant}' is given {} buffers, and takes {reads} and {writes}",
        buffers.len()
    );
    // A buffer that is written must be bound nowhere else.
    let address = |memory: &Memory| std::ptr::from_ref(memory.of_device()).cast::<()>();
    for (i, written) in buffers.iter().enumerate().skip(reads) {
        let shared = buffers.iter().take(i).any(|other| address(other) == address(written));
        ensure!(!shared, Internal, "'{variant}' is to write a buffer that it is given twice");
    }
    Ok(Dispatch { pipeline, variant, buffers, parameters: &launch.parameters, groups: launch.groups })
}
