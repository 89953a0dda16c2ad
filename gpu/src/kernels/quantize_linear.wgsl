// use index
// use element
// use wide
// use exact
// use scales
// QuantizeLinear to integers of 8 and 16 bits. An invocation owns a word.

override X: u32 = 1u;
// The kind of the scales, and that in which quotients are rounded.
override SCALE: u32 = 1u;
override QUOTIENT: u32 = 1u;
override Y: u32 = 2u;
override ZEROS: bool = false;

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
    var high = select(255, 65535, per_word(Y) == 2u);
    if is_signed(Y) {
        low = select(-128, -32768, per_word(Y) == 2u);
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
            let steps = narrowed(divided(narrowed(real), narrowed(step)));
            result |= placed(bitcast<u32>(stepped(steps, z, low, high)), lane, Y);
        }
    }
    y[word] = result;
}
