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

// A row of A.
struct Line {
    base: u32,
    window: Window,
}

fn line_of(first: u32, row: u32) -> Line {
    if WINDOWS {
        return Line(first, window_of(row));
    }
    return Line(first + row * p.a_row, Window(vec3<i32>(0), 0u));
}

// A word along the depth; of windows, the tap that it belongs to, and the channels in it.
struct Place {
    k: u32,
    tap: vec3<u32>,
    channel: u32,
}

fn place_of(k: u32) -> Place {
    if WINDOWS {
        return Place(k, tap_of(k / p.image.w), k % p.image.w);
    }
    return Place(k, vec3<u32>(0u), 0u);
}

fn word_of_a(line: Line, place: Place) -> u32 {
    if place.k >= p.words {
        return 0u;
    }
    if !WINDOWS {
        return a[line.base + place.k] ^ TURN;
    }
    let cell = cell_of(line.window, place.tap);
    if cell == 0xffffffffu {
        return padding(place.channel);
    }
    return a[line.base + cell + place.channel] ^ TURN;
}

// Four words in a row.
struct Places {
    first: Place,
    second: Place,
    third: Place,
    fourth: Place,
}

fn places_of(k: u32) -> Places {
    let first = place_of(k);
    if WINDOWS && WHOLE {
        return Places(first, first, first, first);
    }
    return Places(first, place_of(k + 1u), place_of(k + 2u), place_of(k + 3u));
}

fn vector_of_a(line: Line, places: Places) -> vec4<u32> {
    if WINDOWS && WHOLE {
        let place = places.first;
        if place.k >= p.words {
            return vec4<u32>(0u);
        }
        let cell = cell_of(line.window, place.tap);
        if cell == 0xffffffffu {
            let all = padding(place.channel);
            return vec4<u32>(all, all, all, padding(place.channel + 3u));
        }
        let at = line.base + cell + place.channel;
        return vec4<u32>(a[at], a[at + 1u], a[at + 2u], a[at + 3u]) ^ vec4<u32>(TURN);
    }
    return vec4<u32>(
        word_of_a(line, places.first),
        word_of_a(line, places.second),
        word_of_a(line, places.third),
        word_of_a(line, places.fourth),
    );
}

// What an invocation has: four columns of each of four rows, and what zero points need.
struct Sums {
    first: vec4<i32>,
    second: vec4<i32>,
    third: vec4<i32>,
    fourth: vec4<i32>,
    rows: vec4<i32>,
    columns: vec4<i32>,
}

fn add_products(sums: ptr<function, Sums>, x: Four, w: Four) {
    (*sums).first += dots_of(x.x, w);
    (*sums).second += dots_of(x.y, w);
    (*sums).third += dots_of(x.z, w);
    (*sums).fourth += dots_of(x.w, w);
    let ones = vec4<u32>(0x01010101u);
    if ROW_SUMS {
        (*sums).rows += dots_of(ones, x);
    }
    if COLUMN_SUMS {
        (*sums).columns += dots_of(ones, w);
    }
}

// The sums of a row. An index that the compiler does not know would move them all out of registers.
fn row_of(sums: Sums, i: u32) -> vec4<i32> {
    let low = select(sums.first, sums.second, vec4<bool>(i == 1u));
    let high = select(sums.third, sums.fourth, vec4<bool>(i == 3u));
    return select(low, high, vec4<bool>(i > 1u));
}

// What becomes of the sums of a row, from `column` on.
fn finish_row(to: u32, column: u32, zero: i32, sums: vec4<i32>, row_sum: i32, column_sums: vec4<i32>, c: Four) {
    if GIVES == 1u {
        let first = finished(without_zeros(sums.x, zero, row_sum, column_sums.x, c.x), c.x);
        let second = finished(without_zeros(sums.y, zero, row_sum, column_sums.y, c.y), c.y);
        let third = finished(without_zeros(sums.z, zero, row_sum, column_sums.z, c.z), c.z);
        let fourth = finished(without_zeros(sums.w, zero, row_sum, column_sums.w, c.w), c.w);
        y[to / 4u] = first | (second * 0x100u) | (third * 0x10000u) | (fourth * 0x1000000u);
        return;
    }
    for (var j = 0u; j < min(4u, p.columns - column); j++) {
        let low = select(c.x, c.y, vec4<bool>(j == 1u));
        let entry = select(low, select(c.z, c.w, vec4<bool>(j == 3u)), vec4<bool>(j > 1u));
        y[to + j] = finished(without_zeros(sums[j], zero, row_sum, column_sums[j], entry), entry);
    }
}

