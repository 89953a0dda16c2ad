// x * y + z, rounded once, to nearest even: by integers, as WGSL promises no such thing. `element`, `wide` and `exact`
// come before.
//
// A product of two significands has 48 bits, and lies in 64 with 14 zeros behind it. What the smaller operand loses
// when it is shifted to the same place goes into its last bit. It loses something only where it is far smaller, so
// that a difference still has all the bits that are kept.

// Shifted to the right; the last bit stands for all that is lost, too.
fn wide_shrunk(a: vec2<u32>, by: u32) -> vec2<u32> {
    if by == 0u {
        return a;
    }
    let shift = min(by, 63u);
    let kept = wide_right(a, shift, false);
    let lost = !wide_equal(wide_left(kept, shift), a);
    return vec2<u32>(kept.x | select(0u, 1u, lost), kept.y);
}

// The bits of significand * 2^exponent, whose last bit may stand for all below it.
fn wide_rounded(sign: u32, exponent: i32, significand: vec2<u32>) -> u32 {
    if significand.y == 0u {
        return rounded(sign, exponent, significand.x);
    }
    let by = 32u - countLeadingZeros(significand.y);
    return rounded(sign, exponent + i32(by), wide_shrunk(significand, by).x);
}

fn fused(x: f32, y: f32, z: f32) -> f32 {
    let a = bitcast<u32>(x) & 0x7fffffffu;
    let b = bitcast<u32>(y) & 0x7fffffffu;
    let c = bitcast<u32>(z) & 0x7fffffffu;
    let sign = (bitcast<u32>(x) ^ bitcast<u32>(y)) & 0x80000000u;
    let apart = sign != (bitcast<u32>(z) & 0x80000000u);
    let infinite = max(a, b) == 0x7f800000u;
    if is_nan(x) || is_nan(y) || is_nan(z) || (infinite && (min(a, b) == 0u || (c == 0x7f800000u && apart))) {
        return not_a_number();
    }
    if infinite {
        return bitcast<f32>(sign | 0x7f800000u);
    }
    if c == 0x7f800000u || (min(a, b) == 0u && c != 0u) {
        return z;
    }
    if min(a, b) == 0u {
        return bitcast<f32>(select(sign, 0u, apart));
    }
    let n = parts_of(a);
    let m = parts_of(b);
    var exponent = n.exponent + m.exponent - 14;
    var product = wide_left(wide_product(n.significand, m.significand), 14u);
    if c == 0u {
        return bitcast<f32>(wide_rounded(sign, exponent, product));
    }
    let l = parts_of(c);
    var addend = vec2<u32>(l.significand, 0u);
    let shift = l.exponent - exponent;
    if shift > 38 {
        // The addend is as far up as it can be.
        addend = wide_left(addend, 38u);
        product = wide_shrunk(product, u32(shift - 38));
        exponent = l.exponent - 38;
    } else if shift >= 0 {
        addend = wide_left(addend, u32(shift));
    } else {
        addend = wide_shrunk(addend, u32(0 - shift));
    }
    if !apart {
        return bitcast<f32>(wide_rounded(sign, exponent, wide_add(product, addend)));
    }
    if wide_equal(product, addend) {
        return 0.0;
    }
    if wide_less(product, addend, false) {
        return bitcast<f32>(wide_rounded(sign ^ 0x80000000u, exponent, wide_subtract(addend, product)));
    }
    return bitcast<f32>(wide_rounded(sign, exponent, wide_subtract(product, addend)));
}

// The sum of any two numbers: by integers where a GPU might lose what has no exponent, or not know infinity.
fn summed(x: f32, y: f32) -> f32 {
    let a = bitcast<u32>(x) & 0x7fffffffu;
    let b = bitcast<u32>(y) & 0x7fffffffu;
    // From 2^-100 to 2^127 even a difference is zero or has an exponent.
    let plain = (a == 0u || a >= 0x0d800000u) && (b == 0u || b >= 0x0d800000u) && max(a, b) < 0x7f000000u;
    if plain {
        return added(x, y);
    }
    return fused(x, 1.0, y);
}
