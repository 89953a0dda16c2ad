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

// The products of a row and a column in a block, zero points taken off.
fn products_of(row: u32, column: u32, block: u32) -> i32 {
    let apart = 8u / BITS;
    let words = p.block * BITS / 32u;
    let of_a = (row * p.blocks + block) * (p.block / 4u);
    let of_b = column * p.words + block * words;
    var sum = 0;
    for (var w = 0u; w < words; w++) {
        let packed = b[of_b + w];
        for (var j = 0u; j < apart; j++) {
            sum += dot_of_bytes(codes[of_a + w * apart + j], unpacked(packed, j));
        }
    }
    return sum + less_at(column, block) * total_at(row, block);
}

// What the sum of a row's codes is multiplied with, for the zero point of a column.
fn less_at(column: u32, block: u32) -> i32 {
    var zero = 1 << (BITS - 1u);
    if ZEROS == 1u {
        let byte = column * p.zero_bytes + block / (8u / BITS);
        zero = i32(code_of_zero(zeros[byte / 4u], byte, block));
    }
    return select(0, 128, BITS == 8u) - zero;
}

fn scale_at(column: u32, block: u32) -> f32 {
    let at = column * p.blocks + block;
    return float_at(scales[at / per_word(SCALE)], at, SCALE);
}

fn step_at(row: u32, block: u32) -> f32 {
    return bitcast<f32>(steps[2u * (row * p.blocks + block)]);
}

fn total_at(row: u32, block: u32) -> i32 {
    return bitcast<i32>(steps[2u * (row * p.blocks + block) + 1u]);
}

// What a block adds to a result, where scales and steps are ordinary: neither a product nor a sum can vanish then, or
// be infinite.
fn term_of(products: i32, scale: f32, step: f32) -> f32 {
    return kept_apart(product_of(product_of(to_nearest(products), scale), step), p.nothing.x);
}

// Whether some block of a row is so small or so large, or no number at all, that its results need care.
fn needs_care(row: u32) -> bool {
    var odd = WILD;
    for (var block = 0u; block < p.blocks; block++) {
        let size = bitcast<u32>(step_at(row, block)) & 0x7fffffffu;
        // From 2^-60 to 2^50.
        odd = odd | ((size != 0u) & ((size < 0x21800000u) | (size > 0x58800000u)));
    }
    return odd;
}

// A result by integers, whatever the numbers are.
fn with_care(row: u32, column: u32) -> f32 {
    var sum = 0.0;
    for (var block = 0u; block < p.blocks; block++) {
        let scaled = multiplied(to_nearest(products_of(row, column, block)), scale_at(column, block));
        sum = added_by_hand(sum, multiplied(scaled, step_at(row, block)));
    }
    if BIAS {
        sum = added_by_hand(sum, float_at(bias[column / per_word(KIND)], column, KIND));
    }
    return sum;
}

fn biased(sum: f32, column: u32) -> f32 {
    if BIAS {
        return added(sum, float_at(bias[column / per_word(KIND)], column, KIND));
    }
    return sum;
}

fn put(row: u32, column: u32, word: u32) {
    y[row * p.y_row + column / per_word(KIND)] = word;
}

// A word of results that need care, from `column` on.
fn put_with_care(row: u32, column: u32) {
    var word = 0u;
    for (var lane = 0u; lane < per_word(KIND); lane++) {
        word |= placed(from_float(with_care(row, column + lane), KIND), lane, KIND);
    }
    put(row, column, word);
}
