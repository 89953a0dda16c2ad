// Weights of 2, 4 or 8 bits in blocks, and what is multiplied with them. `element` comes before.

override KIND: u32 = 1u;
override SCALE: u32 = 1u;
override BITS: u32 = 4u;
// Zero points: the middle of all codes, codes, or numbers of the scales' kind.
override ZEROS: u32 = 0u;
override BIAS: bool = false;
// Whether scales, and the bias, are not known to be ordinary numbers.
override WILD: bool = false;

struct Parameters {
    rows: u32,
    columns: u32,
    depth: u32,
    // Weights of a block, blocks of a column, and words of a column.
    block: u32,
    blocks: u32,
    words: u32,
    // Bytes of a column's zero points, and words of a row of the result.
    zero_bytes: u32,
    y_row: u32,
    nothing: vec4<u32>,
}

fn float_at(word: u32, i: u32, kind: u32) -> f32 {
    return to_float(bits_of(word, i, kind), kind);
}

// A zero point that is a code; its byte lies in `word`.
fn code_of_zero(word: u32, byte: u32, block: u32) -> u32 {
    let code = word >> (8u * (byte % 4u) + BITS * (block % (8u / BITS)));
    return code & ((1u << BITS) - 1u);
}
