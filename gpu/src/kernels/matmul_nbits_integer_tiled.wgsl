// use dot
// use element
// use wide
// use exact
// use nbits
// use nbits_integer
// The same product of many rows. A group makes 32 rows and 64 columns, an invocation 4 of each, block after block.

const ROWS: u32 = 32u;
const COLUMNS: u32 = 64u;

// Up to four vectors of 16 codes; lines lie side by side. Columns that are an invocation's lie apart by 16.
var<workgroup> a_tile: array<vec4<u32>, 128>;
var<workgroup> b_tile: array<vec4<u32>, 256>;

// 16 codes of a column, in the order of those of A.
fn codes_of(column: u32, vector: u32) -> vec4<u32> {
    let at = column * p.words + vector * (BITS / 2u);
    if BITS == 2u {
        let packed = b[at];
        return vec4<u32>(unpacked(packed, 0u), unpacked(packed, 1u), unpacked(packed, 2u), unpacked(packed, 3u));
    }
    if BITS == 4u {
        let first = b[at];
        let second = b[at + 1u];
        return vec4<u32>(unpacked(first, 0u), unpacked(first, 1u), unpacked(second, 0u), unpacked(second, 1u));
    }
    return vec4<u32>(b[at], b[at + 1u], b[at + 2u], b[at + 3u]) ^ vec4<u32>(0x80808080u);
}

@compute @workgroup_size(128)
fn main(@builtin(local_invocation_index) me: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let first_row = group.y * ROWS;
    let first_column = group.x * COLUMNS;
    let part = me % 4u;
    let line = me / 4u;
    let my_row = (me / 16u) * 4u;
    let my_column = me % 16u;
    let vectors = p.block / 16u;
    var results: array<vec4<f32>, 4>;
    for (var i = 0u; i < 4u; i++) {
        results[i] = vec4<f32>(0.0);
    }
    for (var block = 0u; block < p.blocks; block++) {
        var sums: array<vec4<i32>, 4>;
        for (var i = 0u; i < 4u; i++) {
            sums[i] = vec4<i32>(0);
        }
        for (var begin = 0u; begin < vectors; begin += 4u) {
            let vector = block * vectors + begin + part;
            let is_there = begin + part < vectors;
            if is_there && first_row + line < p.rows {
                let at = ((first_row + line) * p.blocks * vectors + vector) * 4u;
                a_tile[part * ROWS + line] = vec4<u32>(codes[at], codes[at + 1u], codes[at + 2u], codes[at + 3u]);
            }
            for (var column = line; column < COLUMNS; column += ROWS) {
                if is_there && first_column + column < p.columns {
                    let to = part * COLUMNS + (column % 4u) * 16u + column / 4u;
                    b_tile[to] = codes_of(first_column + column, vector);
                }
            }
            workgroupBarrier();
            for (var v = 0u; v < min(4u, vectors - begin); v++) {
                let at = v * COLUMNS + my_column;
                let w0 = b_tile[at];
                let w1 = b_tile[at + 16u];
                let w2 = b_tile[at + 32u];
                let w3 = b_tile[at + 48u];
                for (var i = 0u; i < 4u; i++) {
                    let x = a_tile[v * ROWS + my_row + i];
                    sums[i] += vec4<i32>(dot_of_16(x, w0), dot_of_16(x, w1), dot_of_16(x, w2), dot_of_16(x, w3));
                }
            }
            workgroupBarrier();
        }
        for (var i = 0u; i < 4u; i++) {
            for (var j = 0u; j < 4u; j++) {
                let row = first_row + my_row + i;
                let column = first_column + my_column * 4u + j;
                if row < p.rows && column < p.columns {
                    results[i][j] = added(results[i][j], term_of(sums[i][j], row, column, block));
                }
            }
        }
    }
    for (var i = 0u; i < 4u; i++) {
        let row = first_row + my_row + i;
        var word = 0u;
        for (var j = 0u; j < 4u; j++) {
            let column = first_column + my_column * 4u + j;
            if row < p.rows && column < p.columns {
                word |= finished(results[i][j], column);
                if (column + 1u) % per_word(KIND) == 0u {
                    y[row * p.y_row + column / per_word(KIND)] = word;
                    word = 0u;
                }
            }
        }
    }
}
