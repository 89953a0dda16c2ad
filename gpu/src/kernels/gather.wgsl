// use index
// use element
// use walk
// use indices
// use status
// use checked_indices
// use picks
// Slices of a tensor, picked by indices. An invocation owns a word.
//
// Elements are only moved: a kind of their width stands for all, and those of 64 bits are two of 32.

override KIND: u32 = 12u;

struct Parameters {
    walk: Walk,
    picks: Picks,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<storage, read_write> status: array<atomic<u32>>;
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
            let slice = element / p.picks.inner;
            let at = start_of(slice) + element % p.picks.inner;
            result |= placed(bits_of(x[at / per], at, KIND), lane, KIND);
        }
    }
    y[i] = result;
}
