// use index
// use element
// use scales
// Integers become numbers again. An invocation owns a word.

override KIND: u32 = 2u;
override SCALE_KIND: u32 = 1u;
override TO: u32 = 1u;
override HAS_ZERO: bool = false;

struct Parameters {
    scales: Scales,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> scale: array<u32>;
@group(0) @binding(2) var<storage, read> zero: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.scales.words {
        return;
    }
    let per = per_word(KIND);
    var result = 0u;
    for (var lane = 0u; lane < per_word(TO); lane++) {
        let element = i * per_word(TO) + lane;
        if element < p.scales.len {
            let at = scale_of(element);
            var distance = bitcast<i32>(to_int(bits_of(x[element / per], element, KIND), KIND));
            if HAS_ZERO {
                distance -= bitcast<i32>(to_int(bits_of(zero[at / per], at, KIND), KIND));
            }
            let step = to_float(bits_of(scale[at / per_word(SCALE_KIND)], at, SCALE_KIND), SCALE_KIND);
            result |= placed(from_float(f32(distance) * step, TO), lane, TO);
        }
    }
    y[i] = result;
}