// By tiles that a group shares.
fn add_tiles(sums: ptr<function, Sums>, me: u32, a_first: u32, b_first: u32, first_row: u32, first_column: u32) {
    // What this invocation brings: one vector of a row, two of columns.
    let part = me % 4u;
    let line = me / 4u;
    let brings = first_row + line < p.rows;
    let row = line_of(a_first, first_row + line);
    for (var step = 0u; step < p.steps; step++) {
        var vector = vec4<u32>(0u);
        if brings {
            vector = vector_of_a(row, places_of(step * 16u + part * 4u));
        }
        a_tile[part * ROWS + line] = vector;
        for (var more = 0u; more < COLUMNS; more += ROWS) {
            let column = line + more;
            vector = vec4<u32>(0u);
            if first_column + column < p.columns {
                vector = b[(b_first + step * p.columns + first_column + column) * 4u + part];
            }
            b_tile[part * COLUMNS + (column % 4u) * 16u + column / 4u] = vector;
        }
        workgroupBarrier();
        // Behind the last word there is nothing but zeros.
        let vectors = min(4u, (p.words - step * 16u + 3u) / 4u);
        for (var v = 0u; v < vectors; v++) {
            let b_at = v * COLUMNS + me % 16u;
            let a_at = v * ROWS + (me / 16u) * 4u;
            let w = Four(b_tile[b_at], b_tile[b_at + 16u], b_tile[b_at + 32u], b_tile[b_at + 48u]);
            let x = Four(a_tile[a_at], a_tile[a_at + 1u], a_tile[a_at + 2u], a_tile[a_at + 3u]);
            add_products(sums, x, w);
        }
        workgroupBarrier();
    }
}

struct NumbersOfFour {
    x: Numbers,
    y: Numbers,
    z: Numbers,
    w: Numbers,
}

fn products_of_numbers(x: Numbers, w: NumbersOfFour) -> vec4<i32> {
    return vec4<i32>(
        dot_of_numbers(x, w.x),
        dot_of_numbers(x, w.y),
        dot_of_numbers(x, w.z),
        dot_of_numbers(x, w.w),
    );
}

fn sum_of_numbers(x: Numbers) -> i32 {
    let sums = x.first + x.second + x.third + x.fourth;
    return i32(sums.x + sums.y + sums.z + sums.w);
}

// The same of four rows and four columns, by an invocation alone. What there is no row or column of is the last one's,
// and is not written.
fn add_alone(sums: ptr<function, Sums>, a_first: u32, b_first: u32, row: u32, column: u32) {
    let last = p.rows - 1u;
    let r0 = line_of(a_first, min(row, last));
    let r1 = line_of(a_first, min(row + 1u, last));
    let r2 = line_of(a_first, min(row + 2u, last));
    let r3 = line_of(a_first, min(row + 3u, last));
    for (var v = 0u; v < (p.words + 3u) / 4u; v++) {
        let k = places_of(4u * v);
        let at = (b_first + (v / 4u) * p.columns) * 4u + v % 4u;
        let c = min(column + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.columns - 1u)) * 4u + at;
        let w = NumbersOfFour(numbers_of(b[c.x]), numbers_of(b[c.y]), numbers_of(b[c.z]), numbers_of(b[c.w]));
        let x0 = numbers_of(vector_of_a(r0, k));
        let x1 = numbers_of(vector_of_a(r1, k));
        let x2 = numbers_of(vector_of_a(r2, k));
        let x3 = numbers_of(vector_of_a(r3, k));
        (*sums).first += products_of_numbers(x0, w);
        (*sums).second += products_of_numbers(x1, w);
        (*sums).third += products_of_numbers(x2, w);
        (*sums).fourth += products_of_numbers(x3, w);
        if ROW_SUMS {
            (*sums).rows += vec4<i32>(sum_of_numbers(x0), sum_of_numbers(x1), sum_of_numbers(x2), sum_of_numbers(x3));
        }
        if COLUMN_SUMS {
            (*sums).columns +=
                vec4<i32>(sum_of_numbers(w.x), sum_of_numbers(w.y), sum_of_numbers(w.z), sum_of_numbers(w.w));
        }
    }
}

@compute @workgroup_size(128)
fn main(@builtin(local_invocation_index) me: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let at = places(group.z);
    let b_first = at.y * p.steps * p.columns;
    let row = group.y * ROWS + (me / 16u) * 4u;
    let column = group.x * COLUMNS + (me % 16u) * 4u;
    var sums: Sums;
    if ALONE {
        if row >= p.rows || column >= p.columns {
            return;
        }
        add_alone(&sums, at.x, b_first, row, column);
    } else {
        add_tiles(&sums, me, at.x, b_first, group.y * ROWS, group.x * COLUMNS);
    }
    if column >= p.columns {
        return;
    }
    let zero = zero_of_a();
    let c = Four(
        scaled_column(at.y, column),
        scaled_column(at.y, column + 1u),
        scaled_column(at.y, column + 2u),
        scaled_column(at.y, column + 3u),
    );
    // One row after the other, as what follows a sum may be long.
    let last = min(4u, p.rows - min(row, p.rows));
    for (var i = 0u; i < last; i++) {
        let to = at.z + (row + i) * p.y_row + column;
        finish_row(to, column, zero, row_of(sums, i), sums.rows[i], sums.columns, c);
    }
}
