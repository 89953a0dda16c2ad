//! What a kernel sees of what a GPU may have: subgroups that are there, not merely accepted in silence, and products
//! of packed bytes.

use edgewise_core::Error;
use edgewise_core::device::{Device, Launch, Target};
use edgewise_gpu::Gpu;
use edgewise_gpu::shader::{Shader, Variant};

static SHADER: Shader = Shader { name: "probe", text: include_str!("probe.wgsl"), reads: 1, writes: 1 };

const GROUP: usize = 64;

/// The second factor of each product: 1, -2, 127, -128.
const FACTORS: [i8; 4] = [1, -2, 127, -128];

/// Runs the probe, where the GPU has what it needs; the error says what a kernel sees in place of it.
pub async fn probe(gpu: &Gpu) -> Result<(), String> {
    if !gpu.features().subgroups {
        return Ok(());
    }
    let words = run(gpu).await.map_err(|e| e.to_string())?;
    let [sizes, lanes, sums, products] = [0, 1, 2, 3].map(|i| &words[i * GROUP..][..GROUP]);
    let size = sizes[0] as usize;
    if !size.is_power_of_two() || !(1..=128).contains(&size) || sizes.iter().any(|&s| s as usize != size) {
        return Err(format!("subgroups of {sizes:?}"));
    }
    for me in 0..GROUP {
        let first = me / size * size;
        let sum = (first..GROUP.min(first + size)).map(packed).fold(0u32, u32::wrapping_add);
        let product: i32 = bytes(me).iter().zip(FACTORS).map(|(&a, b)| i32::from(a) * i32::from(b)).sum();
        let (seen, meant) = ([lanes[me], sums[me], products[me]], [(me % size) as u32, sum, product as u32]);
        if seen != meant {
            return Err(format!("invocation {me} of subgroups of {size} sees {seen:?}, not {meant:?}"));
        }
    }
    Ok(())
}

/// What invocation `i` is given: bytes over all of their range.
fn bytes(i: usize) -> [i8; 4] {
    [i as i8, (i * 37) as i8, -(i as i8), if i.is_multiple_of(2) { -128 } else { 127 }]
}

fn packed(i: usize) -> u32 {
    u32::from_le_bytes(bytes(i).map(|b| b as u8))
}

async fn run(gpu: &Gpu) -> Result<Vec<u32>, Error> {
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &[]));
    gpu.prepare(&[pipeline]).await?;
    let (x, y) = (gpu.allocate(4 * GROUP as u64, "x")?, gpu.allocate(16 * GROUP as u64, "y")?);
    let given: Vec<u8> = (0..GROUP).flat_map(|i| packed(i).to_le_bytes()).collect();
    gpu.write(&x, &given)?;
    let factors = u32::from_le_bytes(FACTORS.map(|b| b as u8));
    let launch = Launch {
        pipeline,
        buffers: vec![Target::Held(x), Target::Held(y.clone())],
        parameters: vec![factors, 0, 0, 0],
        groups: [1, 1, 1],
    };
    let recording = gpu.record(&[launch], &[])?;
    gpu.replay(&recording, &|| Ok(())).await?;
    let read = gpu.read(&[(y, 16 * GROUP)], &|| Ok(())).await?;
    let (words, _) = read[0].as_chunks();
    Ok(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
}

/// In browsers `runCases` does it.
#[cfg(not(target_family = "wasm"))]
#[test]
fn what_a_gpu_has_reaches_its_kernels() {
    if let Some(gpu) = crate::harness::gpu() {
        edgewise_core::block_on(probe(gpu)).unwrap();
    }
}
