// use dot
// use element
// use wide
// use exact
// use product
// use byte_windows
// A product of bytes, of matrices or of a convolution, of which the rows are pixels. A group makes 32 rows and 64
// columns, an invocation 4 of each: a word of bytes in every row.

const ROWS: u32 = 32u;
const COLUMNS: u32 = 64u;

// Vectors of 16 bytes along the depth; lines lie side by side. Columns that are an invocation's lie apart by 16.
var<workgroup> a_tile: array<vec4<u32>, 128>;
var<workgroup> b_tile: array<vec4<u32>, 256>;

fn word_of_a(base: u32, window: Window, k: u32) -> u32 {
    if k >= p.words {
        return 0u;
    }
    if !WINDOWS {
        return a[base + k] ^ TURN;
    }
    let channel = k % p.image.w;
    let cell = cell_of(window, k / p.image.w);
    if cell == 0xffffffffu {
        return padding(channel);
    }
    return a[base + cell + channel] ^ TURN;
}

fn vector_of_a(base: u32, window: Window, k: u32) -> vec4<u32> {
    if WINDOWS && WHOLE {
        if k >= p.words {
            return vec4<u32>(0u);
        }
        let channel = k % p.image.w;
        let cell = cell_of(window, k / p.image.w);
        if cell == 0xffffffffu {
            let all = padding(channel);
            return vec4<u32>(all, all, all, padding(channel + 3u));
        }
        let at = base + cell + channel;
        return vec4<u32>(a[at], a[at + 1u], a[at + 2u], a[at + 3u]) ^ vec4<u32>(TURN);
    }
    return vec4<u32>(
        word_of_a(base, window, k),
        word_of_a(base, window, k + 1u),
        word_of_a(base, window, k + 2u),
        word_of_a(base, window, k + 3u),
    );
}

@compute @workgroup_size(128)
fn main(@builtin(local_invocation_index) me: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let at = places(group.z);
    let first_row = group.y * ROWS;
    let first_column = group.x * COLUMNS;
    // What this invocation brings: one vector of a row, two of columns.
    let part = me % 4u;
    let line = me / 4u;
    let brings = first_row + line < p.rows;
    var window = Window(vec3<i32>(0), 0u);
    var base = at.x;
    if WINDOWS {
        window = window_of(first_row + line);
    } else {
        base += (first_row + line) * p.a_row;
    }
    let b_matrix = at.y * p.steps * p.columns;
    let ones = vec4<u32>(0x01010101u);
    let my_row = (me / 16u) * 4u;
    let my_column = me % 16u;

    var sums: array<vec4<i32>, 4>;
    var row_sums: vec4<i32>;
    var column_sums: vec4<i32>;
    for (var i = 0u; i < 4u; i++) {
        sums[i] = vec4<i32>(0);
    }
    for (var step = 0u; step < p.steps; step++) {
        var vector = vec4<u32>(0u);
        if brings {
            vector = vector_of_a(base, window, step * 16u + part * 4u);
        }
        a_tile[part * ROWS + line] = vector;
        for (var more = 0u; more < COLUMNS; more += ROWS) {
            let column = line + more;
            vector = vec4<u32>(0u);
            if first_column + column < p.columns {
                vector = b[(b_matrix + step * p.columns + first_column + column) * 4u + part];
            }
            b_tile[part * COLUMNS + (column % 4u) * 16u + column / 4u] = vector;
        }
        workgroupBarrier();
        for (var v = 0u; v < 4u; v++) {
            let b_at = v * COLUMNS + my_column;
            let w0 = b_tile[b_at];
            let w1 = b_tile[b_at + 16u];
            let w2 = b_tile[b_at + 32u];
            let w3 = b_tile[b_at + 48u];
            for (var i = 0u; i < 4u; i++) {
                let x = a_tile[v * ROWS + my_row + i];
                sums[i] += vec4<i32>(dot_of_16(x, w0), dot_of_16(x, w1), dot_of_16(x, w2), dot_of_16(x, w3));
                if ROW_SUMS {
                    row_sums[i] += dot_of_16(x, ones);
                }
            }
            if COLUMN_SUMS {
                column_sums += vec4<i32>(
                    dot_of_16(w0, ones),
                    dot_of_16(w1, ones),
                    dot_of_16(w2, ones),
                    dot_of_16(w3, ones),
                );
            }
        }
        workgroupBarrier();
    }

    let column = first_column + my_column * 4u;
    if column >= p.columns {
        return;
    }
    let zero = zero_of_a();
    var of_columns: array<vec4<u32>, 4>;
    for (var j = 0u; j < 4u; j++) {
        of_columns[j] = column_of(at.y, column + j);
    }
    for (var i = 0u; i < 4u; i++) {
        let row = first_row + my_row + i;
        if row >= p.rows {
            return;
        }
        let to = at.z + row * p.y_row + column;
        var word = 0u;
        for (var j = 0u; j < 4u; j++) {
            let sum = without_zeros(sums[i][j], zero, row_sums[i], column_sums[j], of_columns[j]);
            let result = finished(sum, of_columns[j]);
            if GIVES == 1u {
                word |= result << (8u * j);
            } else if column + j < p.columns {
                y[to + j] = result;
            }
        }
        if GIVES == 1u {
            y[to / 4u] = word;
        }
    }
}
