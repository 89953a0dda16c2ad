// use index
// use element
// Integers between two limits. An invocation owns a word.

override KIND: u32 = 6u;

struct Parameters {
    words: u32,
    low: u32,
    high: u32,
    unused: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Parameters;

fn less(a: u32, b: u32) -> bool {
    return select(a < b, bitcast<i32>(a) < bitcast<i32>(b), is_signed(KIND));
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.words {
        return;
    }
    let word = x[i];
    var result = 0u;
    for (var lane = 0u; lane < per_word(KIND); lane++) {
        var element = to_int(bits_of(word, lane, KIND), KIND);
        element = select(element, p.low, less(element, p.low));
        // Where the limits have changed places, the upper one wins.
        element = select(element, p.high, less(p.high, element));
        result |= placed(element, lane, KIND);
    }
    y[i] = result;
}
