// Arithmetic of floats that is rounded once, to nearest even. `element` and `wide` come before.
//
// WGSL lets a GPU convert and divide within a step or two, and lets small numbers vanish. A sum or a product of
// normal numbers is taken to be rounded to nearest, as every GPU does; whatever else is needed is made of that
// and of integers.

// An integer as a float. Both parts are exact, so that nothing but their sum is rounded.
fn to_nearest(n: i32) -> f32 {
    return f32(n >> 12u) * 4096.0 + f32(n & 0xfff);
}

fn to_nearest_unsigned(n: u32) -> f32 {
    return f32(n >> 12u) * 4096.0 + f32(n & 0xfffu);
}

// A result that must not be fused with what is computed of it. `nothing` is 0, which no compiler may know: it
// comes with the parameters.
fn kept_apart(x: f32, nothing: u32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) ^ nothing);
}

// The bits of significand * 2^exponent. Where 26 bits are in use, the lowest one may stand for all below it.
fn rounded(sign: u32, exponent: i32, significand: u32) -> u32 {
    if significand == 0u {
        return sign;
    }
    let zeros = countLeadingZeros(significand);
    var s = significand << zeros;
    let field = exponent - i32(zeros) + 158;
    if field >= 255 {
        return sign | 0x7f800000u;
    }
    if field < 1 {
        // Too small for an exponent.
        let shift = u32(min(1 - field, 31));
        s = (s >> shift) | select(0u, 1u, (s << (32u - shift)) != 0u);
    }
    let kept = s >> 8u;
    let cut = s & 0xffu;
    let up = select(0u, 1u, cut > 0x80u || (cut == 0x80u && (kept & 1u) == 1u));
    return sign | ((u32(max(field, 1) - 1) << 23u) + kept + up);
}

// A number that is not zero: a significand of 24 bits, times 2^exponent.
struct Parts {
    significand: u32,
    exponent: i32,
}

fn parts_of(size: u32) -> Parts {
    let field = size >> 23u;
    if field > 0u {
        return Parts((size & 0x7fffffu) | 0x800000u, i32(field) - 150);
    }
    let shift = countLeadingZeros(size) - 8u;
    return Parts(size << shift, -149 - i32(shift));
}

fn multiplied(x: f32, y: f32) -> f32 {
    let a = bitcast<u32>(x) & 0x7fffffffu;
    let b = bitcast<u32>(y) & 0x7fffffffu;
    let normal = a >= 0x800000u && b >= 0x800000u && (a >> 23u) + (b >> 23u) > 129u;
    let sign = (bitcast<u32>(x) ^ bitcast<u32>(y)) & 0x80000000u;
    if is_nan(x) || is_nan(y) || (max(a, b) == 0x7f800000u && min(a, b) == 0u) {
        return not_a_number();
    }
    if normal {
        return x * y;
    }
    if max(a, b) == 0x7f800000u {
        return bitcast<f32>(sign | 0x7f800000u);
    }
    if min(a, b) == 0u {
        return bitcast<f32>(sign);
    }
    let n = parts_of(a);
    let m = parts_of(b);
    let product = wide_product(n.significand, m.significand);
    let rest = select(0u, 1u, (product.x & 0xffffu) != 0u);
    let top = (product.y << 16u) | (product.x >> 16u) | rest;
    return bitcast<f32>(rounded(sign, n.exponent + m.exponent + 16, top));
}

fn divided(x: f32, y: f32) -> f32 {
    let a = bitcast<u32>(x) & 0x7fffffffu;
    let b = bitcast<u32>(y) & 0x7fffffffu;
    let sign = (bitcast<u32>(x) ^ bitcast<u32>(y)) & 0x80000000u;
    if is_nan(x) || is_nan(y) || (a == b && (a == 0u || a == 0x7f800000u)) {
        return not_a_number();
    }
    if a == 0x7f800000u || b == 0u {
        return bitcast<f32>(sign | 0x7f800000u);
    }
    if a == 0u || b == 0x7f800000u {
        return bitcast<f32>(sign);
    }
    let n = parts_of(a);
    let d = parts_of(b);
    // A quotient of 24 bits, off by a few steps at most, and what is left then, which tells by how many.
    let shift = select(23u, 24u, n.significand < d.significand);
    let guess = bitcast<f32>(n.significand ^ 0x3f000000u) / bitcast<f32>(d.significand ^ 0x3f000000u);
    var quotient = u32(guess * f32(1u << shift));
    var rest = bitcast<i32>((n.significand << shift) - quotient * d.significand);
    let step = i32(d.significand);
    while rest < 0 {
        quotient -= 1u;
        rest += step;
    }
    while rest >= step {
        quotient += 1u;
        rest -= step;
    }
    // Two bits more: whether half a step is left, less, or more.
    let twice = rest << 1u;
    let below = select(select(select(0u, 1u, rest > 0), 2u, twice == step), 3u, twice > step);
    return bitcast<f32>(rounded(sign, n.exponent - d.exponent - i32(shift) - 2, (quotient << 2u) | below));
}

// `x` in steps of a scale, rounded half to even, in a range that holds `zero`.
fn stepped(x: f32, zero: i32, low: i32, high: i32) -> i32 {
    if is_nan(x) {
        return zero;
    }
    return zero + i32(clamp(round(x), f32(low - zero), f32(high - zero)));
}

// The same for what is known to be a number, to a byte.
fn byte_of(x: f32, zero: i32, low: i32) -> u32 {
    return u32(zero + i32(clamp(round(x), f32(low - zero), f32(low + 255 - zero)))) & 0xffu;
}
