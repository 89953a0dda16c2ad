// use element
// use math
// Rows of an attention whose keys were split become whole. A group owns a row.
//
// What a reader would get wrong: a part that saw no key has a largest score of -inf, which is asked for by its bits;
// one whose sum is negative broke, and the row is NaN.

const GROUP: u32 = 64u;

struct Parameters {
    rows: u32,
    splits: u32,
    width: u32,
    // Heads, if positions come before them in the result, else 0; and positions.
    heads: u32,
    positions: u32,
}

// For every row its parts: what they have of each column, their largest score, the sum of their shares.
@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Parameters;

fn is_left_out(score: f32) -> bool {
    return bitcast<u32>(score) == 0xff800000u;
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let row = group.y * groups.x + group.x;
    if row >= p.rows {
        return;
    }
    let step = p.width + 2u;
    let first = row * p.splits * step;
    var most = -infinity();
    for (var i = 0u; i < p.splits; i++) {
        let score = parts[first + i * step + p.width];
        if !is_left_out(score) && (is_left_out(most) || score > most) {
            most = score;
        }
    }
    var total = 0.0;
    var broken = false;
    for (var i = 0u; i < p.splits; i++) {
        let score = parts[first + i * step + p.width];
        let sum = parts[first + i * step + p.width + 1u];
        broken = broken || sum < 0.0;
        if !is_left_out(score) {
            total += exponential(score - most) * sum;
        }
    }
    var to = row;
    if p.heads != 0u {
        let position = row % p.positions;
        let head = row / p.positions % p.heads;
        to = (row / (p.positions * p.heads) * p.positions + position) * p.heads + head;
    }
    for (var c = me; c < p.width; c += GROUP) {
        var sum = 0.0;
        for (var i = 0u; i < p.splits; i++) {
            let score = parts[first + i * step + p.width];
            if !is_left_out(score) {
                sum += exponential(score - most) * parts[first + i * step + c];
            }
        }
        y[to * p.width + c] = select(select(sum / total, 0.0, total == 0.0), not_a_number(), broken);
    }
}
