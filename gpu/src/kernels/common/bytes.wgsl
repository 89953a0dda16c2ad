// Bytes that are multiplied four at a time. `element` comes before.
//
// Everything is multiplied as signed bytes: unsigned ones, and their zero points, have 128 taken from them.

fn signed_byte(bits: u32, kind: u32) -> u32 {
    return select(bits, bits ^ 0x80u, kind == U8);
}

fn signed_bytes(word: u32, kind: u32) -> u32 {
    return select(word, word ^ 0x80808080u, kind == U8);
}

fn signed_zero(zero: u32, kind: u32) -> i32 {
    return bitcast<i32>(to_int(zero, kind)) - select(0, 128, kind == U8);
}

// Sums of products of (a - zero) and (b - zero), from those of a and b, of each alone, and how many there are.
fn without_zeros(products: i32, of_a: i32, of_b: i32, depth: u32, zero_a: i32, zero_b: i32) -> i32 {
    return products - zero_b * of_a - zero_a * of_b + i32(depth) * zero_a * zero_b;
}
