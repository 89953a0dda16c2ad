//! What a GPU does in a second at best, measured by kernels that do nothing else.

use crate::stopwatch::Stopwatch;
use anyhow::{Context, Result};
use edgewise_bench::stats::median;
use edgewise_core::block_on;
use edgewise_core::device::{Device, Launch, Memory, Target};
use edgewise_gpu::Gpu;
use edgewise_gpu::shader::{Shader, Variant};
use serde::Serialize;

static MEMORY: Shader = Shader { name: "memory", text: include_str!("memory.wgsl"), reads: 1, writes: 1 };
static MULTIPLY_ADD: Shader =
    Shader { name: "multiply_add", text: include_str!("multiply_add.wgsl"), reads: 1, writes: 1 };
static PACKED_DOTS: Shader =
    Shader { name: "packed_dots", text: include_str!("packed_dots.wgsl"), reads: 1, writes: 1 };

/// Bytes of the buffers that are read and copied: more than caches hold, and no more than every GPU can bind.
const LARGE: usize = 128 << 20;
/// Bytes of a group of `memory.wgsl`.
const OF_GROUP: usize = 256 * 4 * 16;
/// Groups that keep a GPU busy, of so many invocations.
const GROUPS: u32 = 4096;
const GROUP: usize = 64;
/// Operations of a step: of 32 sums of a float, and of 16 sums of four bytes.
const STEP_OF_FLOATS: usize = 2 * 32;
const STEP_OF_BYTES: usize = 2 * 4 * 16;
/// Operations that take long enough to be timed are looked for from so many steps to so many.
const STEPS: [u32; 2] = [16, 16_384];
/// That is, at least this.
const LONG_US: f64 = 3_000.0;

/// What a GPU does in a microsecond.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Rates {
    /// Bytes that it only reads.
    pub read_per_us: f64,
    /// Bytes that it reads, and writes, while it copies.
    pub copied_per_us: f64,
    /// Products and sums of f32s.
    pub floats_per_us: f64,
    /// Products and sums of packed bytes.
    pub packed_per_us: f64,
}

impl Rates {
    /// Bytes that are moved at best.
    pub fn bytes_per_us(&self) -> f64 {
        self.read_per_us.max(self.copied_per_us)
    }
}

/// A kernel that does so much of one thing.
struct Probe {
    watch: Stopwatch,
    amount: f64,
    /// In a microsecond, by round.
    rates: Vec<f64>,
}

/// All that is measured of the GPU itself: reading, copying, floats in two forms, bytes.
pub struct Probes([Probe; 5]);

impl Probes {
    pub fn new(gpu: &Gpu) -> Result<Probes> {
        let large = LARGE.min(usize::try_from(gpu.limits().buffer_bytes)?) / OF_GROUP * OF_GROUP;
        let [x, y] = [gpu.allocate(large as u64, "a large buffer")?, gpu.allocate(large as u64, "another")?];
        let groups = u32::try_from(large / OF_GROUP)?;
        let memory = |way, [from, to]: [&Memory; 2]| {
            let buffers = vec![Target::Held(from.clone()), Target::Held(to.clone())];
            launch(gpu, Variant::new(&MEMORY, &[("WAY", way)]), buffers, [1, 2, 3, 5], groups)
        };
        Stopwatch::new(gpu, &[memory(0, [&y, &x])?], &[])?;
        Ok(Probes([
            Probe::of(gpu, memory(2, [&x, &y])?, large)?,
            Probe::of(gpu, memory(1, [&x, &y])?, 2 * large)?,
            Probe::of_steps(gpu, &MULTIPLY_ADD, &[("FUSED", 0)], STEP_OF_FLOATS)?,
            Probe::of_steps(gpu, &MULTIPLY_ADD, &[("FUSED", 1)], STEP_OF_FLOATS)?,
            Probe::of_steps(gpu, &PACKED_DOTS, &[], STEP_OF_BYTES)?,
        ]))
    }

    pub fn round(&mut self, gpu: &Gpu) -> Result<()> {
        self.0.iter_mut().try_for_each(|probe| probe.round(gpu))
    }

    /// The medians of all rounds.
    pub fn rates(&self) -> Rates {
        let [read, copied, floats, fused, packed] =
            self.0.each_ref().map(|probe| median(&probe.rates).unwrap_or(f64::NAN));
        let floats_per_us = floats.max(fused);
        Rates { read_per_us: read, copied_per_us: copied, floats_per_us, packed_per_us: packed }
    }
}

impl Probe {
    fn of(gpu: &Gpu, launch: Launch<Target>, amount: usize) -> Result<Probe> {
        Ok(Probe { watch: Stopwatch::new(gpu, &[launch], &[])?, amount: amount as f64, rates: Vec::new() })
    }

    /// Of a kernel that repeats a step of so many operations, as often as it takes to be timed.
    fn of_steps(
        gpu: &Gpu,
        shader: &'static Shader,
        constants: &[(&'static str, u32)],
        step: usize,
    ) -> Result<Probe> {
        let invocations = GROUPS as usize * GROUP;
        // A factor and an addend: sums of floats stay near 1, and bytes are of any kind.
        let numbers: Vec<u8> =
            [0.5f32; 8].iter().flat_map(|x| (x + 0.0123).to_bits().to_le_bytes()).collect();
        let [x, y] = [gpu.allocate(32, "factors")?, gpu.allocate(16 * invocations as u64, "sums")?];
        gpu.write(&x, &numbers)?;
        let [mut steps, most] = STEPS;
        loop {
            let buffers = vec![Target::Held(x.clone()), Target::Held(y.clone())];
            let launch = launch(gpu, Variant::new(shader, constants), buffers, [steps, 0, 0, 0], GROUPS)?;
            let probe = Probe::of(gpu, launch, steps as usize * step * invocations)?;
            if steps >= most || probe.us(gpu)? >= LONG_US {
                return Ok(probe);
            }
            steps *= 4;
        }
    }

    fn us(&self, gpu: &Gpu) -> Result<f64> {
        self.watch.round(gpu)?.first().copied().context("nothing was timed")
    }

    fn round(&mut self, gpu: &Gpu) -> Result<()> {
        self.rates.push(self.amount / self.us(gpu)?);
        Ok(())
    }
}

fn launch(
    gpu: &Gpu,
    variant: Variant,
    buffers: Vec<Target>,
    parameters: [u32; 4],
    groups: u32,
) -> Result<Launch<Target>> {
    let pipeline = gpu.pipeline(variant);
    block_on(gpu.prepare(&[pipeline]))?;
    Ok(Launch { pipeline, buffers, parameters: parameters.to_vec(), groups: [groups, 1, 1] })
}
