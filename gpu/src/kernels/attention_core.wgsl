// use element
// use math
// use vectors
// use span
// use attention
// softmax(q·k) · v by tiles: 32 rows of queries, of all heads that share one of keys, against 32 keys at a time. The
// table of scores is never made; a larger score scales down what a row has so far.
//
// An invocation makes the scores of 4 rows and 2 keys, and then sums 8 rows and 4 columns of the result. Where the
// values are narrow, several invocations share those: each takes every second, or fourth, key. A group makes
// `4 * WIDE` columns.
//
// What a reader would get wrong: a share of 0 times a value that is NaN must be nothing. While all values of a
// block are finite there is nothing to look for.

// Vectors of columns: 8, 16 or 32.
override WIDE: u32 = 16u;

const GROUP: u32 = 128u;
const ROWS: u32 = 32u;
const KEYS: u32 = 32u;
const DEPTH: u32 = 32u;

// Of scores: for each of 32 steps of depth, 8 vectors of rows, then 8 of keys. Of values: vectors of columns, key
// after key. In the end: what invocations have summed apart.
var<workgroup> tile: array<vec4<f32>, 512>;
// For each key, 8 vectors of rows.
var<workgroup> shares: array<vec4<f32>, 256>;
// For 8 vectors of rows, one for every pair of keys.
var<workgroup> partial: array<vec4<f32>, 128>;
// For 8 vectors of rows: what their sums are multiplied with; in the end their totals.
var<workgroup> factors: array<vec4<f32>, 8>;
var<workgroup> careful: atomic<u32>;

// Puts down 4 lines of 4 steps of depth.
fn put(line: u32, depth: u32, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) {
    let turned = transpose(mat4x4<f32>(a, b, c, d));
    tile[depth * 16u + line] = turned[0];
    tile[(depth + 1u) * 16u + line] = turned[1];
    tile[(depth + 2u) * 16u + line] = turned[2];
    tile[(depth + 3u) * 16u + line] = turned[3];
}

fn q_piece(batch: u32, kv_head: u32, i: u32, d: u32) -> vec4<f32> {
    let query = i / p.heads.z;
    let x = q_vector(row_at(p.q, batch, kv_head * p.heads.z + i % p.heads.z, query), d, p.rows.x);
    return select(vec4<f32>(), x, vec4<bool>(query < p.heads.w));
}

fn k_piece(batch: u32, kv_head: u32, key: u32, end: u32, d: u32) -> vec4<f32> {
    return select(vec4<f32>(), k_vector(row_at(p.k, batch, kv_head, key), d, p.rows.x), vec4<bool>(key < end));
}

fn scores_of(products: vec4<f32>, rows: array<Row, 4>, key: u32) -> vec4<f32> {
    return vec4<f32>(
        score_of(products.x, rows[0], key),
        score_of(products.y, rows[1], key),
        score_of(products.z, rows[2], key),
        score_of(products.w, rows[3], key),
    );
}

// The values of a block of keys, from `first` on, to the sums of 8 rows.
fn add_values(
    sums: ptr<function, array<vec4<f32>, 8>>,
    first: u32,
    count: u32,
    slice: u32,
    slices: u32,
    rows: u32,
    column: u32,
) {
    let with_care = atomicLoad(&careful) != 0u;
    for (var key = slice; key < count; key += slices) {
        let a = shares[(first + key) * 8u + 2u * rows];
        let b = shares[(first + key) * 8u + 2u * rows + 1u];
        let value = tile[key * WIDE + column];
        add_shares(sums, a, b, value, with_care);
    }
}

