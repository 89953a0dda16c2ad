// use index
// use element
// use wide
// use exact
// use fused
// use host_exp
// Triples become x * y + z, rounded once; or the first of each its exponential.

override EXP: bool = false;

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
// Triples, and a zero that no compiler knows.
@group(0) @binding(2) var<uniform> p: vec4<u32>;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.x {
        return;
    }
    let given = bitcast<vec3<f32>>(vec3<u32>(x[3u * i], x[3u * i + 1u], x[3u * i + 2u]));
    if EXP {
        y[i] = bitcast<u32>(host_exp(given.x, p.y));
    } else {
        y[i] = bitcast<u32>(fused(given.x, given.y, given.z));
    }
}
