// use element
// use math
// use vectors
// use span
// use attention
// softmax(q·k) · v of few queries, as a decoder has them: up to 8 rows, of all heads that share one of keys, so that
// every key and value is read once for them. Keys are split among groups; what each has of a row is put together by
// `attention_join`.
//
// An invocation makes the scores of one key, then sums 4 columns of some of the keys.

const GROUP: u32 = 128u;

// For each element of the rows of Q, of which there are at most 256: 8 rows.
var<workgroup> queries: array<vec4<f32>, 512>;
// What 8 rows have for each key, or each invocation. In the end: what invocations have of one row.
var<workgroup> table: array<vec4<f32>, 256>;

// An element of a row of Q; nothing of rows that there are not.
fn query_of(row: Row, d: u32) -> f32 {
    if row.query >= p.heads.w || d >= p.rows.x {
        return 0.0;
    }
    let i = row_at(p.q, row.batch, row.head, row.query) + d;
    return one_of(q[vector_at(i, Q_KIND)], i, Q_KIND);
}

// The values of a block of keys to the sums of 8 rows, in 4 columns.
fn add_values(
    sums: ptr<function, array<vec4<f32>, 8>>,
    head_at: vec3<u32>,
    column: u32,
    slice: u32,
    count: u32,
) {
    for (var i = slice; i < count; i += GROUP / p.own.z) {
        let value = v_vector(row_at(p.v, head_at.x, head_at.y, head_at.z + i), column, p.rows.y);
        let a = table[i];
        let b = table[GROUP + i];
        // No share of what is no number is nothing.
        add_shares(sums, a, b, value, is_odd(value));
    }
}

// Where a row of the result goes: to its place, or to that of its part. Behind a part lie the largest score and the sum.
fn part_at(row: Row, split: u32) -> u32 {
    let heads = p.heads.y * p.heads.z;
    return (((row.batch * heads + row.head) * p.heads.w + row.query) * p.own.x + split) * (p.rows.y + 2u);
}

