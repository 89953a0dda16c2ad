// use index
// use element
// use math
// use functions
// use wide
// use walk
// Arithmetic of two tensors that broadcast. An invocation owns a word, or an element of two.

override KIND: u32 = 1u;
override FUNCTION: u32 = 0u;

struct Parameters {
    walk: Walk,
}

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

fn of_floats(a: f32, b: f32) -> f32 {
    if FUNCTION == 4u || FUNCTION == 5u {
        return float_rest_of(a, b);
    }
    if FUNCTION == 14u {
        // The last step of a mean.
        return (a + b) / bitcast<f32>(p.walk.extra);
    }
    return of_two(FUNCTION, a, b);
}

// The rest has the sign of `a`; that of `b` where FUNCTION says so, a zero's included.
fn float_rest_of(a: f32, b: f32) -> f32 {
    let rest = remainder(a, b);
    if FUNCTION == 5u || is_nan(rest) {
        return rest;
    }
    // By their bits, as a number that is small enough may be taken for zero.
    let sign = bitcast<u32>(b) & 0x80000000u;
    let bits = bitcast<u32>(rest);
    if (bits & 0x7fffffffu) == 0u {
        return bitcast<f32>(sign);
    }
    return select(rest, rest + b, (bits & 0x80000000u) != sign);
}

fn quotient(a: u32, b: u32) -> u32 {
    if b == 0u {
        return 0u;
    }
    if is_signed(KIND) {
        // The smallest number divided by -1 wraps to itself.
        if b == 0xffffffffu {
            return 0u - a;
        }
        return bitcast<u32>(bitcast<i32>(a) / bitcast<i32>(b));
    }
    return a / b;
}

// The rest has the sign of `a`; that of `b` where FUNCTION says so.
fn rest_of(a: u32, b: u32) -> u32 {
    if b == 0u {
        return 0u;
    }
    let rest = a - quotient(a, b) * b;
    let apart = is_signed(KIND) && ((rest ^ b) >> 31u) == 1u;
    return select(rest, rest + b, FUNCTION == 4u && apart && rest != 0u);
}

fn shifted_right(a: u32, by: u32) -> u32 {
    if is_signed(KIND) {
        return bitcast<u32>(bitcast<i32>(a) >> min(by, 31u));
    }
    return select(a >> (by & 31u), 0u, by > 31u);
}

fn integer_power(x: u32, e: u32) -> u32 {
    if is_signed(KIND) && (e >> 31u) == 1u && x != 1u {
        let odd = (e & 1u) == 1u;
        return select(0u, select(1u, x, odd), x == 0xffffffffu);
    }
    var result = 1u;
    var square = x;
    var rest = select(e, 0u - e, is_signed(KIND) && (e >> 31u) == 1u);
    while rest > 0u {
        if (rest & 1u) == 1u {
            result *= square;
        }
        square *= square;
        rest = rest >> 1u;
    }
    return result;
}

fn less(a: u32, b: u32) -> bool {
    return select(a < b, bitcast<i32>(a) < bitcast<i32>(b), is_signed(KIND));
}

fn of_integers(a: u32, b: u32) -> u32 {
    switch FUNCTION {
        case 0u: { return a + b; }
        case 1u: { return a - b; }
        case 2u: { return a * b; }
        case 3u: { return quotient(a, b); }
        case 4u, 5u: { return rest_of(a, b); }
        case 6u: { return integer_power(a, b); }
        case 7u: { return select(a << (b & 31u), 0u, b > 31u); }
        case 8u: { return shifted_right(a, b); }
        case 9u: { return a & b; }
        case 10u: { return a | b; }
        case 11u: { return a ^ b; }
        case 12u: { return select(a, b, less(a, b)); }
        default: { return select(a, b, less(b, a)); }
    }
}

fn wide_rest_of(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    if (b.x | b.y) == 0u {
        return vec2<u32>(0u);
    }
    let rest = wide_rest(a, b, KIND == I64);
    let apart = KIND == I64 && wide_is_negative(rest) != wide_is_negative(b);
    if FUNCTION == 4u && apart && (rest.x | rest.y) != 0u {
        return wide_add(rest, b);
    }
    return rest;
}

// Shifted all the way, only the sign is left.
fn wide_shifted_right(a: vec2<u32>, by: vec2<u32>) -> vec2<u32> {
    if by.y != 0u || by.x > 63u {
        return vec2<u32>(select(0u, 0xffffffffu, KIND == I64 && wide_is_negative(a)));
    }
    return wide_right(a, by.x, KIND == I64);
}

fn of_wide(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    switch FUNCTION {
        case 0u: { return wide_add(a, b); }
        case 1u: { return wide_subtract(a, b); }
        case 2u: { return wide_multiply(a, b); }
        case 3u: { return wide_quotient(a, b, KIND == I64); }
        case 4u, 5u: { return wide_rest_of(a, b); }
        case 7u: { return select(wide_left(a, b.x & 63u), vec2<u32>(0u), b.y != 0u || b.x > 63u); }
        case 8u: { return wide_shifted_right(a, b); }
        case 9u: { return a & b; }
        case 10u: { return a | b; }
        case 11u: { return a ^ b; }
        case 12u: { return select(a, b, wide_less(a, b, KIND == I64)); }
        default: { return select(a, b, wide_less(b, a, KIND == I64)); }
    }
}

fn of_bits(a: u32, b: u32) -> u32 {
    if is_float(KIND) {
        return from_float(of_floats(to_float(a, KIND), to_float(b, KIND)), KIND);
    }
    return of_integers(to_int(a, KIND), to_int(b, KIND));
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if KIND == I64 || KIND == U64 {
        if i < p.walk.len {
            let at = 2u * places(i);
            let left = vec2<u32>(a[at.x], a[at.x + 1u]);
            let result = of_wide(left, vec2<u32>(b[at.y], b[at.y + 1u]));
            y[2u * i] = result.x;
            y[2u * i + 1u] = result.y;
        }
        return;
    }
    if i >= p.walk.words {
        return;
    }
    let per = per_word(KIND);
    var result = 0u;
    for (var lane = 0u; lane < per; lane++) {
        let element = i * per + lane;
        if element < p.walk.len {
            let at = places(element);
            let left = bits_of(a[at.x / per], at.x, KIND);
            result |= placed(of_bits(left, bits_of(b[at.y / per], at.y, KIND)), lane, KIND);
        }
    }
    y[i] = result;
}
