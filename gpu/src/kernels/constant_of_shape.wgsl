// use index
// Two words, in turn.

@group(0) @binding(0) var<storage, read_write> y: array<u32>;
// How many words; the even one, the odd one.
@group(0) @binding(1) var<uniform> p: vec4<u32>;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i < p.x {
        y[i] = select(p.y, p.z, (i & 1u) == 1u);
    }
}
