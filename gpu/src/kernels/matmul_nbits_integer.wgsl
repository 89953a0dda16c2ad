// use dot
// use element
// use wide
// use exact
// use nbits
// use nbits_integer
// The product of few rows, which are in 8 bits: integers within a block, and then blocks one after the other in f32, in
// that order, so that the result is that of the host. A group makes 16 columns of a row; 16 invocations share a column,
// block by block. An invocation alone makes a word of the result.

const GROUP: u32 = 256u;
const COLUMNS: u32 = 16u;
const SHARES: u32 = 16u;

var<workgroup> terms: array<f32, GROUP>;

// What a block adds to a result.
fn block_of(row: u32, column: u32, block: u32) -> f32 {
    return term_of(products_of(row, column, block), scale_at(column, block), step_at(row, block));
}

// A word of results, from `first` on, by a group.
fn shared_word(me: u32, row: u32, own: u32, first: u32, finishes: bool) -> u32 {
    let share = me % SHARES;
    var sums: array<f32, 2>;
    for (var begin = 0u; begin < p.blocks; begin += SHARES) {
        let block = begin + share;
        if own < p.columns && block < p.blocks {
            terms[me] = block_of(row, own, block);
        }
        workgroupBarrier();
        if finishes {
            for (var lane = 0u; lane < per_word(KIND); lane++) {
                for (var i = 0u; i < min(SHARES, p.blocks - begin); i++) {
                    sums[lane] = added(sums[lane], terms[(me * per_word(KIND) + lane) * SHARES + i]);
                }
            }
        }
        workgroupBarrier();
    }
    var word = 0u;
    for (var lane = 0u; lane < per_word(KIND); lane++) {
        word |= placed(from_float(biased(sums[lane], first + lane), KIND), lane, KIND);
    }
    return word;
}

fn own_word(row: u32, first: u32) -> u32 {
    var word = 0u;
    for (var lane = 0u; lane < per_word(KIND); lane++) {
        let column = first + lane;
        var sum = 0.0;
        for (var block = 0u; block < p.blocks; block++) {
            sum = added(sum, block_of(row, column, block));
        }
        word |= placed(from_float(biased(sum, column), KIND), lane, KIND);
    }
    return word;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(local_invocation_index) me: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let row = group.y;
    var first = (group.x * GROUP + me) * per_word(KIND);
    var finishes = first < p.columns;
    var word = 0u;
    if ALONE {
        if !finishes {
            return;
        }
        word = own_word(row, first);
    } else {
        first = group.x * COLUMNS + me * per_word(KIND);
        finishes = me < COLUMNS / per_word(KIND) && first < p.columns;
        word = shared_word(me, row, group.x * COLUMNS + me / SHARES, first, finishes);
    }
    if !finishes {
        return;
    }
    put(row, first, word);
    if needs_care(row) {
        put_with_care(row, first);
    }
}
