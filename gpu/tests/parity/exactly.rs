//! Functions of `kernels/common` that promise bits, by themselves: against what they stand for on the host.

use crate::harness::{exact, gpu};
use edgewise_core::block_on;
use edgewise_core::cpu::{eval, softmax_fuses};
use edgewise_core::device::{Device, Launch, Target};
use edgewise_core::ops::{Attrs, Op};
use edgewise_gpu::Gpu;
use edgewise_gpu::shader::{Shader, Variant};

static SHADER: Shader = Shader { name: "exactly", text: include_str!("exactly.wgsl"), reads: 1, writes: 1 };

/// What it makes of triples.
fn run(gpu: &Gpu, exp: bool, triples: &[[f32; 3]]) -> Vec<f32> {
    let constants = [("EXP", exp.into()), ("HOST_FUSES", softmax_fuses().into())];
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &constants));
    block_on(gpu.prepare(&[pipeline])).unwrap();
    let bytes: Vec<u8> = triples.iter().flatten().flat_map(|x| x.to_bits().to_le_bytes()).collect();
    let [x, y] = [bytes.len(), 4 * triples.len()].map(|bytes| gpu.allocate(bytes as u64, "a test").unwrap());
    gpu.write(&x, &bytes).unwrap();
    let launch = Launch {
        pipeline,
        buffers: vec![Target::Held(x), Target::Held(y.clone())],
        parameters: vec![triples.len() as u32, 0, 0, 0],
        groups: [triples.len().div_ceil(64) as u32, 1, 1],
    };
    block_on(gpu.replay(&gpu.record(&[launch], &[]).unwrap(), &|| Ok(()))).unwrap();
    let read = block_on(gpu.read(&[(y, 4 * triples.len())], &|| Ok(()))).unwrap();
    read[0].as_chunks().0.iter().map(|word| f32::from_bits(u32::from_le_bytes(*word))).collect()
}

fn agree<T: std::fmt::Debug>(of: &[T], expected: &[f32], got: &[f32]) {
    for ((of, a), b) in of.iter().zip(expected).zip(got) {
        assert!(a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(), "{of:?}: expected {a:e}, got {b:e}");
    }
}

/// Any bits, always the same ones.
fn random() -> impl FnMut() -> u32 {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u32
    }
}

const NASTY: [f32; 18] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    1.0 + f32::EPSILON,
    1.0 - f32::EPSILON / 2.0,
    -3.0,
    1e-45,
    -1e-45,
    1.1e-38,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE,
    f32::MAX,
    -f32::MAX,
    1.8e19,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
];

#[test]
fn products_and_sums_are_rounded_once() {
    let Some(gpu) = gpu() else { return };
    let mut triples = Vec::new();
    for x in NASTY {
        triples.extend(NASTY.iter().flat_map(|&y| NASTY.map(|z| [x, y, z])));
    }
    let mut bits = random();
    for _ in 0..40_000 {
        // Of any size; of sizes that meet; and what a product leaves of its negative, which is all but itself.
        triples.push([0; 3].map(|_| f32::from_bits(bits())));
        let [x, y, z] = [0; 3].map(|_| f32::from_bits(bits() & 0x81ff_ffff | 0x3e00_0000));
        let off = f32::from_bits((x * y).to_bits().wrapping_add(bits() % 5).wrapping_sub(2));
        triples.extend([[x, y, z], [x, y, -off], [x, y, z * 1e-7], [x * 1e-20, y * 1e-20, z * 1e-38]]);
    }
    let expected: Vec<f32> = triples.iter().map(|[x, y, z]| x.mul_add(*y, *z)).collect();
    agree(&triples, &expected, &run(gpu, false, &triples));
}

#[test]
fn exponentials_are_those_of_the_host() {
    let Some(gpu) = gpu() else { return };
    let mut bits = random();
    let mut x = vec![0.0, -0.0, -1e-45, -1e-30, -1e-8, -87.3, -87.4, -103.9, -104.0, -105.0, -106.0, -3e38];
    x.extend([f32::NEG_INFINITY, f32::NAN]);
    x.extend((0..50_000).map(|_| (bits() as f32 / u32::MAX as f32) * -106.0));
    x.extend((0..10_000).map(|_| -f32::from_bits(bits() % 0x42e0_0000)));
    let attrs = Attrs::new("", "Exp", 13, vec![true], vec![true], Default::default());
    let made = eval(&Op::parse(attrs).unwrap(), &[Some(exact(&[x.len()], &x).into())], &[true]).unwrap();
    let expected = made[0].as_ref().unwrap().tensor().unwrap().slice::<f32>().unwrap();
    let triples: Vec<[f32; 3]> = x.iter().map(|&x| [x, 0.0, 0.0]).collect();
    agree(&x, expected, &run(gpu, true, &triples));
}
