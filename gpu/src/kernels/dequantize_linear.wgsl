// use index
// use element
// use minifloat
// use wide
// use exact
// use scales
// DequantizeLinear of integers of up to 32 bits and of small floats. An invocation owns four elements: whole words of any kind.

override X: u32 = 2u;
override SCALE: u32 = 1u;
override Y: u32 = 1u;
override ZEROS: bool = false;

struct Parameters {
    // How many fours and elements there are.
    fours: u32,
    len: u32,
    spare: vec2<u32>,
    scales: Scales,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> scale: array<u32>;
@group(0) @binding(2) var<storage, read> zero: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<uniform> p: Parameters;

// The difference as a float: that of two integers of 32 bits takes 33.
fn difference(q: u32, z: u32) -> f32 {
    let a = bitcast<i32>(q);
    let b = bitcast<i32>(z);
    if X != I32 {
        return whole(a - b);
    }
    return bitcast<f32>(select(rounded(0u, 0, q - z), rounded(0x80000000u, 0, z - q), a < b));
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let four = linear(id, groups);
    if four >= p.fours {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < 4u; lane++) {
        let i = four * 4u + lane;
        if i >= p.len {
            break;
        }
        let at = scale_of(i, p.scales);
        var z = 0u;
        if ZEROS {
            z = to_int(bits_of(zero[at / per_word(X)], at, X), X);
        }
        let bits = bits_of(x[i / per_word(X)], i, X);
        var steps = 0.0;
        if is_minifloat(X) {
            steps = minifloat_to_float(bits, X);
        } else {
            steps = difference(to_int(bits, X), z);
        }
        let step = to_float(bits_of(scale[at / per_word(SCALE)], at, SCALE), SCALE);
        result |= placed(from_float(multiplied(steps, step), Y), i, Y);
        // The last element of a word, or of all.
        if (i + 1u) % per_word(Y) == 0u || i + 1u == p.len {
            y[i / per_word(Y)] = result;
            result = 0u;
        }
    }
}
