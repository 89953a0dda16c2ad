// Numbers as integers that are ordered as they are. `element` comes before.
//
// NaN is larger than everything, and a zero less than zero is no other zero.

fn key_of(bits: u32, kind: u32) -> u32 {
    if is_float(kind) {
        let x = to_float(bits, kind);
        let size = bitcast<u32>(x) & 0x7fffffffu;
        if size > 0x7f800000u {
            return 0xffffffffu;
        }
        let negative = size > 0u && (bitcast<u32>(x) >> 31u) == 1u;
        return select(size | 0x80000000u, ~bitcast<u32>(x), negative);
    }
    return to_int(bits, kind) ^ select(0u, 0x80000000u, is_signed(kind));
}

// The same of integers of 64 bits, as two words, the low one first.
fn wide_key_of(x: vec2<u32>, kind: u32) -> vec2<u32> {
    return vec2<u32>(x.x, x.y ^ select(0u, 0x80000000u, kind == I64));
}
