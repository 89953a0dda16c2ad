//! Products of 8-bit integers: how fast, and how much of what the machine could do at most.
//!
//! `cargo bench -p edgewise-simd --bench gemm_i8 [-- FILTER]`. The most is measured, not computed: dot
//! products on registers alone.

use edgewise_simd::gemm_i8::{Job, PackedI8, Requantize, Sums, gemm_i8};
use edgewise_simd::{Isa, Lhs, MatrixMut, Simd, Source, Task, dispatch};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rows, depth, columns: what they are in models.
const SIZES: [(&str, [usize; 3]); 12] = [
    ("square", [512, 512, 512]),
    ("MiniLM QKV, 128 tokens", [128, 384, 1152]),
    ("MiniLM feed-forward in", [128, 384, 1536]),
    ("MiniLM feed-forward out", [128, 1536, 384]),
    ("MobileNet expand 112²", [12544, 16, 96]),
    ("MobileNet project 112²", [12544, 32, 16]),
    ("MobileNet expand 14²", [196, 96, 576]),
    ("MobileNet project 14²", [196, 576, 96]),
    ("MobileNet last 7²", [49, 320, 1280]),
    ("ResNet 3×3 of 28²", [784, 1152, 128]),
    ("ResNet 1×1 of 7²", [49, 2048, 512]),
    ("one row", [1, 1024, 4096]),
];

/// Multiply-adds per second, of dot products that wait for nothing.
struct Peak;

impl Task for Peak {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        const CHAINS: usize = 12;
        let mut sums = [s.splat_i(0); CHAINS];
        let mut b = sums;
        b.iter_mut().zip(1..).for_each(|(b, i)| *b = s.splat_i(black_box(i)));
        let rows = black_box([0x0102_0304; 64]);
        let steps = 1 << 14;
        let mut best = f64::MAX;
        for _ in 0..50 {
            let start = Instant::now();
            for step in 0..steps {
                // Never the same products twice, or they would be computed only once.
                let a = s.splat_i(rows[step % 64]);
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = s.dot(*sum, a, b);
                }
            }
            black_box(&mut sums);
            best = best.min(start.elapsed().as_secs_f64());
        }
        (steps * CHAINS * S::LANES * 4) as f64 / best
    }
}

fn best_of(mut run: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    let end = Instant::now() + Duration::from_millis(150);
    while Instant::now() < end {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}

/// As models have them: most are small, and a few are as large as can be.
fn weights(n: usize) -> Vec<u8> {
    let die = |i: usize| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as i32 % 64;
    (0..n).map(|i| ((0..4).map(|throw| die(4 * i + throw)).sum::<i32>() - 126) as u8).collect()
}

fn main() {
    let filter = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    for isa in Isa::supported().skip(1) {
        let peak = dispatch(isa, Peak);
        println!("{}: at most {:.0} G multiply-adds per second", isa.name(), peak / 1e9);
        for (name, [rows, depth, cols]) in SIZES {
            if !name.contains(&filter) && !isa.name().contains(&filter) {
                continue;
            }
            let bytes = |n: usize| (0..n).map(|i| (i * 7919 % 251) as u8).collect::<Vec<_>>();
            let (a, b) = (bytes(rows * depth), weights(depth * cols));
            let source = Source { data: &b, tap_step: 0, depth_step: cols, col_step: 1 };
            let rhs = PackedI8::new(source, true, [1, depth, cols], &[0]).expect("memory");
            let factor = vec![1e-4; rhs.padded_cols()];
            let job = Job {
                lhs: Lhs::Rows { data: &a, stride: depth },
                signed: false,
                zero: 128,
                rhs: &rhs,
                bias: None,
            };
            let (mut sums, mut outs) = (vec![0; rows * cols], vec![0; rows * cols]);
            let plain = best_of(|| gemm_i8(isa, &job, &Sums, MatrixMut::dense(black_box(&mut sums), cols)));
            let epilogue = Requantize::new(&factor, 3, [0, 255]);
            let quantized =
                best_of(|| gemm_i8(isa, &job, &epilogue, MatrixMut::dense(black_box(&mut outs), cols)));
            let work = (rows * depth * cols) as f64;
            println!(
                "  {name:26} {rows:5}×{depth:4}×{cols:4}  sums {:7.1} µs {:4.0} %   requantized {:7.1} µs {:4.0} %   {:5.1} GB/s of weights",
                plain * 1e6,
                100.0 * work / plain / peak,
                quantized * 1e6,
                100.0 * work / quantized / peak,
                (depth * cols) as f64 / quantized / 1e9,
            );
        }
    }
}
