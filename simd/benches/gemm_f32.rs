//! How close products of f32 matrices come to what the machine can do: the peak is a loop of independent
//! multiply-adds that never leaves the registers, the speed of memory a plain sum over a large slice.
//!
//! `cargo bench -p edgewise-simd --bench gemm_f32 [-- WORD]` runs the cases whose name has the word in it; each
//! is shown with weights of f32, and of 16 bits by how much of that time they take.

use edgewise_simd::depthwise_f32::Axis;
use edgewise_simd::gemm_f32::{Finish, Packed, PackedF32, gemm_f32};
use edgewise_simd::narrow::{BF16, F16, Stored, narrow};
use edgewise_simd::winograd_f32::{Job, Tiles, Winograd};
use edgewise_simd::{Isa, Lhs, MatrixMut, OUTSIDE, Simd, Source, Task, dispatch};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rows, depth, columns.
const CASES: [(&str, [usize; 3]); 26] = [
    ("512³", [512, 512, 512]),
    ("mobilenet 112² 32→16", [12544, 32, 16]),
    ("mobilenet 112² 16→96", [12544, 16, 96]),
    ("mobilenet 56² 96→24", [3136, 96, 24]),
    ("mobilenet 56² 24→144", [3136, 24, 144]),
    ("mobilenet 28² 192→32", [784, 192, 32]),
    ("mobilenet 14² 64→384", [196, 64, 384]),
    ("mobilenet 14² 576→96", [196, 576, 96]),
    ("mobilenet 7² 160→960", [49, 160, 960]),
    ("mobilenet 7² 960→320", [49, 960, 320]),
    ("mobilenet 7² 320→1280", [49, 320, 1280]),
    ("resnet 56² 64→256", [3136, 64, 256]),
    ("resnet 56² 3×3 64→64", [3136, 576, 64]),
    ("resnet 28² 512→128", [784, 512, 128]),
    ("resnet 14² 1024→256", [196, 1024, 256]),
    ("resnet 14² 3×3 256→256", [196, 2304, 256]),
    ("resnet 7² 2048→512", [49, 2048, 512]),
    ("resnet 7² 3×3 512→512", [49, 4608, 512]),
    ("bert 128 384→1536", [128, 384, 1536]),
    ("gemv 1024→1024", [1, 1024, 1024]),
    ("gemv 384→1536", [1, 384, 1536]),
    ("2 rows 1024→1024", [2, 1024, 1024]),
    ("4 rows 1024→1024", [4, 1024, 1024]),
    ("16 rows 1024→1024", [16, 1024, 1024]),
    ("gemv 4096→4096", [1, 4096, 4096]),
    ("4 rows 4096→4096", [4, 4096, 4096]),
];

/// Side of the image, channels in and out.
const CONVOLUTIONS: [(&str, usize, [usize; 2]); 8] = [
    ("winograd 112² 16→16", 112, [16, 16]),
    ("winograd 112² 32→32", 112, [32, 32]),
    ("winograd 56² 64→64", 56, [64, 64]),
    ("winograd 28² 128→128", 28, [128, 128]),
    ("winograd 14² 256→256", 14, [256, 256]),
    ("winograd 28² 256→256", 28, [256, 256]),
    ("winograd 7² 512→512", 7, [512, 512]),
    ("winograd 8² 64→64", 8, [64, 64]),
];

fn main() {
    let word = std::env::args().skip(1).find(|arg| !arg.starts_with("--")).unwrap_or_default();
    let isa = Isa::current();
    let peak = peak(isa);
    println!("{}: {peak:.1} GFLOP/s, {:.1} GB/s from memory", isa.name(), memory(isa));
    for (name, [rows, depth, cols]) in CASES.into_iter().filter(|(name, _)| name.contains(&word)) {
        let ones = |n: usize| (0..n).map(|i| (i % 13) as f32 / 13.0).collect::<Vec<_>>();
        let (a, b, mut out) = (ones(rows * depth), ones(depth * cols), vec![0.0; rows * cols]);
        let source = Source { data: &b, tap_step: 0, depth_step: cols, col_step: 1 };
        let packed = PackedF32::new(source, [1, depth, cols]).expect("memory");
        let (halves, upper) = (stored::<F16>(&b, depth, cols), stored::<BF16>(&b, depth, cols));
        let left = Lhs::Rows { data: &a, stride: depth };
        let finish = Finish { bias: Some(&b[..cols]), ..Finish::default() };
        let [time, f16, bf16] = fastest_of(
            [
                &mut |out| gemm_f32(isa, left, &packed, &finish, MatrixMut::dense(out, cols)),
                &mut |out| gemm_f32(isa, left, &halves, &finish, MatrixMut::dense(out, cols)),
                &mut |out| gemm_f32(isa, left, &upper, &finish, MatrixMut::dense(out, cols)),
            ],
            &mut out,
        );
        let speed = 2e-9 * (rows * depth * cols) as f64 / time;
        let bytes = 4e-9 * (depth * cols) as f64 / time;
        println!(
            "{name:<24} {:9.1} µs {speed:7.1} GFLOP/s {:5.1} % of peak {bytes:6.1} GB/s of weights; f16 {:.2}, bf16 {:.2}",
            time * 1e6,
            100.0 * speed / peak,
            f16 / time,
            bf16 / time
        );
    }
    for (name, side, [ins, outs]) in CONVOLUTIONS.into_iter().filter(|(name, ..)| name.contains(&word)) {
        convolve(isa, peak, name, side, [ins, outs]);
    }
}

