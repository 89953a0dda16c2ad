// use index
// use element
// Which elements are no ordinary numbers. An invocation owns a word: four answers.

override KIND: u32 = 1u;
override NAN: bool = true;
override NEGATIVE: bool = false;
override POSITIVE: bool = false;

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
// How many elements.
@group(0) @binding(2) var<uniform> p: vec4<u32>;

fn answer(x: f32) -> bool {
    let negative = (bitcast<u32>(x) >> 31u) == 1u;
    return (NAN && is_nan(x)) || (is_infinite(x) && select(POSITIVE, NEGATIVE, negative));
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if 4u * i >= p.x {
        return;
    }
    let per = per_word(KIND);
    var result = 0u;
    for (var lane = 0u; lane < 4u && 4u * i + lane < p.x; lane++) {
        let at = 4u * i + lane;
        let element = to_float(bits_of(x[at / per], at, KIND), KIND);
        result |= placed(select(0u, 1u, answer(element)), lane, BOOL);
    }
    y[i] = result;
}
