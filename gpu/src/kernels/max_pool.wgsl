// use index
// use element
// use math
// use windows
// A number for every window. An invocation owns a word of them.

override KIND: u32 = 1u;
// 0 maximum, 1 mean of what lies in the image, 2 mean with padding, 3 norm.
override POOLING: u32 = 0u;
override CHANNELS_LAST: u32 = 0u;

struct Parameters {
    windows: Windows,
    // Outputs, channels of an image.
    sizes: vec4<u32>,
    // The p of the norm.
    power: vec4<f32>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Parameters;

fn bits_at(i: u32) -> u32 {
    return bits_of(x[i / per_word(KIND)], i, KIND);
}

// Whether `a` is the larger one, of bits of integers.
fn is_larger(a: u32, b: u32) -> bool {
    return select(a > b, bitcast<i32>(a) > bitcast<i32>(b), is_signed(KIND));
}

// The bits of an output.
fn pooled(output: u32) -> u32 {
    let pixels = u32(p.windows.output.w);
    let cells = u32(p.windows.input.w);
    let channels = p.sizes.y;
    var pixel = output % pixels;
    var first = output / pixels * cells;
    var step = 1u;
    if CHANNELS_LAST == 1u {
        pixel = output / channels % pixels;
        first = output / channels / pixels * cells * channels + output % channels;
        step = channels;
    }
    let origin = origin_of(pixel);
    var most = -infinity();
    var most_integer = select(0u, 0x80000000u, is_signed(KIND));
    var sum = 0.0;
    var count = 0u;
    var place = vec3<i32>();
    for (var tap = 0u; tap < u32(p.windows.kernel.w); tap++) {
        let cell = cell_of(origin, place);
        place = tap_after(place);
        if cell == NOWHERE {
            continue;
        }
        let bits = bits_at(first + cell * step);
        if !is_float(KIND) {
            let v = to_int(bits, KIND);
            most_integer = select(most_integer, v, is_larger(v, most_integer));
            continue;
        }
        let v = to_float(bits, KIND);
        count += 1u;
        sum += v;
        let size = select(v, abs(v), POOLING == 3u);
        if !is_nan(most) && (is_nan(size) || size > most) {
            most = size;
        }
    }
    if !is_float(KIND) {
        return most_integer;
    }
    switch POOLING {
        case 0u: { return from_float(most, KIND); }
        case 1u: { return from_float(mean(origin, first, step, sum, f32(max(count, 1u))), KIND); }
        case 2u: { return from_float(mean(origin, first, step, sum, padded_taps(origin)), KIND); }
        default: { return from_float(norm(origin, first, step, most), KIND); }
    }
}

// The mean of a window whose sum is known. Where that is infinite, its parts may not be.
fn mean(origin: vec3<i32>, first: u32, step: u32, sum: f32, count: f32) -> f32 {
    if !is_infinite(sum) {
        return sum / count;
    }
    var parts = 0.0;
    var place = vec3<i32>();
    for (var tap = 0u; tap < u32(p.windows.kernel.w); tap++) {
        let cell = cell_of(origin, place);
        place = tap_after(place);
        if cell != NOWHERE {
            parts += to_float(bits_at(first + cell * step), KIND) / count;
        }
    }
    return parts;
}

// The norm of a window, whose largest element is known: its power alone might be infinite or nothing.
fn norm(origin: vec3<i32>, first: u32, step: u32, most: f32) -> f32 {
    if is_nan(most) || is_infinite(most) || most == 0.0 {
        return select(most, 0.0, most < 0.0);
    }
    var sum = 0.0;
    var place = vec3<i32>();
    for (var tap = 0u; tap < u32(p.windows.kernel.w); tap++) {
        let cell = cell_of(origin, place);
        place = tap_after(place);
        if cell != NOWHERE {
            let v = to_float(bits_at(first + cell * step), KIND);
            sum += power_of(v / most, p.power.x);
        }
    }
    return most * root_of(sum, p.power.x);
}

// How many cells a window has in the image and its padding.
fn padded_taps(origin: vec3<i32>) -> f32 {
    let room = p.windows.padded.xyz - (origin + p.windows.before.xyz);
    let dilation = p.windows.dilation.xyz;
    let taps = min((room + dilation - vec3<i32>(1)) / dilation, p.windows.kernel.xyz);
    return f32(taps.x * taps.y * taps.z);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let word = linear(id, groups);
    let each = per_word(KIND);
    if word * each >= p.sizes.x {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < each && word * each + lane < p.sizes.x; lane++) {
        result |= placed(pooled(word * each + lane), lane, KIND);
    }
    y[word] = result;
}