/// A convolution by 3 × 3 cells as one product and by Winograd's tiles, in GFLOP/s of the definition.
fn convolve(isa: Isa, peak: f64, name: &str, side: usize, [ins, outs]: [usize; 2]) {
    let ones = |n: usize| (0..n).map(|i| (i % 13) as f32 / 13.0).collect::<Vec<_>>();
    let (image, weights) = (ones(side * side * ins), ones(9 * ins * outs));
    let mut out = vec![0.0; side * side * outs];
    let print = |how: &str, time: f64| {
        let speed = 18e-9 * (side * side * ins * outs) as f64 / time;
        let share = 100.0 * speed / peak;
        println!("{name:<24} {how:<8} {:9.1} µs {speed:7.1} GFLOP/s {share:5.1} % of peak", time * 1e6);
    };
    let offset = |i: usize| {
        let (pixel, tap) = (i / 9, i % 9);
        let (y, x) = (pixel / side + tap / 3, pixel % side + tap % 3);
        let inside = (1..=side).contains(&y) && (1..=side).contains(&x);
        if inside { (((y - 1) * side + x - 1) * ins) as u32 } else { OUTSIDE }
    };
    let offsets: Vec<u32> = (0..9 * side * side).map(offset).collect();
    let source = Source { data: &weights, tap_step: 1, depth_step: 9, col_step: 9 * ins };
    let packed = PackedF32::new(source, [9, ins, outs]).expect("memory");
    let finish = Finish { bias: Some(&weights[..outs]), ..Finish::default() };
    let left = Lhs::Taps { image: &image, offsets: &offsets, taps: 9, width: ins, pad: 0.0 };
    print("product", fastest(|| gemm_f32(isa, left, &packed, &finish, MatrixMut::dense(&mut out, outs))));
    let axis = Axis { input: side, kernel: 3, stride: 1, dilation: 1, before: 1, output: side };
    let job = Job { image: &image, rows: axis, cols: axis, finish };
    for (tiles, most) in [(Tiles::Four, 56), (Tiles::Six, 28), (Tiles::Six, 56)] {
        let packed = Winograd::new(isa, &weights, [outs, ins], tiles).expect("memory");
        let mut scratch = vec![0.0; packed.scratch(most)];
        let how = format!("{}² × {most}", tiles.cells());
        let time = fastest(|| {
            assert!(packed.convolve(isa, &job, 0..side, (most, &mut scratch), &mut out));
        });
        print(&how, time);
    }
}

/// The weights as panels of another type.
fn stored<W: Stored>(weights: &[f32], depth: usize, cols: usize) -> Packed<W> {
    let mut data = vec![W::default(); weights.len()];
    narrow(Isa::current(), weights, &mut data);
    let source = Source { data: &data, tap_step: 0, depth_step: cols, col_step: 1 };
    Packed::new(source, [1, depth, cols]).expect("memory")
}

/// What fills an output.
type Work<'a> = &'a mut dyn FnMut(&mut [f32]);

/// Seconds of the fastest of many calls of each, in turn.
fn fastest_of<const N: usize>(mut works: [Work<'_>; N], out: &mut [f32]) -> [f64; N] {
    let end = Instant::now() + Duration::from_millis(300 * N as u64);
    let mut least = [f64::INFINITY; N];
    while Instant::now() < end {
        for (least, work) in least.iter_mut().zip(&mut works) {
            let start = Instant::now();
            work(out);
            *least = least.min(start.elapsed().as_secs_f64());
        }
    }
    least
}

/// Seconds of the fastest of many calls.
fn fastest(mut work: impl FnMut()) -> f64 {
    let end = Instant::now() + Duration::from_millis(300);
    let mut least = f64::INFINITY;
    while Instant::now() < end {
        let start = Instant::now();
        work();
        least = least.min(start.elapsed().as_secs_f64());
    }
    least
}

struct Peak(usize);

impl Task for Peak {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let (x, y) = (s.splat(black_box(0.5)), s.splat(black_box(0.25)));
        let mut sums = [x; 12];
        for _ in 0..self.0 {
            for sum in &mut sums {
                *sum = s.mul_add(*sum, x, y);
            }
        }
        sums.into_iter().map(|sum| s.sum(sum)).sum()
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

/// GFLOP/s that the machine can do.
fn peak(isa: Isa) -> f64 {
    let times = 1 << 16;
    let time = fastest(|| {
        black_box(dispatch(isa, Peak(times)));
    });
    2e-9 * (times * 12 * dispatch(isa, Lanes)) as f64 / time
}

struct Sum<'a>(&'a [f32]);

impl Task for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let mut sums = [s.splat(0.0); 8];
        for chunk in self.0.chunks_exact(8 * S::LANES) {
            for (sum, x) in sums.iter_mut().zip(chunk.chunks_exact(S::LANES)) {
                *sum = s.add(*sum, s.load(x));
            }
        }
        sums.into_iter().map(|sum| s.sum(sum)).sum()
    }
}

/// GB/s that one thread reads 64 MiB with.
fn memory(isa: Isa) -> f64 {
    let data = vec![1f32; 1 << 24];
    let time = fastest(|| {
        black_box(dispatch(isa, Sum(&data)));
    });
    4e-9 * data.len() as f64 / time
}
