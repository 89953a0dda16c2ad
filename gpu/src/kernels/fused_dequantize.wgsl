// use index
// use element
// use wide
// use exact
// use math
// use activate
// Bytes become numbers, and these others and bytes again: every step rounds as the operator that it stands for. An
// invocation owns four elements.

override X: u32 = 2u;
override Y: u32 = 1u;
override FUNCTION: u32 = 0u;
// 0: there is none, 1: it multiplies, 2: it divides.
override FACTOR: u32 = 0u;
override BIAS: bool = false;
override SUM: bool = false;

struct Parameters {
    fours: u32,
    len: u32,
    axes: u32,
    nothing: u32,
    x_scale: f32,
    y_scale: f32,
    x_zero: i32,
    y_zero: i32,
    of_function: vec4<f32>,
    // Size, and steps in both addends.
    walk: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> factor: array<u32>;
@group(0) @binding(2) var<storage, read> bias: array<u32>;
@group(0) @binding(3) var<storage, read> sum: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<u32>;
@group(0) @binding(5) var<uniform> p: Parameters;

fn result_of(i: u32) -> u32 {
    let byte = bitcast<i32>(to_int(bits_of(x[i / 4u], i, X), X));
    var real = multiplied(whole(byte - p.x_zero), p.x_scale);
    if FACTOR == 1u {
        real = multiplied(real, bitcast<f32>(factor[0]));
    }
    if FACTOR == 2u {
        real = divided(real, bitcast<f32>(factor[0]));
    }
    var rest = i;
    var at = vec2<u32>(0u);
    if BIAS || SUM {
        for (var axis = p.axes; axis > 0u; axis--) {
            let along = p.walk[axis - 1u];
            at += (rest % along.x) * along.yz;
            rest /= along.x;
        }
    }
    if BIAS {
        real = added(kept_apart(real, p.nothing), bitcast<f32>(bias[at.x]));
    }
    if SUM {
        real = added(kept_apart(real, p.nothing), bitcast<f32>(sum[at.y]));
    }
    real = activate(FUNCTION, kept_apart(real, p.nothing), p.of_function);
    if Y == F32 {
        return bitcast<u32>(real);
    }
    let low = select(0, -128, is_signed(Y));
    return bitcast<u32>(stepped(divided(real, p.y_scale), p.y_zero, low, low + 255));
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let four = linear(id, groups);
    if four >= p.fours {
        return;
    }
    var word = 0u;
    for (var lane = 0u; lane < 4u; lane++) {
        let i = four * 4u + lane;
        if i >= p.len {
            break;
        }
        let result = result_of(i);
        if Y == F32 {
            y[i] = result;
        } else {
            word |= placed(result, lane, Y);
        }
    }
    if Y != F32 {
        y[four] = word;
    }
}
