// Arithmetic of floats that is rounded once, to nearest even. `element` and `wide` come before.
//
// WGSL lets a GPU convert and divide within a step or two, and lets small numbers vanish. A sum or a product of
// normal numbers is rounded to nearest, as every GPU does; whatever else is needed is made of that and of integers.
// Where a GPU fails the test that it has to pass when it is opened, what it failed at is done by hand: by integers.

override SUMS_BY_HAND: bool = false;
override PRODUCTS_BY_HAND: bool = false;
override QUOTIENTS_BY_HAND: bool = false;
override ROUNDING_BY_HAND: bool = false;
override CONVERSIONS_BY_HAND: bool = false;

// An integer of up to 24 bits as a float.
fn whole(n: i32) -> f32 {
    if CONVERSIONS_BY_HAND {
        return by_hand(n);
    }
    return f32(n);
}

// An integer as a float. Both parts are exact, so that nothing but their sum is rounded.
fn to_nearest(n: i32) -> f32 {
    if SUMS_BY_HAND || PRODUCTS_BY_HAND || CONVERSIONS_BY_HAND {
        return by_hand(n);
    }
    return f32(n & -4096) + f32(n & 0xfff);
}

fn to_nearest_unsigned(n: u32) -> f32 {
    if SUMS_BY_HAND || PRODUCTS_BY_HAND || CONVERSIONS_BY_HAND {
        return bitcast<f32>(rounded(0u, 0, n));
    }
    return f32(n >> 12u) * 4096.0 + f32(n & 0xfffu);
}

fn by_hand(n: i32) -> f32 {
    return bitcast<f32>(rounded(bitcast<u32>(n) & 0x80000000u, 0, u32(select(n, 0 - n, n < 0))));
}

// A number that is an integer of up to 24 bits.
fn to_whole(x: f32) -> i32 {
    if CONVERSIONS_BY_HAND {
        let size = bitcast<u32>(x) & 0x7fffffffu;
        if size < 0x3f800000u {
            return 0;
        }
        let n = i32(((size & 0x7fffffu) | 0x800000u) >> (150u - min(size >> 23u, 150u)));
        return select(n, 0 - n, (bitcast<u32>(x) >> 31u) == 1u);
    }
    return i32(x);
}

// The nearest number that is an integer, halves to even.
fn nearest_whole(x: f32) -> f32 {
    if ROUNDING_BY_HAND {
        let sign = bitcast<u32>(x) & 0x80000000u;
        let size = bitcast<u32>(x) ^ sign;
        if size >= 0x4b000000u {
            return x;
        }
        if size < 0x3f000000u {
            return bitcast<f32>(sign);
        }
        // Bits behind the point: from 1 to 24.
        let behind = 150u - (size >> 23u);
        let significand = (size & 0x7fffffu) | 0x800000u;
        let down = significand >> behind;
        let cut = significand & ((1u << behind) - 1u);
        let half = 1u << (behind - 1u);
        let up = select(0u, 1u, cut > half || (cut == half && (down & 1u) == 1u));
        return bitcast<f32>(rounded(sign, 0, down + up));
    }
    return round(x);
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

fn added(x: f32, y: f32) -> f32 {
    if SUMS_BY_HAND {
        return added_by_hand(x, y);
    }
    return x + y;
}

// The same where the numbers or their sum may be so small that a GPU lets them vanish.
fn added_by_hand(x: f32, y: f32) -> f32 {
    let a = bitcast<u32>(x) & 0x7fffffffu;
    let b = bitcast<u32>(y) & 0x7fffffffu;
    let apart = ((bitcast<u32>(x) ^ bitcast<u32>(y)) >> 31u) == 1u;
    if is_nan(x) || is_nan(y) || (a == 0x7f800000u && b == a && apart) {
        return not_a_number();
    }
    let large = select(x, y, b > a);
    let sign = bitcast<u32>(large) & 0x80000000u;
    if max(a, b) == 0x7f800000u || (min(a, b) == 0u && max(a, b) != 0u) {
        return large;
    }
    if max(a, b) == 0u {
        return bitcast<f32>(select(sign, 0u, apart));
    }
    // Both with seven bits more, of which the last one stands for all that the smaller one loses.
    let n = parts_of(max(a, b));
    let m = parts_of(min(a, b));
    let shift = u32(min(n.exponent - m.exponent, 31));
    let small = m.significand << 7u;
    let lost = select(0u, 1u, (small & ((1u << shift) - 1u)) != 0u);
    let part = (small >> shift) | lost;
    let sum = (n.significand << 7u) + select(part, 0u - part, apart);
    return bitcast<f32>(select(rounded(sign, n.exponent - 7, sum), 0u, sum == 0u));
}

fn multiplied(x: f32, y: f32) -> f32 {
    let a = bitcast<u32>(x) & 0x7fffffffu;
    let b = bitcast<u32>(y) & 0x7fffffffu;
    let normal = (a >= 0x800000u) & (b >= 0x800000u) & ((a >> 23u) + (b >> 23u) > 129u);
    let sign = (bitcast<u32>(x) ^ bitcast<u32>(y)) & 0x80000000u;
    if is_nan(x) | is_nan(y) | ((max(a, b) == 0x7f800000u) & (min(a, b) == 0u)) {
        return not_a_number();
    }
    if normal && !PRODUCTS_BY_HAND {
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
    // A quotient of 24 bits, and what is left then.
    let shift = select(23u, 24u, n.significand < d.significand);
    var quotient = 0u;
    var rest = 0;
    let step = i32(d.significand);
    if QUOTIENTS_BY_HAND {
        rest = i32(n.significand);
        for (var bit = 0u; bit <= shift; bit++) {
            quotient = quotient << 1u;
            if rest >= step {
                rest -= step;
                quotient += 1u;
            }
            rest = rest << select(0u, 1u, bit < shift);
        }
    } else {
        // Off by a few steps at most; what is left tells by how many.
        let guess = bitcast<f32>(n.significand ^ 0x3f000000u) / bitcast<f32>(d.significand ^ 0x3f000000u);
        quotient = u32(guess * f32(1u << shift));
        rest = bitcast<i32>((n.significand << shift) - quotient * d.significand);
        while rest < 0 {
            quotient -= 1u;
            rest += step;
        }
        while rest >= step {
            quotient += 1u;
            rest -= step;
        }
    }
    // Two bits more: whether half a step is left, less, or more.
    let twice = rest << 1u;
    let below = select(select(select(0u, 1u, rest > 0), 2u, twice == step), 3u, twice > step);
    return bitcast<f32>(rounded(sign, n.exponent - d.exponent - i32(shift) - 2, (quotient << 2u) | below));
}

// A product of normal numbers whose product is one.
fn product_of(x: f32, y: f32) -> f32 {
    if PRODUCTS_BY_HAND {
        return multiplied(x, y);
    }
    return x * y;
}

// `x` in steps of a scale, rounded half to even, in a range that holds `zero`.
fn stepped(x: f32, zero: i32, low: i32, high: i32) -> i32 {
    if is_nan(x) {
        return zero;
    }
    return zero + to_whole(clamp(nearest_whole(x), whole(low - zero), whole(high - zero)));
}

// The same for what is known to be a number, to a byte.
fn byte_of(x: f32, zero: i32, low: i32) -> u32 {
    return bitcast<u32>(zero + to_whole(clamp(nearest_whole(x), whole(low - zero), whole(low + 255 - zero)))) & 0xffu;
}
