//! Each kernel of the GPU against its floor: the least time in which that GPU could have done the work.
//!
//! A [`Case`] is a node at the sizes that a model has, and says what work it is. [`Rates`](rates::Rates) are what the
//! GPU does in a second, measured in the same run. A [`Ladder`] has both beside each other.
//!
//! What a reader would get wrong: the floor is that of a node, not of its launches. Inputs are read once and outputs
//! written once; what a kernel leaves in memory for its next launch is its own affair, and costs it share.

#![allow(missing_docs, reason = "a program's parts, not a library for others")]

pub mod case;
pub mod cases;
pub mod ladder;
pub mod rates;
pub mod stopwatch;
pub mod work;

pub use case::Case;

use anyhow::{Context, Result};
use edgewise_core::block_on;
use edgewise_gpu::Gpu;
use edgewise_gpu::alone::Placed;
use ladder::{Ladder, Rung};
use rates::Probes;
use stopwatch::Stopwatch;

/// A case that is ready to run, and what was measured of it.
struct Ready<'a> {
    case: &'a Case,
    placed: Placed,
    watch: Stopwatch,
    /// Microseconds, by launch and round.
    us: Vec<Vec<f64>>,
}

impl<'a> Ready<'a> {
    /// None where the GPU has no kernel.
    fn new(gpu: &Gpu, case: &'a Case) -> Result<Option<Ready<'a>>> {
        let Some(placed) = block_on(case.alone()?.place(gpu))? else { return Ok(None) };
        let watch = Stopwatch::new(gpu, &placed.launches, &placed.slots)?;
        let us = vec![Vec::new(); placed.launches.len()];
        Ok(Some(Ready { case, placed, watch, us }))
    }

    fn round(&mut self, gpu: &Gpu) -> Result<()> {
        let times = self.watch.round(gpu)?;
        self.us.iter_mut().zip(times).for_each(|(all, us)| all.push(us));
        Ok(())
    }
}

/// Measures all cases and the GPU itself, one after the other, so many times. `told` hears what is being measured.
pub fn climb(gpu: &Gpu, cases: &[Case], rounds: usize, mut told: impl FnMut(&str)) -> Result<Ladder> {
    let mut probes = Probes::new(gpu).context("measuring the GPU")?;
    let (mut ready, mut left) = (Vec::with_capacity(cases.len()), Vec::new());
    for case in cases {
        told(&format!("making {case}"));
        match Ready::new(gpu, case).with_context(|| case.to_string())? {
            Some(one) => ready.push(one),
            None => left.push(case.to_string()),
        }
    }
    for round in 1..=rounds {
        probes.round(gpu).context("measuring the GPU")?;
        for one in &mut ready {
            told(&format!("round {round} of {rounds}: {}", one.case));
            one.round(gpu).with_context(|| one.case.to_string())?;
        }
    }
    let rates = probes.rates();
    let rungs = ready.iter().map(|ready| {
        let variants = ready.placed.launches.iter().map(|launch| gpu.variant(launch.pipeline));
        Rung::all(ready.case, &variants.collect::<Vec<_>>(), &ready.us, &rates)
    });
    let rungs = rungs.collect::<Result<Vec<_>>>()?.concat();
    Ok(Ladder::new(gpu, rates, rungs, left))
}
