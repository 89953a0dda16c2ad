// use index
// use element
// use math
// use activate
// Sums of products of bytes become the numbers that they stand for: by the product of both scales; then a bias is
// added, and an activation follows.

override HAS_BIAS: bool = false;
override ACTIVATION: u32 = 0u;

struct Parameters {
    of_function: vec4<f32>,
    len: u32,
    // Elements between neighboring channels, channels, and scales: one for all or one for each.
    inner: u32,
    channels: u32,
    scales: u32,
}

@group(0) @binding(0) var<storage, read> sums: array<i32>;
@group(0) @binding(1) var<storage, read> left: array<f32>;
@group(0) @binding(2) var<storage, read> right: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.len {
        return;
    }
    let channel = (i / p.inner) % p.channels;
    var number = f32(sums[i]) * (left[0] * right[select(0u, channel, p.scales > 1u)]);
    if HAS_BIAS {
        number += bias[channel];
    }
    y[i] = activate(ACTIVATION, number, p.of_function);
}
