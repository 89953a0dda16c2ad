// use index
// use element
// Elements of a byte or a word in another order, with padding behind the innermost ones. An invocation owns a
// word.

override KIND: u32 = 2u;

struct Parameters {
    words: u32,
    len: u32,
    // Innermost elements that there are; from one of the second axis to the next, so many fewer.
    valid: u32,
    fewer: u32,
    // The sizes of all axes but the first, then the steps of all four in what is read.
    sizes: vec4<u32>,
    steps: vec4<u32>,
    // What turns the bits of elements, and what lies where there are none.
    turn: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let word = linear(id, groups);
    if word >= p.words {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < per_word(KIND); lane++) {
        let i = word * per_word(KIND) + lane;
        let d = i % p.sizes.z;
        let c = (i / p.sizes.z) % p.sizes.y;
        let b = (i / (p.sizes.z * p.sizes.y)) % p.sizes.x;
        var bits = p.turn.y;
        if i < p.len && d + b * p.fewer < p.valid {
            let a = i / (p.sizes.z * p.sizes.y * p.sizes.x);
            let at = a * p.steps.x + b * p.steps.y + c * p.steps.z + d * p.steps.w;
            bits = bits_of(x[at / per_word(KIND)], at, KIND) ^ p.turn.x;
        }
        result |= placed(bits, lane, KIND);
    }
    y[word] = result;
}
