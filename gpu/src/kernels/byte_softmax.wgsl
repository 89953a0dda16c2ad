// use index
// use element
// use wide
// use exact
// Softmax of rows of bytes, by a table of exponentials. First a group finds the largest byte of a row, and the share
// that an exponential of 1 has; then an invocation owns a word of the result. Where something is added to the rows,
// `byte_softmax_masked` has done the first part.

override X: u32 = 2u;
override Y: u32 = 2u;
// Whether rows have been looked at, and what was found is read.
override SHARES: bool = false;
// Whether every element has an exponential of its own.
override EACH: bool = false;

struct Parameters {
    words: u32,
    len: u32,
    // Elements of a row, and rows.
    row: u32,
    rows: u32,
    // What makes bytes come in the order of their numbers.
    flip: u32,
    // Sums that a row is taken in, a power of two and no more than 16.
    sums: u32,
    y_scale: f32,
    y_zero: i32,
    nothing: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
// By the largest byte of a row, then by the byte; or by the element.
@group(0) @binding(1) var<storage, read> exponentials: array<f32>;
// For every row: the largest byte, and the share as a float.
@group(0) @binding(2) var<storage, read> found: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<uniform> p: Parameters;

var<workgroup> most_of: array<u32, GROUP>;
var<workgroup> sum_of: array<f32, 16>;

fn byte_at(i: u32) -> u32 {
    return bits_of(x[i / 4u], i, X);
}

// Every sum is rounded by itself: they must not be taken in another order.
fn added_apart(a: f32, b: f32) -> f32 {
    return kept_apart(added(a, b), p.nothing.x);
}

fn look_at(row: u32, me: u32) {
    let begin = row * p.row;
    var most = 0u;
    for (var k = me; k < p.row; k += GROUP) {
        most = max(most, byte_at(begin + k) ^ p.flip);
    }
    most_of[me] = most;
    workgroupBarrier();
    for (var i = 0u; i < GROUP; i++) {
        most = max(most, most_of[i]);
    }
    let largest = most ^ p.flip;
    if me < p.sums {
        var sum = 0.0;
        for (var k = me; k < p.row; k += p.sums) {
            sum = added_apart(sum, exponentials[largest * 256u + byte_at(begin + k)]);
        }
        sum_of[me] = sum;
    }
    workgroupBarrier();
    if me == 0u {
        for (var half = p.sums / 2u; half > 0u; half /= 2u) {
            for (var i = 0u; i < half; i++) {
                sum_of[i] = added_apart(sum_of[i], sum_of[i + half]);
            }
        }
        y[2u * row] = largest;
        y[2u * row + 1u] = bitcast<u32>(divided(1.0, sum_of[0]));
    }
}

fn result_of(i: u32) -> u32 {
    let row = i / p.row;
    var at = i;
    if !EACH {
        at = found[2u * row] * 256u + byte_at(i);
    }
    let real = multiplied(exponentials[at], bitcast<f32>(found[2u * row + 1u]));
    if Y == F32 {
        return bitcast<u32>(real);
    }
    let low = select(0, -128, is_signed(Y));
    return bitcast<u32>(stepped(divided(real, p.y_scale), p.y_zero, low, low + 255));
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    if !SHARES {
        let row = group.y * groups.x + group.x;
        if row < p.rows {
            look_at(row, me);
        }
        return;
    }
    let word = linear(id, groups);
    if word >= p.words {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < per_word(Y); lane++) {
        let i = min(word * per_word(Y) + lane, p.len - 1u);
        result |= placed(result_of(i), lane, Y);
    }
    y[word] = result;
}
