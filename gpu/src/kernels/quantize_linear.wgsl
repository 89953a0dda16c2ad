// use index
// use element
// use minifloat
// use wide
// use exact
// use scales
// QuantizeLinear to integers of up to 16 bits and to small floats. An invocation owns a word.

override X: u32 = 1u;
// The kind of the scales, and that in which quotients are rounded.
override SCALE: u32 = 1u;
override QUOTIENT: u32 = 1u;
override Y: u32 = 2u;
override ZEROS: bool = false;
// Of small floats, whether what is too large becomes the largest one.
override SATURATE: bool = true;

struct Parameters {
    // How many words and elements there are.
    words: u32,
    len: u32,
    spare: vec2<u32>,
    scales: Scales,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> scale: array<u32>;
@group(0) @binding(2) var<storage, read> zero: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<uniform> p: Parameters;

fn narrowed(x: f32) -> f32 {
    return to_float(from_float(x, QUOTIENT), QUOTIENT);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let word = linear(id, groups);
    if word >= p.words {
        return;
    }
    var low = 0;
    var high = (1 << (32u / per_word(Y))) - 1;
    if is_signed(Y) {
        low = -(1 << (32u / per_word(Y) - 1u));
        high = -1 - low;
    }
    var result = 0u;
    for (var lane = 0u; lane < per_word(Y); lane++) {
        let i = word * per_word(Y) + lane;
        if i < p.len {
            let at = scale_of(i, p.scales);
            var z = 0;
            if ZEROS {
                z = bitcast<i32>(to_int(bits_of(zero[at / per_word(Y)], at, Y), Y));
            }
            let real = to_float(bits_of(x[i / per_word(X)], i, X), X);
            let step = to_float(bits_of(scale[at / per_word(SCALE)], at, SCALE), SCALE);
            var steps = narrowed(divided(narrowed(real), narrowed(step)));
            if Y == F4E2M1 && (bitcast<u32>(steps) & 0x7fffffffu) == 0u {
                // Its zero point, another zero, is added to it.
                steps = 0.0;
            }
            var code = 0u;
            if is_minifloat(Y) {
                code = float_to_minifloat(steps, Y, SATURATE, 0u);
            } else {
                code = bitcast<u32>(stepped(steps, z, low, high));
            }
            result |= placed(code, lane, Y);
        }
    }
    y[word] = result;
}
