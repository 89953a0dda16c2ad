// Floats in vectors of four words. `element` comes before.
//
// A buffer of vectors holds whole ones, whatever the tensor: what lies behind its elements is undefined.

// The vector that holds element `i`.
fn vector_at(i: u32, kind: u32) -> u32 {
    return i / (4u * per_word(kind));
}

// Element `i`, of the vector that holds it.
fn one_of(v: vec4<u32>, i: u32, kind: u32) -> f32 {
    let word = (i / per_word(kind)) & 3u;
    let low = select(v.x, v.y, word == 1u);
    let high = select(v.z, v.w, word == 3u);
    return to_float(bits_of(select(low, high, word > 1u), i, kind), kind);
}

// Elements `i` to `i + 3`, of which the first is a multiple of 4.
fn four_of(v: vec4<u32>, i: u32, kind: u32) -> vec4<f32> {
    if kind == F32 {
        return bitcast<vec4<f32>>(v);
    }
    let words = select(v.xy, v.zw, (i & 4u) != 0u);
    return vec4<f32>(
        to_float(words.x & 0xffffu, kind),
        to_float(words.x >> 16u, kind),
        to_float(words.y & 0xffffu, kind),
        to_float(words.y >> 16u, kind),
    );
}

// Elements `i` to `i + 3`, of the vectors that hold the first and the last.
fn four_across(first: vec4<u32>, last: vec4<u32>, i: u32, kind: u32) -> vec4<f32> {
    let at = vector_at(i, kind);
    return vec4<f32>(
        one_of(first, i, kind),
        one_of(select(last, first, vector_at(i + 1u, kind) == at), i + 1u, kind),
        one_of(select(last, first, vector_at(i + 2u, kind) == at), i + 2u, kind),
        one_of(last, i + 3u, kind),
    );
}

fn component(v: vec4<f32>, i: u32) -> f32 {
    return select(select(v.x, v.y, i == 1u), select(v.z, v.w, i == 3u), i > 1u);
}
