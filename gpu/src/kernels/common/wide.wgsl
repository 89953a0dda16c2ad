// Integers of 64 bits, as two words: the low one first.

fn wide_add(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < a.x));
}

fn wide_negate(a: vec2<u32>) -> vec2<u32> {
    return wide_add(~a, vec2<u32>(1u, 0u));
}

fn wide_subtract(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return vec2<u32>(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}

// The product of two words, by products of their halves.
fn wide_product(a: u32, b: u32) -> vec2<u32> {
    let al = a & 0xffffu;
    let ah = a >> 16u;
    let bl = b & 0xffffu;
    let bh = b >> 16u;
    let low = al * bl;
    let middle = ah * bl + (low >> 16u);
    let other = al * bh + (middle & 0xffffu);
    return vec2<u32>((other << 16u) | (low & 0xffffu), ah * bh + (middle >> 16u) + (other >> 16u));
}

fn wide_multiply(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = wide_product(a.x, b.x);
    return vec2<u32>(low.x, low.y + a.x * b.y + a.y * b.x);
}

fn wide_less(a: vec2<u32>, b: vec2<u32>, signed: bool) -> bool {
    if a.y == b.y {
        return a.x < b.x;
    }
    return select(a.y < b.y, bitcast<i32>(a.y) < bitcast<i32>(b.y), signed);
}

fn wide_equal(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.x == b.x && a.y == b.y;
}

// What a division of numbers without signs gives. Nobody divides by zero.
struct WideQuotient {
    quotient: vec2<u32>,
    rest: vec2<u32>,
}

fn wide_divide(a: vec2<u32>, b: vec2<u32>) -> WideQuotient {
    if a.y == 0u && b.y == 0u {
        let quotient = a.x / b.x;
        return WideQuotient(vec2<u32>(quotient, 0u), vec2<u32>(a.x - quotient * b.x, 0u));
    }
    // Bit by bit from the top; what is shifted out of the rest counts, too.
    var left = a;
    var rest = vec2<u32>(0u);
    for (var bit = 0u; bit < 64u; bit++) {
        let carry = rest.y >> 31u;
        rest = vec2<u32>((rest.x << 1u) | (left.y >> 31u), (rest.y << 1u) | (rest.x >> 31u));
        left = vec2<u32>(left.x << 1u, (left.y << 1u) | (left.x >> 31u));
        if carry == 1u || !wide_less(rest, b, false) {
            rest = wide_subtract(rest, b);
            left.x |= 1u;
        }
    }
    return WideQuotient(left, rest);
}

fn wide_is_negative(a: vec2<u32>) -> bool {
    return (a.y >> 31u) == 1u;
}

fn wide_size(a: vec2<u32>, signed: bool) -> vec2<u32> {
    if signed && wide_is_negative(a) {
        return wide_negate(a);
    }
    return a;
}

// The quotient, cut off; by zero it is zero.
fn wide_quotient(a: vec2<u32>, b: vec2<u32>, signed: bool) -> vec2<u32> {
    if (b.x | b.y) == 0u {
        return vec2<u32>(0u);
    }
    let quotient = wide_divide(wide_size(a, signed), wide_size(b, signed)).quotient;
    if signed && wide_is_negative(a) != wide_is_negative(b) {
        return wide_negate(quotient);
    }
    return quotient;
}

// What is left then, with the sign of `a`.
fn wide_rest(a: vec2<u32>, b: vec2<u32>, signed: bool) -> vec2<u32> {
    return wide_subtract(a, wide_multiply(wide_quotient(a, b, signed), b));
}

fn wide_left(a: vec2<u32>, by: u32) -> vec2<u32> {
    if by == 0u {
        return a;
    }
    if by >= 32u {
        return vec2<u32>(0u, a.x << (by - 32u));
    }
    return vec2<u32>(a.x << by, (a.y << by) | (a.x >> (32u - by)));
}

fn wide_right(a: vec2<u32>, by: u32, signed: bool) -> vec2<u32> {
    let sign = select(0u, 0xffffffffu, signed && wide_is_negative(a));
    if by == 0u {
        return a;
    }
    if by >= 32u {
        let over = by - 32u;
        let low = select((a.y >> over) | (sign << (32u - over)), a.y, over == 0u);
        return vec2<u32>(low, sign);
    }
    return vec2<u32>((a.x >> by) | (a.y << (32u - by)), (a.y >> by) | (sign << (32u - by)));
}
