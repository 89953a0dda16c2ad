// use index
// use element
// use minifloat
// use wide
// Elements in another type. An invocation owns a word, or an element of two.
//
// Out of range, integers of 32 and 64 bits saturate; smaller ones keep the low bits of what 32 bits hold.

override FROM: u32 = 1u;
override TO: u32 = 1u;
// Of small floats: whether what is too large becomes the largest one; of powers of two, which one is taken.
override SATURATE: bool = true;
override ROUND: u32 = 0u;

struct Parameters {
    len: u32,
    words: u32,
    unused_a: u32,
    unused_b: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Parameters;

fn is_wide(kind: u32) -> bool {
    return kind == I64 || kind == U64;
}

fn to_signed(x: f32) -> u32 {
    if is_nan(x) {
        return 0u;
    }
    if x >= 2147483648.0 {
        return 0x7fffffffu;
    }
    if x < -2147483648.0 {
        return 0x80000000u;
    }
    return bitcast<u32>(i32(x));
}

fn to_unsigned(x: f32) -> u32 {
    if x < 0.0 || is_nan(x) {
        return to_signed(x);
    }
    if x >= 4294967296.0 {
        return 0xffffffffu;
    }
    return u32(x);
}

fn to_wide(x: f32) -> vec2<u32> {
    let size = trunc(abs(x));
    let limit = select(9223372036854775808.0, 18446744073709551616.0, TO == U64 && x >= 0.0);
    if is_nan(x) {
        return vec2<u32>(0u);
    }
    if size >= limit {
        let most = select(vec2<u32>(0xffffffffu, 0x7fffffffu), vec2<u32>(0xffffffffu), TO == U64);
        return select(most, vec2<u32>(0u, 0x80000000u), x < 0.0);
    }
    let high = floor(size / 4294967296.0);
    let whole = vec2<u32>(u32(size - high * 4294967296.0), u32(high));
    if x < 0.0 {
        return wide_negate(whole);
    }
    return whole;
}

fn wide_to_float(x: vec2<u32>) -> f32 {
    let negative = FROM == I64 && (x.y >> 31u) == 1u;
    var size = x;
    if negative {
        size = wide_negate(x);
    }
    let sum = f32(size.y) * 4294967296.0 + f32(size.x);
    return select(sum, -sum, negative);
}

fn float_of(bits: u32) -> f32 {
    if is_minifloat(FROM) {
        return minifloat_to_float(bits, FROM);
    }
    return to_float(bits, FROM);
}

// The bits of the result, two words of them where the type has two.
fn converted(i: u32) -> vec2<u32> {
    if is_wide(FROM) {
        let whole = vec2<u32>(x[2u * i], x[2u * i + 1u]);
        if is_float(TO) {
            return vec2<u32>(from_float(wide_to_float(whole), TO), 0u);
        }
        if TO == BOOL {
            return vec2<u32>(select(0u, 1u, (whole.x | whole.y) != 0u), 0u);
        }
        return whole;
    }
    let bits = bits_of(x[i / per_word(FROM)], i, FROM);
    if FROM == TO {
        return vec2<u32>(bits, 0u);
    }
    if is_float(FROM) || is_minifloat(FROM) {
        let number = float_of(bits);
        if is_minifloat(TO) {
            return vec2<u32>(float_to_minifloat(number, TO, SATURATE, ROUND), 0u);
        }
        if is_float(TO) {
            return vec2<u32>(from_float(number, TO), 0u);
        }
        switch TO {
            case 9u: { return vec2<u32>(select(0u, 1u, (bitcast<u32>(number) & 0x7fffffffu) != 0u), 0u); }
            case 7u, 13u: { return to_wide(number); }
            case 12u: { return vec2<u32>(to_unsigned(number), 0u); }
            default: { return vec2<u32>(to_signed(number), 0u); }
        }
    }
    // What is true is 1, whatever its byte holds.
    let whole = select(to_int(bits, FROM), min(bits, 1u), FROM == BOOL);
    let number = select(f32(whole), f32(bitcast<i32>(whole)), is_signed(FROM));
    if is_minifloat(TO) {
        return vec2<u32>(float_to_minifloat(number, TO, SATURATE, ROUND), 0u);
    }
    if is_float(TO) {
        return vec2<u32>(from_float(number, TO), 0u);
    }
    if TO == BOOL {
        return vec2<u32>(min(whole, 1u), 0u);
    }
    return vec2<u32>(whole, select(0u, 0xffffffffu, is_signed(FROM) && (whole >> 31u) == 1u));
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if is_wide(TO) {
        if i < p.len {
            let result = converted(i);
            y[2u * i] = result.x;
            y[2u * i + 1u] = result.y;
        }
        return;
    }
    if i >= p.words {
        return;
    }
    let per = per_word(TO);
    var result = 0u;
    for (var lane = 0u; lane < per; lane++) {
        let element = i * per + lane;
        if element < p.len {
            result |= placed(converted(element).x, lane, TO);
        }
    }
    y[i] = result;
}
