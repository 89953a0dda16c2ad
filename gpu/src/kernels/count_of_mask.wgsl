// use index
// How many words of each text a mask has. An invocation counts those of one.

struct Parameters {
    texts: u32,
    sequence: u32,
    unused_a: u32,
    unused_b: u32,
}

@group(0) @binding(0) var<storage, read> mask: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let text = linear(id, groups);
    if text >= p.texts {
        return;
    }
    var count = 0u;
    for (var i = 0u; i < p.sequence; i++) {
        count += select(0u, 1u, mask[text * p.sequence + i] == 1u);
    }
    y[text] = count;
}