// What invocations have of a row, in 4 columns each; the first slice writes it.
fn write(row: Row, split: u32, local: u32, sum: vec4<f32>, most: f32, total: f32) {
    let wide = p.own.z;
    table[local] = sum;
    workgroupBarrier();
    if local < wide && row.query < p.heads.w {
        var all = sum;
        for (var i = local + wide; i < GROUP; i += wide) {
            all += table[i];
        }
        if p.own.x == 1u {
            let at = row_at(p.y, row.batch, row.head, row.query);
            for (var c = 4u * local; c < min(4u * local + 4u, p.rows.y); c++) {
                y[at + c] = divided(component(all, c & 3u), total);
            }
        } else {
            let at = part_at(row, split);
            for (var c = 4u * local; c < min(4u * local + 4u, p.rows.y); c++) {
                y[at + c] = component(all, c & 3u);
            }
            if local == 0u {
                y[at + p.rows.y] = most;
                y[at + p.rows.y + 1u] = total;
            }
        }
    }
    workgroupBarrier();
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
    let split = work % p.own.x;
    let kv_head = work / p.own.x % p.heads.y;
    let batch = work / (p.own.x * p.heads.y);
    let rows = array<Row, 8>(
        row_of(batch, kv_head, 0u),
        row_of(batch, kv_head, 1u),
        row_of(batch, kv_head, 2u),
        row_of(batch, kv_head, 3u),
        row_of(batch, kv_head, 4u),
        row_of(batch, kv_head, 5u),
        row_of(batch, kv_head, 6u),
        row_of(batch, kv_head, 7u),
    );
    for (var d = local; d < (p.rows.x + 3u) / 4u * 4u; d += GROUP) {
        queries[2u * d] = vec4<f32>(
            query_of(rows[0], d), query_of(rows[1], d), query_of(rows[2], d), query_of(rows[3], d),
        );
        queries[2u * d + 1u] = vec4<f32>(
            query_of(rows[4], d), query_of(rows[5], d), query_of(rows[6], d), query_of(rows[7], d),
        );
    }

    // Only one part has the sink.
    var low_most = vec4<f32>(-infinity());
    var high_most = low_most;
    if split == 0u {
        low_most = vec4<f32>(
            sink_of(rows[0].head), sink_of(rows[1].head), sink_of(rows[2].head), sink_of(rows[3].head),
        );
        high_most = vec4<f32>(
            sink_of(rows[4].head), sink_of(rows[5].head), sink_of(rows[6].head), sink_of(rows[7].head),
        );
    }
    var low_broken = broken_of(low_most);
    var high_broken = broken_of(high_most);
    var low_total = select(vec4<f32>(), shares_of(low_most, low_most), vec4<bool>(local == 0u));
    var high_total = select(vec4<f32>(), shares_of(high_most, high_most), vec4<bool>(local == 0u));
    var sums = array<vec4<f32>, 8>();

    let wide = p.own.z;
    let column = 4u * (local % wide);
    // Later queries see as late keys, or later ones.
    let seen_first = seen_by(batch, 0u).x / GROUP * GROUP;
    let first_key = max(split * p.own.y, seen_first);
    let end = min((split + 1u) * p.own.y, seen_by(batch, p.heads.w - 1u).y);
    for (var block = first_key; block < end; block += GROUP) {
        workgroupBarrier();
        let key = block + local;
        var low = vec4<f32>();
        var high = vec4<f32>();
        if key < end {
            let at = row_at(p.k, batch, kv_head, key);
            for (var d = 0u; d < p.rows.x; d += 4u) {
                let x = k_vector(at, d, p.rows.x);
                low += queries[2u * d] * x.x + queries[2u * d + 2u] * x.y
                    + queries[2u * d + 4u] * x.z + queries[2u * d + 6u] * x.w;
                high += queries[2u * d + 1u] * x.x + queries[2u * d + 3u] * x.y
                    + queries[2u * d + 5u] * x.z + queries[2u * d + 7u] * x.w;
            }
        }
        low = vec4<f32>(
            score_of(low.x, rows[0], key),
            score_of(low.y, rows[1], key),
            score_of(low.z, rows[2], key),
            score_of(low.w, rows[3], key),
        );
        high = vec4<f32>(
            score_of(high.x, rows[4], key),
            score_of(high.y, rows[5], key),
            score_of(high.z, rows[6], key),
            score_of(high.w, rows[7], key),
        );
        low_broken = low_broken | broken_of(low);
        high_broken = high_broken | broken_of(high);
        low = select(low, vec4<f32>(-infinity()), broken_of(low));
        high = select(high, vec4<f32>(-infinity()), broken_of(high));

        table[local] = low;
        table[GROUP + local] = high;
        workgroupBarrier();
        for (var half = GROUP / 2u; half > 0u; half /= 2u) {
            if local < half {
                table[local] = larger_of(table[local], table[local + half]);
                table[GROUP + local] = larger_of(table[GROUP + local], table[GROUP + local + half]);
            }
            workgroupBarrier();
        }
        let low_before = low_most;
        let high_before = high_most;
        low_most = larger_of(low_most, table[0]);
        high_most = larger_of(high_most, table[GROUP]);
        workgroupBarrier();

        let low_factor = shares_of(low_before, low_most);
        let high_factor = shares_of(high_before, high_most);
        low = shares_of(low, low_most);
        high = shares_of(high, high_most);
        low_total = low_total * low_factor + low;
        high_total = high_total * high_factor + high;
        table[local] = low;
        table[GROUP + local] = high;
        workgroupBarrier();
        sums[0] *= low_factor.x;
        sums[1] *= low_factor.y;
        sums[2] *= low_factor.z;
        sums[3] *= low_factor.w;
        sums[4] *= high_factor.x;
        sums[5] *= high_factor.y;
        sums[6] *= high_factor.z;
        sums[7] *= high_factor.w;
        if column < p.rows.y {
            let at = vec3<u32>(batch, kv_head, block);
            add_values(&sums, at, column, local / wide, min(GROUP, end - block));
        }
    }

    workgroupBarrier();
    // So large that no sum of shares makes up for it.
    table[local] = select(low_total, vec4<f32>(-1e30), low_broken);
    table[GROUP + local] = select(high_total, vec4<f32>(-1e30), high_broken);
    workgroupBarrier();
    for (var half = GROUP / 2u; half > 0u; half /= 2u) {
        if local < half {
            table[local] += table[local + half];
            table[GROUP + local] += table[GROUP + local + half];
        }
        workgroupBarrier();
    }
    low_total = table[0];
    high_total = table[GROUP];
    workgroupBarrier();
    write(rows[0], split, local, sums[0], low_most.x, low_total.x);
    write(rows[1], split, local, sums[1], low_most.y, low_total.y);
    write(rows[2], split, local, sums[2], low_most.z, low_total.z);
    write(rows[3], split, local, sums[3], low_most.w, low_total.w);
    write(rows[4], split, local, sums[4], high_most.x, high_total.x);
    write(rows[5], split, local, sums[5], high_most.y, high_total.y);
    write(rows[6], split, local, sums[6], high_most.z, high_total.z);
    write(rows[7], split, local, sums[7], high_most.w, high_total.w);
}
