// use index
// use element
// use walk
// The elements of one tensor or another, as a third one says. An invocation owns a word.
//
// Elements are only moved: a kind of their width stands for all, and those of 64 bits are two of 32.

override KIND: u32 = 12u;

struct Parameters {
    walk: Walk,
}

@group(0) @binding(0) var<storage, read> condition: array<u32>;
@group(0) @binding(1) var<storage, read> a: array<u32>;
@group(0) @binding(2) var<storage, read> b: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.walk.words {
        return;
    }
    let per = per_word(KIND);
    var result = 0u;
    for (var lane = 0u; lane < per; lane++) {
        let element = i * per + lane;
        if element < p.walk.len {
            let at = places(element);
            var bits = 0u;
            if bits_of(condition[at.x / 4u], at.x, BOOL) != 0u {
                bits = bits_of(a[at.y / per], at.y, KIND);
            } else {
                bits = bits_of(b[at.z / per], at.z, KIND);
            }
            result |= placed(bits, lane, KIND);
        }
    }
    y[i] = result;
}
