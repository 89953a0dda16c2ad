//! Convolutions of f32 by kernels of 3 × 3, through edgewise-simd's Winograd tiles.

use super::RunContext;
use super::packed_product::Last;
use crate::Result;
use crate::ops::conv::ConvWindows;
use edgewise_simd::Isa;
use edgewise_simd::winograd_f32::{Job, Tiles, Winograd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

/// Input and output channels from which tiles pay: with fewer, transforming them takes longer than what is
/// saved.
const CHANNELS: usize = 16;
/// Kernels up to which tiles of six pay: they take 4 times the memory of the weights, those of four take 16/9
/// of it, and what a small image needs least is more weights.
const SIX: usize = 128 * 128;
/// Kernels up to which tiles pay at all.
const FOUR: usize = 256 * 256;

/// Tiles that threads do at a time: what they take stays in the second cache, and is a multiple of the
/// product's height.
const BLOCK: usize = 56;
/// Bytes of scratch memory for all threads together, unless a single block takes more.
const SCRATCH: usize = 1 << 24;

/// The tiles for weights of that shape, output channels before input channels before the kernel; `None`
/// where there are none or they do not pay.
pub fn tiles(windows: &ConvWindows, weights: &[usize]) -> Option<Tiles> {
    let [outs, ins, 3, 3] = *weights else { return None };
    let single = windows.groups == 1 && (0..2).all(|axis| windows.window.steps(axis) == (1, 1));
    let kernels = outs.saturating_mul(ins);
    if !single || ins.min(outs) < CHANNELS || kernels > FOUR {
        return None;
    }
    Some(if kernels <= SIX { Tiles::Six } else { Tiles::Four })
}

/// Floats of scratch memory for an output of so many rows and columns: for as many blocks as threads may do
/// at a time.
pub fn scratch(weights: &Winograd, [rows, cols]: [usize; 2]) -> usize {
    let tiles = rows.div_ceil(weights.step()).saturating_mul(cols.div_ceil(weights.step()));
    let block = weights.scratch(BLOCK);
    let most = (SCRATCH / size_of::<f32>() / block).max(1);
    if tiles < BLOCK {
        weights.scratch(BLOCK.min(2 * tiles))
    } else {
        block * tiles.div_ceil(BLOCK).min(most)
    }
}

/// How the tiles of an image are shared out. What is computed for a tile depends on none of it.
struct Shares {
    /// Rows of pixels of a strip, which is a thread's unit of work.
    rows: usize,
    /// Parts of the scratch memory, one for each thread that has something to do.
    parts: usize,
    /// Tiles that a thread does at a time.
    most: usize,
}

impl Shares {
    fn new(weights: &Winograd, [rows, cols]: [usize; 2], threads: usize, scratch: usize) -> Shares {
        let [down, across] = [rows, cols].map(|n| n.div_ceil(weights.step()).max(1));
        // Every thread gets equally many strips, of a block at least where there are as many.
        let rounds = (down * across / (threads * BLOCK)).max(1);
        let high = down.div_ceil(threads * rounds);
        let parts = threads.min(down.div_ceil(high)).min(scratch / weights.scratch(1)).max(1);
        let fits = |tiles: &usize| weights.scratch(*tiles) <= scratch / parts;
        let most = (1..=BLOCK.min(high * across)).rev().find(fits).unwrap_or(0);
        Shares { rows: high * weights.step(), parts, most }
    }
}

/// Computes a whole image, on all threads. False: sums were not finite, and it must be computed otherwise.
pub fn convolve(
    cx: &RunContext<'_>,
    weights: &Winograd,
    job: &Job<'_>,
    last: &Last<'_>,
    scratch: &mut [f32],
    y: &mut [f32],
) -> Result<bool> {
    let line = job.cols.output * weights.outs();
    if y.is_empty() || line == 0 {
        return Ok(true);
    }
    let Shares { rows, parts, most } =
        Shares::new(weights, [job.rows.output, job.cols.output], cx.pool.threads(), scratch.len());
    ensure!(most > 0, Internal, "no scratch memory for a tile");
    let strips = y.len().div_ceil(rows * line);
    let parts: Vec<_> = scratch.chunks_exact_mut(weights.scratch(most)).take(parts).map(Mutex::new).collect();
    let finite = AtomicBool::new(true);
    cx.pool.chunks(y, rows * line, |n, y| {
        cx.check()?;
        if !finite.load(Ordering::Relaxed) {
            return Ok(());
        }
        // Mostly the part that the same thread had before: it is in its cache.
        let mut scratch = free(&parts, n * parts.len() / strips);
        let rows = n * rows..n * rows + y.len() / line;
        if !weights.convolve(Isa::current(), job, rows, (most, &mut **scratch), y) {
            finite.store(false, Ordering::Relaxed);
        }
        last.finish_row(y);
        Ok(())
    })?;
    Ok(finite.into_inner())
}

/// A part that nobody has, `from` if possible. There are as many as there are threads, but for large images
/// of very many channels.
fn free<'a, T>(parts: &'a [Mutex<T>], from: usize) -> MutexGuard<'a, T> {
    let mut at = from;
    loop {
        match parts[at % parts.len()].try_lock() {
            Ok(part) => return part,
            Err(TryLockError::Poisoned(part)) => return part.into_inner(),
            Err(TryLockError::WouldBlock) => at += 1,
        }
        if at % parts.len() == from % parts.len() {
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::eval::testing::{op_lowered, run_op};
    use crate::ops::Op;
    use crate::ops::conv::Conv;
    use crate::ops::fused_activation::FusedActivation;
    use crate::ops::window::{AutoPad, Window};
    use crate::{Tensor, Value};
    use std::sync::Arc;

    fn windows(stride: i64, groups: i64) -> ConvWindows {
        let window = Window {
            kernel: vec![],
            strides: vec![stride; 2],
            dilations: vec![],
            pads: vec![1, 1, 2, 0],
            auto_pad: AutoPad::Explicit,
            ceil: false,
        };
        ConvWindows { window, groups: groups as usize }
    }

    fn numbers(len: usize, seed: u32) -> Vec<f32> {
        let scatter = |i: usize| (i as u32).wrapping_add(seed).wrapping_mul(2_654_435_761).rotate_left(13);
        (0..len).map(|i| scatter(i).wrapping_mul(97) as f32 / (1u32 << 31) as f32 - 1.0).collect()
    }

    /// Images of 11 × 6 with their channels last, weights, a bias and what is added.
    struct Case {
        images: usize,
        x: Vec<f32>,
        ins: usize,
        outs: usize,
    }

    impl Case {
        fn inputs(&self) -> Vec<Option<Value>> {
            let Case { images, ins, outs, .. } = *self;
            let tensor = |shape: &[usize], data: &[f32]| Some(Tensor::new(shape, data).unwrap().into());
            vec![
                tensor(&[images, 11, 6, ins], &self.x),
                tensor(&[outs, ins, 3, 3], &numbers(outs * ins * 9, 2)),
                tensor(&[outs], &numbers(outs, 3)),
                tensor(&[images, 12, 5, outs], &numbers(images * 12 * 5 * outs, 4)),
            ]
        }

        /// By the plain kernel, and lowered.
        fn run(&self) -> (Vec<f32>, Vec<f32>) {
            let conv = Conv {
                windows: windows(1, 1),
                activation: FusedActivation::Elu { alpha: 0.5 },
                channels_last: true,
            };
            let op = Op::Conv(Arc::new(conv));
            let inputs = self.inputs();
            let data = |value: Value| value.tensor().unwrap().view().slice::<f32>().unwrap().to_vec();
            let results = [1, 2, 5].map(|threads| data(op_lowered(&op, &inputs, &[1, 2], threads).unwrap()));
            for result in &results {
                let same = result.iter().zip(&results[0]).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same, "results depend on threads");
            }
            (data(run_op(&op, &inputs).unwrap()), results[0].clone())
        }
    }

    #[test]
    fn tiles_are_the_same_convolution() {
        for (ins, outs) in [(16, 17), (40, 100), (128, 136)] {
            let case = Case { images: 2, x: numbers(2 * 66 * ins, 1), ins, outs };
            let (plain, fast) = case.run();
            let largest = plain.iter().fold(0f32, |m, x| m.max(x.abs()));
            for (plain, fast) in plain.iter().zip(&fast) {
                assert!((plain - fast).abs() < 1e-5 * largest, "{ins}→{outs}: {fast} for {plain}");
            }
        }
    }

    #[test]
    fn what_is_not_finite_stays_where_it_is_seen_and_in_its_image() {
        for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3e38] {
            let mut case = Case { images: 3, x: numbers(3 * 66 * 16, 1), ins: 16, outs: 16 };
            let before = case.run().1;
            case.x[(66 + 20) * 16 + 5] = x;
            let (plain, fast) = case.run();
            let size = before.len() / 3;
            for (i, (plain, &fast)) in plain.iter().zip(&fast).enumerate() {
                assert_eq!(plain.is_finite(), fast.is_finite(), "{x} at {i}: {fast} for {plain}");
                if i / size != 1 {
                    assert_eq!(fast, before[i], "another image has changed");
                } else if plain.is_finite() {
                    assert!((plain - fast).abs() <= 1e-5 * plain.abs().max(20.0), "{fast} for {plain}");
                } else {
                    assert!(plain.is_nan() && fast.is_nan() || *plain == fast, "{fast} for {plain}");
                }
            }
        }
    }

    #[test]
    fn what_has_tiles() {
        assert_eq!(tiles(&windows(1, 1), &[64, 64, 3, 3]), Some(Tiles::Six));
        assert_eq!(tiles(&windows(1, 1), &[256, 256, 3, 3]), Some(Tiles::Four));
        assert_eq!(tiles(&windows(1, 1), &[512, 512, 3, 3]), None);
        assert_eq!(tiles(&windows(1, 1), &[64, 3, 3, 3]), None);
        assert_eq!(tiles(&windows(2, 1), &[64, 64, 3, 3]), None);
        assert_eq!(tiles(&windows(1, 2), &[64, 64, 3, 3]), None);
        assert_eq!(tiles(&windows(1, 1), &[64, 64, 1, 3]), None);
        assert_eq!(tiles(&windows(1, 1), &[64, 64, 3]), None);
    }

    #[test]
    fn shares_fit_their_scratch_memory() {
        let weights = Winograd::new(Isa::Scalar, &[0.0; 9 * 64], [8, 8], Tiles::Six).unwrap();
        for output in [[1, 1], [7, 7], [56, 56], [20, 44], [3, 1000], [500, 500]] {
            let memory = scratch(&weights, output);
            for threads in [1, 2, 3, 16, 500] {
                let Shares { rows, parts, most } = Shares::new(&weights, output, threads, memory);
                assert!(most > 0 && parts > 0 && parts <= threads && rows.is_multiple_of(4));
                assert!(parts * weights.scratch(most) <= memory, "{output:?} on {threads}");
            }
        }
    }
}
