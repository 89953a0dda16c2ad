// use element
// use math
// use vectors
// use span
// use attention
// The scores of an attention where they are an output: of all keys, as they are at some stage. A group owns a row.

// Products; and capped; and biased, of the keys that a query sees; and their shares.
override STAGE: u32 = 0u;

const GROUP: u32 = 64u;

var<workgroup> shared_floats: array<f32, GROUP>;
var<workgroup> shared_flags: array<u32, GROUP>;

fn product(row: Row, key: u32) -> f32 {
    let q_at = row_at(p.q, row.batch, row.head, row.query);
    let k_at = row_at(p.k, row.batch, row.head / p.heads.z, key);
    var sum = vec4<f32>();
    for (var d = 0u; d < p.rows.x; d += 4u) {
        sum += q_vector(q_at, d, p.rows.x) * k_vector(k_at, d, p.rows.x);
    }
    return sum.x + sum.y + sum.z + sum.w;
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let work = group.y * groups.x + group.x;
    if work >= p.rows.w {
        return;
    }
    let heads = p.heads.y * p.heads.z;
    let query = work % p.heads.w;
    let head = work / p.heads.w % heads;
    let batch = work / (p.heads.w * heads);
    let seen = seen_by(batch, query);
    let row = Row(batch, head, query, seen.x, seen.y);
    // Keys that the output has, and what it has of those that are not seen.
    let columns = p.own.x;
    let unseen = bitcast<f32>(p.own.y);
    let to = work * columns;

    var most = sink_of(head);
    var broken = is_broken(most);
    for (var key = me; key < columns; key += GROUP) {
        var score = unseen;
        if STAGE < 2u {
            if key < p.extent.keys {
                let x = product(row, key);
                score = x * p.scaling.x;
                if STAGE == 1u {
                    score = capped(x);
                }
            }
        } else if key >= row.start && key < row.end {
            score = biased(capped(product(row, key)), row, key);
            if is_broken(score) {
                broken = true;
            } else {
                most = larger(most, score);
            }
        }
        y[to + key] = score;
    }
    if STAGE < 3u {
        return;
    }
    shared_floats[me] = most;
    shared_flags[me] = select(0u, 1u, broken);
    workgroupBarrier();
    for (var half = GROUP / 2u; half > 0u; half /= 2u) {
        if me < half {
            shared_floats[me] = larger(shared_floats[me], shared_floats[me + half]);
            shared_flags[me] |= shared_flags[me + half];
        }
        workgroupBarrier();
    }
    most = shared_floats[0];
    broken = shared_flags[0] != 0u;
    workgroupBarrier();
    // An invocation reads what it has written.
    var sum = 0.0;
    for (var key = me; key < columns; key += GROUP) {
        if key >= row.start && key < row.end {
            sum += share_of(y[to + key], most);
        }
    }
    shared_floats[me] = sum;
    workgroupBarrier();
    for (var half = GROUP / 2u; half > 0u; half /= 2u) {
        if me < half {
            shared_floats[me] += shared_floats[me + half];
        }
        workgroupBarrier();
    }
    let total = select(shared_floats[0] + share_of(sink_of(head), most), -1.0, broken);
    for (var key = me; key < columns; key += GROUP) {
        if key >= row.start && key < row.end {
            y[to + key] = divided(share_of(y[to + key], most), total);
        }
    }
}
