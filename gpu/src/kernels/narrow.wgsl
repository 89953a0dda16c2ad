// use index
// use element
// Floats of 32 bits as floats of 16, two in a word. An invocation owns a word.

override KIND: u32 = 10u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> len: vec4<u32>;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let word = linear(id, groups);
    let i = 2u * word;
    if i >= len.x {
        return;
    }
    var bits = from_float(x[i], KIND);
    if i + 1u < len.x {
        bits |= from_float(x[i + 1u], KIND) << 16u;
    }
    y[word] = bits;
}
