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

// What an invocation has: four columns of each of four rows.
struct Sums {
    first: vec4<i32>,
    second: vec4<i32>,
    third: vec4<i32>,
    fourth: vec4<i32>,
}

// A block of four rows and four columns by tiles that a group shares.
fn tiled_block(me: u32, first_row: u32, first_column: u32, block: u32) -> Sums {
    let part = me % 4u;
    let line = me / 4u;
    let vectors = p.block / 16u;
    var sums: Sums;
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
            let b_at = v * COLUMNS + me % 16u;
            let a_at = v * ROWS + (me / 16u) * 4u;
            let w = Four(b_tile[b_at], b_tile[b_at + 16u], b_tile[b_at + 32u], b_tile[b_at + 48u]);
            sums.first += dots_of(a_tile[a_at], w);
            sums.second += dots_of(a_tile[a_at + 1u], w);
            sums.third += dots_of(a_tile[a_at + 2u], w);
            sums.fourth += dots_of(a_tile[a_at + 3u], w);
        }
        workgroupBarrier();
    }
    return sums;
}

// Four columns of 4-bit codes: the even ones and the odd ones of a word, without a shift.
fn even_codes(word: u32) -> vec4<f32> {
    let n = vec4<i32>(bitcast<i32>(word)) & vec4<i32>(0xf, 0xf00, 0xf0000, 0xf000000);
    return vec4<f32>(n) * vec4<f32>(1.0, 0.00390625, 0.0000152587890625, 0.000000059604644775390625);
}

fn odd_codes(word: u32) -> vec4<f32> {
    let n = vec4<i32>(bitcast<i32>(word ^ 0x80000000u)) & vec4<i32>(0xf0, 0xf000, 0xf00000, -0x10000000);
    let scales = vec4<f32>(0.0625, 0.000244140625, 0.00000095367431640625, 0.0000000037252902984619140625);
    return vec4<f32>(n) * scales + vec4<f32>(0.0, 0.0, 0.0, 8.0);
}

// What a word of codes of each row makes with four codes of each column.
fn add_words(sums: ptr<function, Sums>, at: vec4<u32>, four: mat4x4<f32>) {
    (*sums).first += vec4<i32>(floats_of(codes[at.x]) * four);
    (*sums).second += vec4<i32>(floats_of(codes[at.y]) * four);
    (*sums).third += vec4<i32>(floats_of(codes[at.z]) * four);
    (*sums).fourth += vec4<i32>(floats_of(codes[at.w]) * four);
}

// The same by an invocation alone. What there is no row of is the last one's, and is not written.
fn own_block(row: u32, column: u32, block: u32) -> Sums {
    let apart = 8u / BITS;
    let words = p.block * BITS / 32u;
    let lines = min(row + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.rows - 1u));
    let of_a = (lines * p.blocks + block) * (p.block / 4u);
    let of_b = (column + vec4<u32>(0u, 1u, 2u, 3u)) * p.words + block * words;
    var sums: Sums;
    for (var w = 0u; w < words; w++) {
        let c = vec4<u32>(b[of_b.x + w], b[of_b.y + w], b[of_b.z + w], b[of_b.w + w]);
        let at = of_a + w * apart;
        if BITS == 4u {
            let even = mat4x4<f32>(even_codes(c.x), even_codes(c.y), even_codes(c.z), even_codes(c.w));
            let odd = mat4x4<f32>(odd_codes(c.x), odd_codes(c.y), odd_codes(c.z), odd_codes(c.w));
            add_words(&sums, at, even);
            add_words(&sums, at + 1u, odd);
            continue;
        }
        for (var j = 0u; j < apart; j++) {
            let four = mat4x4<f32>(
                floats_of(unpacked(c.x, j)),
                floats_of(unpacked(c.y, j)),
                floats_of(unpacked(c.z, j)),
                floats_of(unpacked(c.w, j)),
            );
            add_words(&sums, at + j, four);
        }
    }
    return sums;
}

// What a block adds to four columns of a row.
fn terms_of(sums: vec4<i32>, row: u32, block: u32, scales: vec4<f32>, less: vec4<i32>) -> vec4<f32> {
    let step = step_at(row, block);
    let products = sums + less * total_at(row, block);
    return vec4<f32>(
        term_of(products.x, scales.x, step),
        term_of(products.y, scales.y, step),
        term_of(products.z, scales.z, step),
        term_of(products.w, scales.w, step),
    );
}

fn added_to(x: vec4<f32>, y: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(added(x.x, y.x), added(x.y, y.y), added(x.z, y.z), added(x.w, y.w));
}

// What a block adds to four columns of four rows.
fn add_block(results: ptr<function, mat4x4<f32>>, sums: Sums, row: u32, column: u32, block: u32) {
    let c = column + vec4<u32>(0u, 1u, 2u, 3u);
    let scales = vec4<f32>(
        scale_at(c.x, block), scale_at(c.y, block), scale_at(c.z, block), scale_at(c.w, block),
    );
    let less = vec4<i32>(less_at(c.x, block), less_at(c.y, block), less_at(c.z, block), less_at(c.w, block));
    (*results)[0] = added_to((*results)[0], terms_of(sums.first, row, block, scales, less));
    (*results)[1] = added_to((*results)[1], terms_of(sums.second, row + 1u, block, scales, less));
    (*results)[2] = added_to((*results)[2], terms_of(sums.third, row + 2u, block, scales, less));
    (*results)[3] = added_to((*results)[3], terms_of(sums.fourth, row + 3u, block, scales, less));
}

// Four columns of a row, if there are so many.
fn write(results: vec4<f32>, row: u32, column: u32) {
    if row >= p.rows {
        return;
    }
    let care = needs_care(row);
    for (var i = 0u; i < 4u; i += per_word(KIND)) {
        if column + i >= p.columns {
            break;
        }
        var word = 0u;
        for (var lane = 0u; lane < per_word(KIND); lane++) {
            word |= placed(from_float(biased(results[i + lane], column + i + lane), KIND), lane, KIND);
        }
        put(row, column + i, word);
        if care {
            put_with_care(row, column + i);
        }
    }
}

@compute @workgroup_size(128)
fn main(@builtin(local_invocation_index) me: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let first_row = group.y * ROWS;
    let first_column = group.x * COLUMNS;
    let row = first_row + (me / 16u) * 4u;
    let column = first_column + (me % 16u) * 4u;
    var results: mat4x4<f32>;
    if ALONE {
        if row >= p.rows || column >= p.columns {
            return;
        }
        for (var block = 0u; block < p.blocks; block++) {
            add_block(&results, own_block(row, column, block), row, column, block);
        }
    } else {
        for (var block = 0u; block < p.blocks; block++) {
            add_block(&results, tiled_block(me, first_row, first_column, block), row, column, block);
        }
    }
    write(results[0], row, column);
    write(results[1], row + 1u, column);
    write(results[2], row + 2u, column);
    write(results[3], row + 3u, column);
}
