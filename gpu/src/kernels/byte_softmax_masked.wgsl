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
    // Elements of a row, rows, and axes that these lie along.
    row: u32,
    rows: u32,
    axes: u32,
    // What makes bytes come in the order of their numbers.
    flip: u32,
    // Sums that a row is taken in, a power of two and no more than 16.
    sums: u32,
    nothing: u32,
    // From an element of a row to the next one: in both addends.
    along: vec2<u32>,
    // Of the axes in front: size, and steps in both addends.
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
var<workgroup> sum_of_lane: array<f32, 16>;

fn byte_at(i: u32) -> u32 {
    return bits_of(x[i / 4u], i, X);
}

// Where the addends of a row begin.
fn start_of(row: u32) -> vec2<u32> {
    var rest = row;
    var at = vec2<u32>(0u);
    for (var axis = p.axes; axis > 0u; axis--) {
        let along = p.walk[axis - 1u];
        at += (rest % along.x) * along.yz;
        rest /= along.x;
    }
    return at;
}

// What is added to an element of a row, as bits.
fn addends(start: vec2<u32>, k: u32) -> vec2<u32> {
    var both = vec2<u32>(0u);
    if BIAS {
        both.x = bias[start.x + k * p.along.x];
    }
    if SUM {
        both.y = sum[start.y + k * p.along.y];
    }
    return both;
}

fn is_plain(both: vec2<u32>) -> bool {
    return ((both.x | both.y) & 0x7fffffffu) == 0u;
}

// The sum of two numbers, either of which may be infinite or none. What is too small for an exponent may be lost: no
// exponential of a difference differs by it.
fn sum_of(x: f32, y: f32) -> f32 {
    let a = bitcast<u32>(x) & 0x7fffffffu;
    let b = bitcast<u32>(y) & 0x7fffffffu;
    if max(a, b) >= 0x7f800000u {
        let opposite = a == 0x7f800000u && b == a && bitcast<u32>(x) != bitcast<u32>(y);
        return select(select(y, x, a >= b), not_a_number(), opposite);
    }
    if max(a, b) < 0x7f000000u {
        return added(x, y);
    }
    // Of halves, as nothing says what an overflow gives.
    let half = added(multiplied(x, 0.5), multiplied(y, 0.5));
    let sign = bitcast<u32>(half) & 0x80000000u;
    if (bitcast<u32>(half) ^ sign) >= 0x7f000000u {
        return bitcast<f32>(sign | 0x7f800000u);
    }
    return multiplied(half, 2.0);
}

fn value_of(byte: u32, both: vec2<u32>) -> f32 {
    var value = table[TABLE + byte];
    if BIAS {
        value = kept_apart(sum_of(value, bitcast<f32>(both.x)), p.nothing);
    }
    if SUM {
        value = kept_apart(sum_of(value, bitcast<f32>(both.y)), p.nothing);
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

// An exponential times 2^60, which has an exponent whatever the exponential is; it is exact, and so are sums of them as
// they would be without.
fn enlarged(exponential: f32) -> f32 {
    let bits = bitcast<u32>(exponential);
    let plain = bits + (60u << 23u);
    return bitcast<f32>(select(plain, rounded(0u, 60 - 149, bits), bits < 0x800000u));
}

// Every sum is rounded by itself: they must not be taken in another order.
fn added_apart(a: f32, b: f32) -> f32 {
    return kept_apart(added(a, b), p.nothing);
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
    let start = start_of(row);
    var most = 0u;
    // Of those to which zeros are added, one more than the largest byte.
    var plain = 0u;
    for (var k = me; k < p.row; k += GROUP) {
        let both = addends(start, k);
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
    // What is left for a loop of its own, which most rows have no use for.
    var left = p.row;
    for (var k = me; k < p.row; k += GROUP) {
        let both = addends(start, k);
        let byte = byte_at(begin + k);
        var exponential = not_a_number();
        if there && looked_up && is_plain(both) {
            exponential = table[largest_byte * 256u + byte];
        } else if there {
            exponential = 0.0;
            if !is_far_below(sum_of(value_of(byte, both), -largest)) {
                left = min(left, k);
            }
        }
        exponentials[begin + k] = exponential;
    }
    for (var k = left; k < p.row; k += GROUP) {
        let both = addends(start, k);
        if !looked_up || !is_plain(both) {
            let below = kept_apart(sum_of(value_of(byte_at(begin + k), both), -largest), p.nothing);
            exponentials[begin + k] = host_exp(below, p.nothing);
        }
    }
    storageBarrier();
    if me < p.sums {
        var sum = 0.0;
        for (var k = me; k < p.row; k += p.sums) {
            sum = added_apart(sum, enlarged(exponentials[begin + k]));
        }
        sum_of_lane[me] = sum;
    }
    workgroupBarrier();
    if me == 0u {
        for (var half = p.sums / 2u; half > 0u; half /= 2u) {
            for (var i = 0u; i < half; i++) {
                sum_of_lane[i] = added_apart(sum_of_lane[i], sum_of_lane[i + half]);
            }
        }
        // The largest has an exponential of 1.
        let sum = bitcast<f32>(bitcast<u32>(sum_of_lane[0]) - (60u << 23u));
        found[2u * row + 1u] = select(0x7fc00000u, bitcast<u32>(divided(1.0, sum)), there);
    }
}