// Four columns of a row, if there are so many.
fn write(batch: u32, kv_head: u32, row: u32, column: u32, sums: vec4<f32>, total: f32) {
    let query = row / p.heads.z;
    if query >= p.heads.w {
        return;
    }
    let at = row_at(p.y, batch, kv_head * p.heads.z + row % p.heads.z, query) + column;
    for (var c = 0u; c < 4u && column + c < p.rows.y; c++) {
        y[at + c] = divided(component(sums, c), total);
    }
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let work = group.y * groups.x + group.x;
    if work >= p.rows.w {
        return;
    }
    // Tiles of columns, tiles of rows, heads of keys, batches.
    let first_column = work % p.own.x * 4u * WIDE;
    let first_row = work / p.own.x % p.own.y * ROWS;
    let kv_head = work / (p.own.x * p.own.y) % p.heads.y;
    let batch = work / (p.own.x * p.own.y * p.heads.y);

    // Later queries see as late keys, or later ones.
    let last_query = min((first_row + ROWS - 1u) / p.heads.z, p.heads.w - 1u);
    let start = seen_by(batch, first_row / p.heads.z).x / KEYS * KEYS;
    let end = seen_by(batch, last_query).y;

    // Of scores.
    let line = local / 16u;
    let pair = local % 16u;
    let at = first_row + 4u * line;
    let rows = array<Row, 4>(
        row_of(batch, kv_head, at),
        row_of(batch, kv_head, at + 1u),
        row_of(batch, kv_head, at + 2u),
        row_of(batch, kv_head, at + 3u),
    );
    var most = vec4<f32>(
        sink_of(rows[0].head), sink_of(rows[1].head), sink_of(rows[2].head), sink_of(rows[3].head),
    );
    var broken = broken_of(most);
    // The sum of shares of two keys of every block; one invocation has the sink's.
    var total = select(vec4<f32>(), shares_of(most, most), vec4<bool>(pair == 0u));

    // Of sums.
    let slices = GROUP / (4u * WIDE);
    let column = local % WIDE;
    let eight = local / WIDE % 4u;
    let slice = local / (4u * WIDE);
    var sums = array<vec4<f32>, 8>();

    for (var block = start; block < end; block += KEYS) {
        var first = vec4<f32>();
        var second = vec4<f32>();
        for (var d = 0u; d < p.rows.x; d += DEPTH) {
            // Half of the invocations fetch 32 rows, the others 32 keys, each 4 lines of 4 steps of depth.
            let piece = local % 64u;
            let depth = d + 4u * (piece % 8u);
            let lines = 4u * (piece / 8u);
            workgroupBarrier();
            if local < 64u {
                let i = first_row + lines;
                put(piece / 8u, depth - d,
                    q_piece(batch, kv_head, i, depth), q_piece(batch, kv_head, i + 1u, depth),
                    q_piece(batch, kv_head, i + 2u, depth), q_piece(batch, kv_head, i + 3u, depth));
            } else {
                let key = block + lines;
                put(8u + piece / 8u, depth - d,
                    k_piece(batch, kv_head, key, end, depth), k_piece(batch, kv_head, key + 1u, end, depth),
                    k_piece(batch, kv_head, key + 2u, end, depth), k_piece(batch, kv_head, key + 3u, end, depth));
            }
            workgroupBarrier();
            for (var i = 0u; i < min(DEPTH, p.rows.x - d); i++) {
                let of_rows = tile[i * 16u + line];
                let of_keys = tile[i * 16u + 8u + pair / 2u];
                let two = select(of_keys.xy, of_keys.zw, (pair & 1u) == 1u);
                first += of_rows * two.x;
                second += of_rows * two.y;
            }
        }

        let key = block + 2u * pair;
        first = scores_of(first, rows, key);
        second = scores_of(second, rows, key + 1u);
        broken = broken | broken_of(first) | broken_of(second);
        first = select(first, vec4<f32>(-infinity()), broken_of(first));
        second = select(second, vec4<f32>(-infinity()), broken_of(second));
        partial[local] = larger_of(first, second);
        if local == 0u {
            atomicStore(&careful, 0u);
        }
        workgroupBarrier();
        let before = most;
        for (var i = 0u; i < 16u; i++) {
            most = larger_of(most, partial[line * 16u + i]);
        }
        let factor = shares_of(before, most);
        first = shares_of(first, most);
        second = shares_of(second, most);
        total = total * factor + first + second;
        shares[2u * pair * 8u + line] = first;
        shares[(2u * pair + 1u) * 8u + line] = second;
        if pair == 0u {
            factors[line] = factor;
        }
        // 512 vectors of values at a time.
        let at_once = min(KEYS, 512u / WIDE);
        for (var part = 0u; part < KEYS; part += at_once) {
            workgroupBarrier();
            for (var i = local; i < at_once * WIDE; i += GROUP) {
                let v_key = block + part + i / WIDE;
                let c = first_column + 4u * (i % WIDE);
                var value = vec4<f32>();
                if v_key < end && c < p.rows.y {
                    value = v_vector(row_at(p.v, batch, kv_head, v_key), c, p.rows.y);
                }
                if is_odd(value) {
                    atomicStore(&careful, 1u);
                }
                tile[i] = value;
            }
            workgroupBarrier();
            if part == 0u {
                let low = factors[2u * eight];
                let high = factors[2u * eight + 1u];
                sums[0] *= low.x;
                sums[1] *= low.y;
                sums[2] *= low.z;
                sums[3] *= low.w;
                sums[4] *= high.x;
                sums[5] *= high.y;
                sums[6] *= high.z;
                sums[7] *= high.w;
            }
            add_values(&sums, part, at_once, slice, slices, eight, column);
        }
    }

    // What invocations have of the same rows and columns comes together.
    for (var half = slices / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        let cell = (slice % half * 4u * WIDE + eight * WIDE + column) * 8u;
        if slice >= half && slice < 2u * half {
            tile[cell] = sums[0];
            tile[cell + 1u] = sums[1];
            tile[cell + 2u] = sums[2];
            tile[cell + 3u] = sums[3];
            tile[cell + 4u] = sums[4];
            tile[cell + 5u] = sums[5];
            tile[cell + 6u] = sums[6];
            tile[cell + 7u] = sums[7];
        }
        workgroupBarrier();
        if slice < half {
            sums[0] += tile[cell];
            sums[1] += tile[cell + 1u];
            sums[2] += tile[cell + 2u];
            sums[3] += tile[cell + 3u];
            sums[4] += tile[cell + 4u];
            sums[5] += tile[cell + 5u];
            sums[6] += tile[cell + 6u];
            sums[7] += tile[cell + 7u];
        }
    }
    workgroupBarrier();
    // So large that no sum of shares makes up for it.
    partial[local] = select(total, vec4<f32>(-1e30), broken);
    workgroupBarrier();
    if pair == 0u {
        var sum = partial[line * 16u];
        for (var i = 1u; i < 16u; i++) {
            sum += partial[line * 16u + i];
        }
        factors[line] = sum;
    }
    workgroupBarrier();
    if slice > 0u {
        return;
    }
    let low = factors[2u * eight];
    let high = factors[2u * eight + 1u];
    let at_row = first_row + 8u * eight;
    let at_column = first_column + 4u * column;
    write(batch, kv_head, at_row, at_column, sums[0], low.x);
    write(batch, kv_head, at_row + 1u, at_column, sums[1], low.y);
    write(batch, kv_head, at_row + 2u, at_column, sums[2], low.z);
    write(batch, kv_head, at_row + 3u, at_column, sums[3], low.w);
    write(batch, kv_head, at_row + 4u, at_column, sums[4], high.x);
    write(batch, kv_head, at_row + 5u, at_column, sums[5], high.y);
    write(batch, kv_head, at_row + 6u, at_column, sums[6], high.z);
    write(batch, kv_head, at_row + 7u, at_column, sums[7], high.w);
}
