//! How long launches take: by the GPU's timestamps where it has them, by the clock of batches where it has none.
//!
//! What a reader would get wrong: a launch is repeated, so that what it reads may lie in a cache already. A share
//! above the floor of memory says just that.

use anyhow::{Result, ensure};
use edgewise_bench::stats::median;
use edgewise_core::device::{Device, Launch, Memory, Recording, Target};
use edgewise_core::{Error, block_on};
use edgewise_gpu::Gpu;
use std::time::{Duration, Instant};

/// What a round takes of each case, about.
const ROUND: Duration = Duration::from_millis(20);
/// Repetitions of a launch in a round, at most.
const MOST: usize = 200;

/// Launches that are timed again and again.
pub struct Stopwatch {
    /// All launches in turn, or where only batches are timed each for itself.
    recordings: Vec<Recording>,
    launches: usize,
    times: usize,
}

fn go_on() -> Result<(), Error> {
    Ok(())
}

/// Runs a recording until the GPU has nothing to do any more.
fn run(gpu: &Gpu, recording: &Recording) -> Result<Duration> {
    let begin = Instant::now();
    block_on(gpu.replay(recording, &go_on))?;
    block_on(gpu.read(&[], &go_on))?;
    Ok(begin.elapsed())
}

impl Stopwatch {
    /// For those launches on those slots. They run, so that nothing is new to the GPU any more.
    pub fn new(gpu: &Gpu, launches: &[Launch<Target>], slots: &[Memory]) -> Result<Stopwatch> {
        let once = gpu.record(launches, slots)?;
        run(gpu, &once)?;
        let took = run(gpu, &once)?.max(Duration::from_nanos(1));
        let times = (ROUND.as_secs_f64() / took.as_secs_f64()) as usize;
        let times = times.clamp(1, MOST);
        let recorded = |launches: &[Launch<Target>]| {
            let all: Vec<_> = (0..times).flat_map(|_| launches.iter().cloned()).collect();
            gpu.record(&all, slots)
        };
        let recordings = match gpu.features().timestamps {
            true => vec![recorded(launches)?],
            false => launches.chunks(1).map(recorded).collect::<Result<_, _>>()?,
        };
        Ok(Stopwatch { recordings, launches: launches.len(), times })
    }

    /// Microseconds of each launch.
    pub fn round(&self, gpu: &Gpu) -> Result<Vec<f64>> {
        if gpu.features().timestamps
            && let [all] = &self.recordings[..]
            && let Some(times) = block_on(gpu.replay_timed(all, &go_on))?
        {
            ensure!(times.len() == self.launches * self.times, "{} launches were timed", times.len());
            let us: Vec<f64> = times.iter().map(|time| micros(time.end.saturating_sub(time.start))).collect();
            let of = |i| us.iter().skip(i).step_by(self.launches.max(1)).copied().collect::<Vec<f64>>();
            return Ok((0..self.launches).filter_map(|i| median(&of(i))).collect());
        }
        let batch = |recording| Ok(micros(run(gpu, recording)?) / self.times as f64);
        self.recordings.iter().map(batch).collect()
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
