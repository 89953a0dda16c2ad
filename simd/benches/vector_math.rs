//! How long vector functions and rows take per element, on every instruction set of this machine. Run with
//! `cargo bench -p edgewise-simd --bench vector_math`.

use edgewise_simd::Isa;
use edgewise_simd::elementwise::{Binary, Operand, Run, Unary, binary, unary};
use edgewise_simd::look_up::look_up;
use edgewise_simd::norm::Norm;
use edgewise_simd::qlinear::{Rule, Side, qlinear};
use edgewise_simd::quantize::{Scales, Span, dequantize, quantize, range};
use edgewise_simd::softmax::softmax;
use std::hint::black_box;
use std::time::Instant;

/// Elements of each tensor: with their results they lie in the second cache.
const LEN: usize = 128 * 384;

/// The least time per element of many runs, in nanoseconds.
fn least(mut run: impl FnMut()) -> f64 {
    let time = |_| {
        let began = Instant::now();
        run();
        began.elapsed().as_nanos() as f64 / LEN as f64
    };
    (0..200).map(time).fold(f64::INFINITY, f64::min)
}

fn main() {
    let x: Vec<f32> = (0..LEN).map(|i| (i % 1009) as f32 * 0.01 - 5.0).collect();
    let bytes: Vec<u8> = (0..LEN).map(|i| (i * 31) as u8).collect();
    let (mut y, mut out) = (vec![0f32; LEN], vec![0u8; LEN]);
    let row = vec![1f32; 384];
    let table: [u8; 256] = std::array::from_fn(|i| i as u8 ^ 0x55);
    let isas: Vec<Isa> = Isa::supported().collect();
    println!(
        "{:<14}{}",
        "ns/element",
        isas.iter().map(|isa| format!("{:>14}", isa.name())).collect::<String>()
    );
    let report = |name: &str, run: &mut dyn FnMut(Isa)| {
        let times = isas.iter().map(|&isa| format!("{:>14.3}", least(|| run(black_box(isa)))));
        println!("{name:<14}{}", times.collect::<String>());
    };
    for (name, f) in [
        ("relu", Unary::Relu),
        ("exp", Unary::Exp),
        ("erf", Unary::Erf),
        ("tanh", Unary::Tanh),
        ("sigmoid", Unary::Sigmoid),
        ("gelu", Unary::Gelu),
        ("gelu tanh", Unary::GeluTanh),
    ] {
        report(name, &mut |isa| unary(isa, f, black_box(&x), &mut y));
    }
    report("add", &mut |isa| {
        let runs = &mut [Run { len: LEN, a: 0, b: 0 }].into_iter();
        binary(isa, Binary::Add, (Operand::Along(black_box(&x)), Operand::Along(&x)), &mut y, runs);
    });
    report("softmax", &mut |isa| softmax(isa, black_box(&x), &mut y, 128));
    report("layer norm", &mut |isa| {
        y.copy_from_slice(black_box(&x));
        Norm { centered: true, epsilon: 1e-5, scale: &row, bias: &row }.rows(isa, &mut y);
    });
    report("range", &mut |isa| {
        black_box(range(isa, black_box(&x)));
    });
    let scales = Scales { scale: &[0.04], zero: &[128], along: false, signed: false };
    let span = Span { len: LEN, at: 0 };
    report("quantize", &mut |isa| quantize(isa, scales, black_box(&x), &mut out, &mut [span].into_iter()));
    report("dequantize", &mut |isa| {
        dequantize(isa, scales, black_box(&bytes), &mut y, &mut [span].into_iter())
    });
    report("qlinear add", &mut |isa| {
        let side = Side { bytes: black_box(&bytes), zero: 0, along: true };
        let rule = Rule::Sum { ratios: [0.5, 1.0], constant: -1.5 };
        let runs = &mut [Run { len: LEN, a: 0, b: 0 }].into_iter();
        qlinear(isa, rule, (side, side), (&mut out, 0, false), runs);
    });
    report("look up", &mut |isa| look_up(isa, &table, black_box(&bytes), &mut out));
}
