// use index
// use element
// use wide
// use exact
// use fused
// use host_exp
// The exponentials of rows of bytes to which something is added, and the share that an exponential of 1 has in each
// row. A group owns a row.
//
// Where nothing but zeros is added, to the largest of a row and to another one, the exponential stands in a table, and
// what is far below the largest has none: it is seldom computed.

override X: u32 = 2u;
override BIAS: bool = false;
override SUM: bool = false;

struct Parameters {
    len: u32,
    // Elements of a row, and rows.
    row: u32,
    rows: u32,
    axes: u32,
    // What makes bytes come in the order of their numbers.
    flip: u32,
    // Sums that a row is taken in, a power of two and no more than 16.
    sums: u32,
    nothing: u32,
    unused: u32,
    // Size, and steps in both addends.
    walk: array<vec4<u32>, 8>,
}

const TABLE: u32 = 65536u;
const MINUS_INFINITY: u32 = 0x007fffffu;
const INFINITY: u32 = 0xff800000u;

@group(0) @binding(0) var<storage, read> x: array<u32>;
// Exponentials, by the largest byte of a row, then by the byte; behind them the numbers of all bytes.
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<u32>;
@group(0) @binding(3) var<storage, read> sum: array<u32>;
@group(0) @binding(4) var<storage, read_write> exponentials: array<f32>;
// For every row two words, of which the second one is the share.
@group(0) @binding(5) var<storage, read_write> found: array<u32>;
@group(0) @binding(6) var<uniform> p: Parameters;

var<workgroup> most_of: array<u32, GROUP>;
var<workgroup> plain_of: array<u32, GROUP>;
var<workgroup> sum_of: array<f32, 16>;

fn byte_at(i: u32) -> u32 {
    return bits_of(x[i / 4u], i, X);
}

// What is added to element `i`, as bits.
fn addends(i: u32) -> vec2<u32> {
    var rest = i;
    var at = vec2<u32>(0u);
    for (var axis = p.axes; axis > 0u; axis--) {
        let along = p.walk[axis - 1u];
        at += (rest % along.x) * along.yz;
        rest /= along.x;
    }
    var both = vec2<u32>(0u);
    if BIAS {
        both.x = bias[at.x];
    }
    if SUM {
        both.y = sum[at.y];
    }
    return both;
}

fn is_plain(both: vec2<u32>) -> bool {
    return ((both.x | both.y) & 0x7fffffffu) == 0u;
}

fn value_of(byte: u32, both: vec2<u32>) -> f32 {
    var value = table[TABLE + byte];
    if BIAS {
        value = kept_apart(summed(value, bitcast<f32>(both.x)), p.nothing);
    }
    if SUM {
        value = kept_apart(summed(value, bitcast<f32>(both.y)), p.nothing);
    }
    return value;
}

// Words in the order of numbers, of which one that is none is the largest.
fn order_of(value: f32) -> u32 {
    let bits = bitcast<u32>(value);
    if is_nan(value) {
        return 0xffffffffu;
    }
    return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

fn in_order(word: u32) -> f32 {
    return bitcast<f32>(select(~word, word ^ 0x80000000u, (word >> 31u) == 1u));
}

// Every sum is rounded by itself: they must not be taken in another order.
fn summed_apart(a: f32, b: f32) -> f32 {
    return kept_apart(summed(a, b), p.nothing);
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let row = group.y * groups.x + group.x;
    if row >= p.rows {
        return;
    }
    let begin = row * p.row;
    var most = 0u;
    // Of those to which zeros are added, one more than the largest byte.
    var plain = 0u;
    for (var k = me; k < p.row; k += GROUP) {
        let both = addends(begin + k);
        let byte = byte_at(begin + k);
        most = max(most, order_of(value_of(byte, both)));
        plain = max(plain, select(0u, (byte ^ p.flip) + 1u, is_plain(both)));
    }
    most_of[me] = most;
    plain_of[me] = plain;
    workgroupBarrier();
    for (var i = 0u; i < GROUP; i++) {
        most = max(most, most_of[i]);
        plain = max(plain, plain_of[i]);
    }
    // No difference to infinity is a number.
    let there = most > MINUS_INFINITY && most < INFINITY;
    let largest = in_order(most);
    let largest_byte = (max(plain, 1u) - 1u) ^ p.flip;
    let looked_up = plain > 0u && order_of(value_of(largest_byte, vec2<u32>(0u))) == most;
    for (var k = me; k < p.row; k += GROUP) {
        let both = addends(begin + k);
        let byte = byte_at(begin + k);
        var exponential = not_a_number();
        if there && looked_up && is_plain(both) {
            exponential = table[largest_byte * 256u + byte];
        } else if there {
            exponential = host_exp(summed_apart(value_of(byte, both), -largest), p.nothing);
        }
        exponentials[begin + k] = exponential;
    }
    storageBarrier();
    if me < p.sums {
        var sum = 0.0;
        for (var k = me; k < p.row; k += p.sums) {
            sum = summed_apart(sum, exponentials[begin + k]);
        }
        sum_of[me] = sum;
    }
    workgroupBarrier();
    if me == 0u {
        for (var half = p.sums / 2u; half > 0u; half /= 2u) {
            for (var i = 0u; i < half; i++) {
                sum_of[i] = summed_apart(sum_of[i], sum_of[i + half]);
            }
        }
        found[2u * row + 1u] = bitcast<u32>(divided(1.0, sum_of[0]));
    }
}
