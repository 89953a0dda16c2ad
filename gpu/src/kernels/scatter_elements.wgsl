// use index
// use element
// A tensor in which slices are replaced by updates: each place says which update has it, if one does. An
// invocation owns a word.
//
// Elements are only moved: a kind of their width stands for all, and those of 64 bits are two of 32.

override KIND: u32 = 12u;

struct Parameters {
    len: u32,
    words: u32,
    // Elements of a slice.
    inner: u32,
    unused: u32,
}

@group(0) @binding(0) var<storage, read> data: array<u32>;
@group(0) @binding(1) var<storage, read> updates: array<u32>;
// One more than the update's number, or zero.
@group(0) @binding(2) var<storage, read> claims: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.words {
        return;
    }
    let per = per_word(KIND);
    var result = data[i];
    for (var lane = 0u; lane < per; lane++) {
        let element = i * per + lane;
        if element < p.len {
            let claim = claims[element / p.inner];
            if claim > 0u {
                let at = (claim - 1u) * p.inner + element % p.inner;
                let bits = bits_of(updates[at / per], at, KIND);
                result = (result & ~placed(0xffffffffu, lane, KIND)) | placed(bits, lane, KIND);
            }
        }
    }
    y[i] = result;
}
