// use element
// use wide
// use sums
// use indices
// use status
// use checked_indices
// Running sums and products along an axis. A group owns a row, its invocations a part of that each: they first tell
// each other what their parts come to.

override KIND: u32 = 1u;
override PRODUCT: bool = false;
// Whether each element itself is left out.
override EXCLUSIVE: bool = false;
override REVERSE: bool = false;

const GROUP: u32 = 64u;

struct Parameters {
    len: u32,
    rank: u32,
    // Of the status.
    word: u32,
    unused: u32,
    // Of every axis: its size, and from one element to the next.
    axis: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
// The axis.
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(4) var<uniform> p: Parameters;

// Floats with what rounding took from them, integers of 64 bits, or smaller ones in the first word.
var<workgroup> shared_parts: array<vec2<u32>, GROUP>;

fn is_wide() -> bool {
    return KIND == I64 || KIND == U64;
}

fn element(i: u32) -> vec2<u32> {
    if is_wide() {
        return vec2<u32>(x[2u * i], x[2u * i + 1u]);
    }
    let bits = bits_of(x[i / per_word(KIND)], i, KIND);
    if is_float(KIND) {
        return vec2<u32>(bitcast<u32>(to_float(bits, KIND)), 0u);
    }
    return vec2<u32>(bits, 0u);
}

fn joined(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    if is_float(KIND) {
        return bitcast<vec2<u32>>(plus(bitcast<vec2<f32>>(a), bitcast<vec2<f32>>(b)));
    }
    if PRODUCT {
        return wide_multiply(a, b);
    }
    return wide_add(a, b);
}

fn write(i: u32, sum: vec2<u32>) {
    if is_wide() {
        y[2u * i] = sum.x;
        y[2u * i + 1u] = sum.y;
    } else if is_float(KIND) {
        y[i] = bitcast<u32>(bitcast<f32>(sum.x) + bitcast<f32>(sum.y));
    } else {
        y[i] = sum.x;
    }
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let row = group.y * groups.x + group.x;
    let axis = p.axis[checked_place(0u, p.rank, p.word)];
    let len = axis.x;
    let step = axis.y;
    // Barriers must be reached by all, so that a group without a row walks an empty one.
    let is_mine = row < p.len / len;
    let start = (row / step) * len * step + row % step;
    let each = (len + GROUP - 1u) / GROUP;
    let first = min(me * each, len);
    let end = select(first, min(first + each, len), is_mine);

    let nothing = vec2<u32>(select(0u, 1u, PRODUCT), 0u);
    var part = nothing;
    for (var k = first; k < end; k++) {
        part = joined(part, element(start + select(k, len - 1u - k, REVERSE) * step));
    }
    shared_parts[me] = part;
    workgroupBarrier();
    var sum = nothing;
    for (var other = 0u; other < me; other++) {
        sum = joined(sum, shared_parts[other]);
    }
    for (var k = first; k < end; k++) {
        let at = start + select(k, len - 1u - k, REVERSE) * step;
        let next = joined(sum, element(at));
        if EXCLUSIVE {
            write(at, sum);
        } else {
            write(at, next);
        }
        sum = next;
    }
}
