// use dot
// use element
// use wide
// use exact
// use nbits
// use nbits_integer
// The product of few rows, which are in 8 bits: integers within a block, and then blocks one after the other in f32, in that
// order, so that the result is that of the host. A group makes 16 columns of a row; 16 invocations share a column,
// block by block.

const COLUMNS: u32 = 16u;
const SHARES: u32 = 16u;

var<workgroup> terms: array<f32, 256>;

// What a block adds to a column.
fn block_of(row: u32, column: u32, block: u32) -> f32 {
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
    return term_of(sum, row, column, block);
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
            terms[me] = block_of(row, column, begin + share);
        }
        workgroupBarrier();
        // An invocation finishes a word of the result.
        if finishes {
            for (var lane = 0u; lane < per_word(KIND); lane++) {
                for (var i = 0u; i < min(SHARES, p.blocks - begin); i++) {
                    sums[lane] = added(sums[lane], terms[(me * per_word(KIND) + lane) * SHARES + i]);
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
            result |= finished(sums[lane], c);
        }
    }
    y[row * p.y_row + first / per_word(KIND)] = result;
}
