// A product of weights of few bits with rows in 8 bits. `element`, `wide`, `exact` and `nbits` come before.

// In the order in which weights give their codes away.
@group(0) @binding(0) var<storage, read> codes: array<u32>;
// For every block of a row: its scale, and the sum of its codes.
@group(0) @binding(1) var<storage, read> steps: array<u32>;
@group(0) @binding(2) var<storage, read> b: array<u32>;
@group(0) @binding(3) var<storage, read> scales: array<u32>;
@group(0) @binding(4) var<storage, read> zeros: array<u32>;
@group(0) @binding(5) var<storage, read> bias: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<u32>;
@group(0) @binding(7) var<uniform> p: Parameters;

// Four codes of a word of weights: signed, so those of 8 bits are 128 less.
fn unpacked(packed: u32, j: u32) -> u32 {
    let mask = ((1u << BITS) - 1u) * 0x01010101u;
    return ((packed >> (BITS * j)) & mask) ^ select(0u, 0x80808080u, BITS == 8u);
}

// What a block adds to a result, by the sum of the products of codes.
fn term_of(sum: i32, row: u32, column: u32, block: u32) -> f32 {
    var zero = 1 << (BITS - 1u);
    if ZEROS == 1u {
        let byte = column * p.zero_bytes + block / (8u / BITS);
        zero = i32(code_of_zero(zeros[byte / 4u], byte, block));
    }
    let of_row = 2u * (row * p.blocks + block);
    let less = select(0, 128, BITS == 8u) - zero;
    let products = sum + less * bitcast<i32>(steps[of_row + 1u]);
    let at = column * p.blocks + block;
    let scaled = multiplied(to_nearest(products), float_at(scales[at / per_word(SCALE)], at, SCALE));
    return kept_apart(multiplied(scaled, bitcast<f32>(steps[of_row])), p.nothing.x);
}

// The bits of a result, its bias added.
fn finished(sum: f32, column: u32) -> u32 {
    var x = sum;
    if BIAS {
        x = added(x, float_at(bias[column / per_word(KIND)], column, KIND));
    }
    return placed(from_float(x, KIND), column, KIND);
}
