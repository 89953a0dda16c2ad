// use index
// use wide
// use sorting
// One step of a sort between blocks. An invocation holds a pair of entries against each other.

struct Parameters {
    pairs: u32,
    half: u32,
    mirrored: u32,
    unused: u32,
}

@group(0) @binding(0) var<storage, read_write> entries: array<vec4<u32>>;
@group(0) @binding(1) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.pairs {
        return;
    }
    let pair = pair_of(i, p.half, p.mirrored == 1u);
    let a = entries[pair.x];
    let b = entries[pair.y];
    if is_before(b.xyz, a.xyz) {
        entries[pair.x] = b;
        entries[pair.y] = a;
    }
}
