// use index
// use element
// use quantize
// Sums of products become quantized integers: a bias is added, a factor multiplied, and the result rounded. An
// invocation owns a word.

override TO: u32 = 2u;
override HAS_BIAS: bool = false;

struct Parameters {
    len: u32,
    words: u32,
    // Elements between neighboring channels, channels, and factors: one for all or one for each.
    inner: u32,
    channels: u32,
    factors: u32,
    zero: i32,
    unused_a: u32,
    unused_b: u32,
}

@group(0) @binding(0) var<storage, read> sums: array<i32>;
@group(0) @binding(1) var<storage, read> factor: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.words {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < per_word(TO); lane++) {
        let element = i * per_word(TO) + lane;
        if element < p.len {
            let channel = (element / p.inner) % p.channels;
            var sum = sums[element];
            if HAS_BIAS {
                sum += bias[channel];
            }
            let number = f32(sum) * factor[select(0u, channel, p.factors > 1u)];
            result |= placed(round_to(number, p.zero, TO), lane, TO);
        }
    }
    y[i] = result;
}
