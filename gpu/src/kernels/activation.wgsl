// use index
// use element
// use math
// use activate
// An activation of every element. An invocation owns a word.

override KIND: u32 = 1u;
override FUNCTION: u32 = 0u;

struct Parameters {
    words: vec4<u32>,
    of_function: vec4<f32>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.words.x {
        return;
    }
    let word = x[i];
    var result = 0u;
    for (var lane = 0u; lane < per_word(KIND); lane++) {
        let element = to_float(bits_of(word, lane, KIND), KIND);
        result |= placed(from_float(activate(FUNCTION, element, p.of_function), KIND), lane, KIND);
    }
    y[i] = result;
}
