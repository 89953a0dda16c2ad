// Elements in words of 32 bits: from one to sixteen of them in each, the first one lowest.
//
// A kind is ONNX's number of the type. Kinds are constants of a pipeline, so that the compiler leaves one
// branch of each function. The float conversions are done on bits: what WGSL's own do with infinity, NaN and
// numbers that do not fit is for each GPU to say.

const F32: u32 = 1u;
const U8: u32 = 2u;
const I8: u32 = 3u;
const U16: u32 = 4u;
const I16: u32 = 5u;
const I32: u32 = 6u;
const I64: u32 = 7u;
const BOOL: u32 = 9u;
const F16: u32 = 10u;
const U32: u32 = 12u;
const U64: u32 = 13u;
const BF16: u32 = 16u;
const U4: u32 = 21u;
const I4: u32 = 22u;
const U2: u32 = 25u;
const I2: u32 = 26u;

fn per_word(kind: u32) -> u32 {
    switch kind {
        case 2u, 3u, 9u, 17u, 18u, 19u, 20u, 24u: { return 4u; }
        case 4u, 5u, 10u, 16u: { return 2u; }
        case 21u, 22u, 23u: { return 8u; }
        case 25u, 26u: { return 16u; }
        default: { return 1u; }
    }
}

fn is_float(kind: u32) -> bool {
    return kind == F32 || kind == F16 || kind == BF16;
}

fn is_signed(kind: u32) -> bool {
    return kind == I8 || kind == I16 || kind == I32 || kind == I64 || kind == I4 || kind == I2;
}

// The bits of element `i`, which lies in `word`.
fn bits_of(word: u32, i: u32, kind: u32) -> u32 {
    let per = per_word(kind);
    if per == 1u {
        return word;
    }
    let width = 32u / per;
    return (word >> (width * (i & (per - 1u)))) & ((1u << width) - 1u);
}

// A word in which there is nothing but element `i`.
fn placed(bits: u32, i: u32, kind: u32) -> u32 {
    let per = per_word(kind);
    if per == 1u {
        return bits;
    }
    let width = 32u / per;
    return (bits & ((1u << width) - 1u)) << (width * (i & (per - 1u)));
}

fn is_nan(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn is_infinite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u;
}

// WGSL has no constants of these; what a variable holds is not looked into.
fn infinity() -> f32 {
    var bits = 0x7f800000u;
    return bitcast<f32>(bits);
}

fn not_a_number() -> f32 {
    var bits = 0x7fc00000u;
    return bitcast<f32>(bits);
}

fn half_to_float(h: u32) -> f32 {
    let sign = (h & 0x8000u) << 16u;
    let size = h & 0x7fffu;
    let normal = (size << 13u) + 0x38000000u;
    let odd = 0x7f800000u | ((size & 0x3ffu) << 13u);
    // Too small for an exponent: so many steps of 2^-24, which a float holds.
    let small = bitcast<u32>(f32(size) * 5.9604644775390625e-8);
    return bitcast<f32>(sign | select(select(normal, small, size < 0x400u), odd, size >= 0x7c00u));
}

fn float_to_half(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    let sign = (bits >> 16u) & 0x8000u;
    let size = bits & 0x7fffffffu;
    if size > 0x7f800000u {
        return sign | 0x7e00u;
    }
    if size >= 0x477ff000u {
        return sign | 0x7c00u;
    }
    if size < 0x38800000u {
        // Steps of 2^-24, rounded: the significand is shifted to them. Below half a step there is none.
        if size <= 0x33000000u {
            return sign;
        }
        let significand = (size & 0x7fffffu) | 0x800000u;
        let shift = 126u - (size >> 23u);
        let cut = significand & ((1u << shift) - 1u);
        let half = 1u << (shift - 1u);
        let down = significand >> shift;
        return sign | (down + select(0u, 1u, cut > half || (cut == half && (down & 1u) == 1u)));
    }
    // The last bit that stays decides about halves.
    return sign | ((size - 0x38000000u + 0xfffu + ((size >> 13u) & 1u)) >> 13u);
}

fn float_to_bfloat(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    if is_nan(x) {
        return (bits >> 16u) | 0x40u;
    }
    return (bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u;
}

// An element as a float.
fn to_float(bits: u32, kind: u32) -> f32 {
    switch kind {
        case 1u: { return bitcast<f32>(bits); }
        case 10u: { return half_to_float(bits); }
        case 16u: { return bitcast<f32>(bits << 16u); }
        case 3u, 5u, 6u: { return f32(bitcast<i32>(to_int(bits, kind))); }
        default: { return f32(bits); }
    }
}

// The bits of a float of that kind.
fn from_float(x: f32, kind: u32) -> u32 {
    switch kind {
        case 10u: { return float_to_half(x); }
        case 16u: { return float_to_bfloat(x); }
        default: { return bitcast<u32>(x); }
    }
}

// An integer element in 32 bits, its sign spread where it has one.
fn to_int(bits: u32, kind: u32) -> u32 {
    if !is_signed(kind) || per_word(kind) == 1u {
        return bits;
    }
    let above = 32u - 32u / per_word(kind);
    return bitcast<u32>(bitcast<i32>(bits << above) >> above);
}
