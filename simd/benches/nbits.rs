//! How near the products with block-quantized weights come to the machine's limits.
//!
//! One row is bound by memory: GB/s of weights, over a set that no cache holds. Many rows are bound by the
//! dot products of 8-bit integers: Gop/s, and the share of what a loop of nothing else reaches.
//!
//! `cargo bench -p edgewise-simd --bench nbits`

use edgewise_simd::nbits::{Format, Weights, Zeros, quantize};
use edgewise_simd::{Isa, MatrixMut, Simd, Task, dispatch};
use std::hint::black_box;
use std::time::Instant;

/// The layers of a decoder with 576 channels, and its last product.
const LAYERS: [(usize, usize); 7] =
    [(576, 576), (192, 576), (192, 576), (576, 576), (1536, 576), (1536, 576), (576, 1536)];
const HEAD: (usize, usize) = (49152, 576);

fn main() {
    let isa = Isa::current();
    let peak = best(5, || dispatch(isa, Peak)) / PEAK_STEPS as f64;
    let lanes = dispatch(isa, Lanes);
    let peak = (lanes * 8 * CHAINS) as f64 / peak / 1e9;
    println!("{}: a loop of dot products does {peak:.0} Gop/s", isa.name());
    for (bits, block) in [(4, 32), (4, 128), (8, 32), (2, 64)] {
        let shapes: Vec<_> = std::iter::repeat_n(LAYERS, 30).flatten().chain([HEAD]).collect();
        let all: Vec<Weights> = shapes.iter().map(|&(n, k)| weights(Format { n, k, bits, block })).collect();
        let bytes: usize = all.iter().map(Weights::bytes).sum();
        for rows in [1, 128] {
            let inputs: Vec<Input> = all.iter().map(|w| Input::new(isa, w, rows)).collect();
            let mut out = vec![0f32; rows * HEAD.0];
            let mut panel = vec![0f32; all.iter().map(Weights::panel_floats).max().unwrap_or(0)];
            for name in ["int8", "f32"] {
                let mut one = |i: usize| {
                    let n = shapes[i].0;
                    let out = MatrixMut::dense(&mut out[..rows * n], n);
                    match name {
                        "int8" => all[i].multiply_quantized(isa, &inputs[i].quantized, out),
                        _ => all[i].multiply(isa, &inputs[i].rows, out, &mut panel),
                    }
                };
                let time = if rows == 1 {
                    best(50, || (0..all.len()).for_each(&mut one))
                } else {
                    // Each shape by itself, so that a busy machine has less time to come between.
                    let layers: f64 = (0..LAYERS.len()).map(|i| best(5, || one(i))).sum();
                    30.0 * layers + best(5, || one(all.len() - 1))
                };
                report(bits, block, rows, name, time, bytes, work(&all, rows), peak);
            }
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "a line of a table")]
fn report(
    bits: usize,
    block: usize,
    rows: usize,
    rows_in: &str,
    time: f64,
    bytes: usize,
    work: f64,
    peak: f64,
) {
    let (gb, gop) = (bytes as f64 / time / 1e9, work / time / 1e9);
    println!(
        "{bits} bits by {block}, {rows:3} rows of {rows_in:4}: {:7.2} ms, {gb:5.1} GB/s of weights, {gop:5.0} Gop/s ({:.0} %)",
        time * 1e3,
        100.0 * gop / peak
    );
}

fn work(all: &[Weights], rows: usize) -> f64 {
    all.iter().map(|w| 2.0 * (rows * w.format().n * w.format().k) as f64).sum()
}

fn weights(format: Format) -> Weights {
    let mut state = 1u32;
    let mut draw = || {
        state = state.wrapping_mul(1664525).wrapping_add(1013904223);
        state >> 16
    };
    let codes: Vec<u8> = (0..format.n * format.column_bytes()).map(|_| draw() as u8).collect();
    let scales: Vec<f32> = (0..format.n * format.blocks()).map(|_| draw() as f32 / 1e6).collect();
    Weights::pack(format, &codes, &scales, Zeros::Middle).expect("there is memory")
}

struct Input {
    rows: Vec<f32>,
    quantized: Vec<u8>,
}

impl Input {
    fn new(isa: Isa, weights: &Weights, count: usize) -> Input {
        let format = weights.format();
        let rows: Vec<f32> = (0..count * format.k).map(|i| (i % 101) as f32 / 50.0 - 1.0).collect();
        let mut quantized = vec![0; count * format.row_bytes()];
        quantize(isa, weights, &rows, &mut quantized);
        Input { rows, quantized }
    }
}

/// The shortest of some runs, in seconds.
fn best(runs: usize, mut run: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..runs).map(time).fold(f64::INFINITY, f64::min)
}

const CHAINS: usize = 8;
const PEAK_STEPS: usize = 1 << 20;

/// Dot products and nothing else.
struct Peak;

impl Task for Peak {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (a, b) = (s.splat_i(black_box(0x0102_0304)), s.splat_i(black_box(0x0101_0101)));
        let mut sums = [s.splat_i(0); CHAINS];
        for _ in 0..PEAK_STEPS {
            for sum in &mut sums {
                *sum = s.dot(*sum, a, b);
            }
        }
        for sum in sums {
            let mut lanes = [0; 16];
            s.store_i(sum, &mut lanes);
            black_box(lanes);
        }
    }
}

struct Lanes;

impl Task for Lanes {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        S::LANES
    }
}
