// How numbers become quantized integers, as `core/src/quant.rs` says. `element` comes before.
//
// WGSL's division may be off in the last places, and then a number beside a half is rounded to the wrong side. So
// quotients are found digit by digit, in integers.

fn lowest(kind: u32) -> i32 {
    switch kind {
        case 3u: { return -128; }
        case 5u: { return -32768; }
        default: { return 0; }
    }
}

fn highest(kind: u32) -> i32 {
    switch kind {
        case 2u: { return 255; }
        case 3u: { return 127; }
        case 4u: { return 65535; }
        default: { return 32767; }
    }
}

// saturate(round_half_even(x) + zero), for a kind of at most 16 bits; NaN gives `zero`.
fn round_to(x: f32, zero: i32, kind: u32) -> u32 {
    if is_nan(x) {
        return bitcast<u32>(zero);
    }
    let steps = clamp(round(x), f32(lowest(kind) - zero), f32(highest(kind) - zero));
    return bitcast<u32>(zero + i32(steps));
}

// The significand of a number's bits without their sign, its first bit at 2^23, and the exponent as it is stored.
fn significand(size: u32) -> vec2<u32> {
    if size < 0x800000u {
        let shift = countLeadingZeros(size) - 8u;
        return vec2<u32>(size << shift, 1u - shift);
    }
    return vec2<u32>((size & 0x7fffffu) | 0x800000u, size >> 23u);
}

// x / y as IEEE 754 has it.
fn divide(x: f32, y: f32) -> f32 {
    let sign = (bitcast<u32>(x) ^ bitcast<u32>(y)) & 0x80000000u;
    let over = bitcast<u32>(x) & 0x7fffffffu;
    let under = bitcast<u32>(y) & 0x7fffffffu;
    let none = over > 0x7f800000u || under > 0x7f800000u;
    if none || (over == under && (over == 0u || over == 0x7f800000u)) {
        return not_a_number();
    }
    if over == 0x7f800000u || under == 0u {
        return bitcast<f32>(sign | 0x7f800000u);
    }
    if over == 0u || under == 0x7f800000u {
        return bitcast<f32>(sign);
    }
    let a = significand(over);
    let b = significand(under);
    var exponent = bitcast<i32>(a.y - b.y) + 127;
    var rest = a.x;
    if rest < b.x {
        rest = rest << 1u;
        exponent -= 1;
    }
    // 24 bits and one more, by which to round.
    var quotient = 0u;
    for (var i = 0u; i < 25u; i++) {
        quotient = quotient << 1u;
        if rest >= b.x {
            rest -= b.x;
            quotient |= 1u;
        }
        rest = rest << 1u;
    }
    var inexact = rest != 0u;
    if exponent >= 255 {
        return bitcast<f32>(sign | 0x7f800000u);
    }
    var high = u32(max(exponent - 1, 0)) << 23u;
    if exponent <= 0 {
        // Too small for an exponent.
        let shift = u32(1 - exponent);
        if shift > 25u {
            return bitcast<f32>(sign);
        }
        inexact = inexact || (quotient & ((1u << shift) - 1u)) != 0u;
        quotient = quotient >> shift;
    }
    var digits = quotient >> 1u;
    if (quotient & 1u) == 1u && (inexact || (digits & 1u) == 1u) {
        digits += 1u;
    }
    return bitcast<f32>(sign | (high + digits));
}
