// use index
// use element
// Slices of a tensor, picked by indices. An invocation owns a word.
//
// Elements are only moved: a kind of their width stands for all, and those of 64 bits are two of 32. An index
// that lies outside picks the nearest slice: a GPU has nobody to tell.

override KIND: u32 = 12u;
override WIDE_INDICES: bool = false;

struct Parameters {
    len: u32,
    words: u32,
    // Slices of the input, slices that are picked, elements of a slice.
    size: u32,
    picked: u32,
    inner: u32,
    unused_a: u32,
    unused_b: u32,
    unused_c: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

fn index(i: u32) -> u32 {
    var low = 0u;
    var negative = false;
    var far = false;
    if WIDE_INDICES {
        low = indices[2u * i];
        let high = indices[2u * i + 1u];
        negative = (high >> 31u) == 1u;
        far = high != select(0u, 0xffffffffu, negative) || ((low >> 31u) == 1u) != negative;
    } else {
        low = indices[i];
        negative = (low >> 31u) == 1u;
    }
    if far {
        return select(p.size - 1u, 0u, negative);
    }
    if negative {
        // From the end, but not before the beginning.
        let back = 0u - low;
        return select(p.size - back, 0u, back > p.size);
    }
    return min(low, p.size - 1u);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.words {
        return;
    }
    let per = per_word(KIND);
    var result = 0u;
    for (var lane = 0u; lane < per; lane++) {
        let element = i * per + lane;
        if element < p.len {
            let slice = element / p.inner;
            let outer = slice / p.picked;
            let at = (outer * p.size + index(slice - outer * p.picked)) * p.inner + (element - slice * p.inner);
            result |= placed(bits_of(x[at / per], at, KIND), lane, KIND);
        }
    }
    y[i] = result;
}
