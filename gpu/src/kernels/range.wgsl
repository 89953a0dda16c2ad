// use index
// use element
// use wide
// Numbers at equal distances. An invocation owns a word, or an element of two.

override KIND: u32 = 1u;

struct Parameters {
    len: u32,
    words: u32,
    unused_a: u32,
    unused_b: u32,
    start: vec2<u32>,
    delta: vec2<u32>,
}

@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@group(0) @binding(1) var<uniform> p: Parameters;

fn number(i: u32) -> u32 {
    if is_float(KIND) {
        return from_float(bitcast<f32>(p.start.x) + f32(i) * bitcast<f32>(p.delta.x), KIND);
    }
    return p.start.x + i * p.delta.x;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if KIND == I64 || KIND == U64 {
        if i < p.len {
            let result = wide_add(p.start, wide_multiply(vec2<u32>(i, 0u), p.delta));
            y[2u * i] = result.x;
            y[2u * i + 1u] = result.y;
        }
        return;
    }
    if i >= p.words {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < per_word(KIND); lane++) {
        let at = i * per_word(KIND) + lane;
        if at < p.len {
            result |= placed(number(at), lane, KIND);
        }
    }
    y[i] = result;
}
