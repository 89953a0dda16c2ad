// use element
// use wide
// use exact
// use nbits
// The product with rows in 8 bits: integers within a block, and then blocks one after the other in f32, in that
// order, so that the result is that of the host. A group makes 16 columns of a row; 16 invocations share a column,
// block by block.

@group(0) @binding(0) var<storage, read> codes: array<u32>;
@group(0) @binding(1) var<storage, read> steps: array<u32>;
@group(0) @binding(2) var<storage, read> b: array<u32>;
@group(0) @binding(3) var<storage, read> scales: array<u32>;
@group(0) @binding(4) var<storage, read> zeros: array<u32>;
@group(0) @binding(5) var<storage, read> bias: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<u32>;
@group(0) @binding(7) var<uniform> p: Parameters;

const COLUMNS: u32 = 16u;
const SHARES: u32 = 16u;

var<workgroup> terms: array<f32, 256>;

// What a block adds to a column.
fn term_of(row: u32, column: u32, block: u32) -> f32 {
    // Codes of 8 bits are taken as signed, 128 less.
    let turn = select(0u, 0x80808080u, BITS == 8u);
    let mask = ((1u << BITS) - 1u) * 0x01010101u;
    let apart = 8u / BITS;
    let words = p.block * BITS / 32u;
    let from_a = (row * p.blocks + block) * (p.block / 4u);
    let from_b = column * p.words + block * words;
    var sum = 0;
    var of_a = 0;
    for (var w = 0u; w < words; w++) {
        let packed = b[from_b + w];
        for (var j = 0u; j < apart; j++) {
            let x = codes[from_a + w * apart + j];
            sum += dot4I8Packed(x, ((packed >> (BITS * j)) & mask) ^ turn);
            of_a += dot4I8Packed(x, 0x01010101u);
        }
    }
    var zero = 1 << (BITS - 1u);
    if ZEROS == 1u {
        let byte = column * p.zero_bytes + block / apart;
        zero = i32(code_of_zero(zeros[byte / 4u], byte, block));
    }
    sum += (select(0, 128, BITS == 8u) - zero) * of_a;
    let at = column * p.blocks + block;
    let scaled = multiplied(to_nearest(sum), float_at(scales[at / per_word(SCALE)], at, SCALE));
    return multiplied(scaled, bitcast<f32>(steps[row * p.blocks + block]));
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) me: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let share = me % SHARES;
    let column = group.x * COLUMNS + me / SHARES;
    let row = group.y;
    let first = group.x * COLUMNS + me * per_word(KIND);
    let finishes = me < COLUMNS / per_word(KIND) && first < p.columns;
    var sums: array<f32, 2>;
    for (var begin = 0u; begin < p.blocks; begin += SHARES) {
        if column < p.columns && begin + share < p.blocks {
            terms[me] = term_of(row, column, begin + share);
        }
        workgroupBarrier();
        // An invocation finishes a word of the result.
        if finishes {
            for (var lane = 0u; lane < per_word(KIND); lane++) {
                for (var i = 0u; i < min(SHARES, p.blocks - begin); i++) {
                    sums[lane] += kept_apart(terms[(me * per_word(KIND) + lane) * SHARES + i], p.nothing.x);
                }
            }
        }
        workgroupBarrier();
    }
    if !finishes {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < per_word(KIND); lane++) {
        let c = first + lane;
        if c < p.columns {
            if BIAS {
                sums[lane] += float_at(bias[c / per_word(KIND)], c, KIND);
            }
            result |= placed(from_float(sums[lane], KIND), c, KIND);
        }
    }
    y[row * p.y_row + first / per_word(KIND)] = result;
}
