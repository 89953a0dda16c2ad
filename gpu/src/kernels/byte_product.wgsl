// use dot
// use element
// use wide
// use exact
// use product
// use byte_windows
// A product of bytes, of matrices or of a convolution, of which the rows are pixels. A group makes 32 rows and 64
// columns, an invocation 4 of each: a word of bytes in every row.
//
// What four rows or columns do is written out: loops that a driver guards are not unrolled, and what is indexed by
// their counters would lie in memory, not in registers.

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

// Four columns: vectors of their bytes, or their entries.
struct Four {
    x: vec4<u32>,
    y: vec4<u32>,
    z: vec4<u32>,
    w: vec4<u32>,
}

fn products_of(x: vec4<u32>, w: Four) -> vec4<i32> {
    return vec4<i32>(dot_of_16(x, w.x), dot_of_16(x, w.y), dot_of_16(x, w.z), dot_of_16(x, w.w));
}

// What becomes of the sums of a row, from `column` on.
fn finish_row(to: u32, column: u32, zero: i32, sums: vec4<i32>, row_sum: i32, column_sums: vec4<i32>, c: Four) {
    let first = finished(without_zeros(sums.x, zero, row_sum, column_sums.x, c.x), c.x);
    let second = finished(without_zeros(sums.y, zero, row_sum, column_sums.y, c.y), c.y);
    let third = finished(without_zeros(sums.z, zero, row_sum, column_sums.z, c.z), c.z);
    let fourth = finished(without_zeros(sums.w, zero, row_sum, column_sums.w, c.w), c.w);
    if GIVES == 1u {
        y[to / 4u] = first | (second << 8u) | (third << 16u) | (fourth << 24u);
        return;
    }
    y[to] = first;
    if column + 1u < p.columns {
        y[to + 1u] = second;
    }
    if column + 2u < p.columns {
        y[to + 2u] = third;
    }
    if column + 3u < p.columns {
        y[to + 3u] = fourth;
    }
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

    var sums0: vec4<i32>;
    var sums1: vec4<i32>;
    var sums2: vec4<i32>;
    var sums3: vec4<i32>;
    var row_sums: vec4<i32>;
    var column_sums: vec4<i32>;
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
        // Behind the last word there is nothing but zeros.
        let vectors = min(4u, (p.words - step * 16u + 3u) / 4u);
        for (var v = 0u; v < vectors; v++) {
            let b_at = v * COLUMNS + my_column;
            let a_at = v * ROWS + my_row;
            let w = Four(b_tile[b_at], b_tile[b_at + 16u], b_tile[b_at + 32u], b_tile[b_at + 48u]);
            let x = Four(a_tile[a_at], a_tile[a_at + 1u], a_tile[a_at + 2u], a_tile[a_at + 3u]);
            sums0 += products_of(x.x, w);
            sums1 += products_of(x.y, w);
            sums2 += products_of(x.z, w);
            sums3 += products_of(x.w, w);
            if ROW_SUMS {
                row_sums += products_of(ones, x);
            }
            if COLUMN_SUMS {
                column_sums += products_of(ones, w);
            }
        }
        workgroupBarrier();
    }

    let column = first_column + my_column * 4u;
    if column >= p.columns {
        return;
    }
    let zero = zero_of_a();
    let c = Four(
        column_of(at.y, column),
        column_of(at.y, column + 1u),
        column_of(at.y, column + 2u),
        column_of(at.y, column + 3u),
    );
    let row = first_row + my_row;
    let to = at.z + row * p.y_row + column;
    if row < p.rows {
        finish_row(to, column, zero, sums0, row_sums.x, column_sums, c);
    }
    if row + 1u < p.rows {
        finish_row(to + p.y_row, column, zero, sums1, row_sums.y, column_sums, c);
    }
    if row + 2u < p.rows {
        finish_row(to + 2u * p.y_row, column, zero, sums2, row_sums.z, column_sums, c);
    }
    if row + 3u < p.rows {
        finish_row(to + 3u * p.y_row, column, zero, sums3, row_sums.w, column_sums, c);
    }
}
