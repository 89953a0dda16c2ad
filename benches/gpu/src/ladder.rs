//! The ladder: a line for each launch, with its floor beside its time.

use crate::Case;
use crate::rates::Rates;
use crate::work::Bound;
use anyhow::{Context, Result};
use edgewise_bench::stats::Spread;
use edgewise_core::device::Device;
use edgewise_gpu::Gpu;
use edgewise_gpu::shader::Variant;
use serde::Serialize;
use std::fmt::{self, Write};
use std::sync::Arc;

/// Columns of a bar.
const BAR: usize = 20;

/// All that was measured.
#[derive(Serialize)]
pub struct Ladder {
    pub gpu: String,
    /// What kernels do by integers there.
    pub by_hand: Vec<&'static str>,
    /// Whether the GPU told the time.
    pub timestamps: bool,
    pub rates: Rates,
    pub rungs: Vec<Rung>,
    /// Cases that the GPU leaves to the host.
    pub left: Vec<String>,
}

/// A launch, or all launches of a node together.
#[derive(Clone, Serialize)]
pub struct Rung {
    pub family: &'static str,
    pub case: String,
    /// The kernel's file with the constants that are not the file's own; of all launches, how many there are.
    pub kernel: String,
    pub us: Spread,
    /// Of a node, not of one of several launches.
    pub floor: Option<Floor>,
}

/// The least time for the work.
#[derive(Clone, Copy, Serialize)]
pub struct Floor {
    pub us: f64,
    pub by: Bound,
    /// Of the time that was measured.
    pub share: f64,
}

impl Rung {
    /// Those of a node: one for a node of one launch, else one for all of them, then one for each.
    pub fn all(
        case: &Case,
        variants: &[Option<Arc<Variant>>],
        us: &[Vec<f64>],
        rates: &Rates,
    ) -> Result<Vec<Rung>> {
        let rung = |kernel: String, us: &[f64], floored: bool| -> Result<Rung> {
            let us = Spread::of(us).context("nothing was measured")?;
            let (floor, by) = case.work.floor(rates);
            let floor = floored.then_some(Floor { us: floor, by, share: floor / us.median });
            Ok(Rung { family: case.family, case: case.name.clone(), kernel, us, floor })
        };
        let several = us.len() > 1;
        let mut rungs = Vec::new();
        if several {
            let rounds = us.iter().map(Vec::len).min().unwrap_or(0);
            let sum = |round| us.iter().filter_map(|us| us.get(round)).sum();
            let sums: Vec<f64> = (0..rounds).map(sum).collect();
            rungs.push(rung(format!("{} launches", us.len()), &sums, true)?);
        }
        for (variant, us) in variants.iter().zip(us) {
            let variant = variant.as_ref().context("a launch of no pipeline")?;
            rungs.push(rung(named(variant)?, us, !several)?);
        }
        Ok(rungs)
    }
}

/// The file of a variant, and those of its constants that say something else than the file does.
fn named(variant: &Variant) -> Result<String> {
    let source = variant.shader.source()?;
    let mut name = variant.shader.name.to_string();
    for (constant, value) in &variant.constants {
        let opening = format!("override {constant}:");
        let own = source.lines().find_map(|line| line.strip_prefix(&opening)?.split('=').nth(1));
        let own = own.map(|own| own.trim().trim_end_matches(';').trim_end_matches('u'));
        let own = match own {
            Some("true") => Some("1"),
            Some("false") => Some("0"),
            other => other,
        };
        match *value {
            value if own == Some(&value.to_string()) => {}
            // Bits more likely than a number.
            value if value > 0xffff => write!(name, " {constant}={value:#x}")?,
            value => write!(name, " {constant}={value}")?,
        }
    }
    Ok(name)
}

impl Ladder {
    pub fn new(gpu: &Gpu, rates: Rates, rungs: Vec<Rung>, left: Vec<String>) -> Ladder {
        let (name, by_hand) = (gpu.name().to_string(), gpu.by_hand().to_vec());
        Ladder { gpu: name, by_hand, timestamps: gpu.features().timestamps, rates, rungs, left }
    }
}

impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rates { read_per_us, copied_per_us, floats_per_us, packed_per_us } = self.rates;
        let clock = if self.timestamps { "its timestamps" } else { "batches" };
        writeln!(f, "{}, timed by {clock}", self.gpu)?;
        if !self.by_hand.is_empty() {
            writeln!(f, "by hand: {}", self.by_hand.join(", "))?;
        }
        writeln!(f, "memory: {:.1} GB/s read, {:.1} copied", read_per_us / 1e3, copied_per_us / 1e3)?;
        let [floats, packed] = [floats_per_us / 1e3, packed_per_us / 1e3];
        writeln!(f, "operations: {floats:.1} G/s on floats, {packed:.1} on packed bytes")?;
        let width = self.rungs.iter().map(|rung| rung.case.chars().count()).max().unwrap_or(0);
        let mut family = "";
        for rung in &self.rungs {
            if family != rung.family {
                family = rung.family;
                writeln!(f, "\n{family:<width$} {:>10} {:>10} {:<7} {:>6}", "µs", "floor", "by", "share")?;
            }
            let us = number(rung.us.median);
            match rung.floor {
                Some(Floor { us: floor, by, share }) => writeln!(
                    f,
                    "{:<width$} {us:>10} {:>10} {:<7} {:>4.0} % {} {}",
                    rung.case,
                    number(floor),
                    by.name(),
                    100.0 * share,
                    bar(share),
                    rung.kernel
                )?,
                // One launch of those above.
                None => writeln!(f, "{:<width$} {us:>10} {:46}{}", "", "", rung.kernel)?,
            }
        }
        self.left.iter().try_for_each(|case| writeln!(f, "left to the host: {case}"))
    }
}

/// With three digits that say something.
fn number(us: f64) -> String {
    let digits = if us >= 99.95 {
        0
    } else if us >= 9.995 {
        1
    } else {
        2
    };
    format!("{us:.digits$}")
}

fn bar(share: f64) -> String {
    let full = ((share * BAR as f64).round() as usize).min(BAR);
    format!("{}{}", "█".repeat(full), "·".repeat(BAR - full))
}
