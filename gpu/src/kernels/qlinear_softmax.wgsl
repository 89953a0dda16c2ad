// use index
// use element
// use wide
// use exact
// Softmax of bytes by tables. First a group finds the largest byte of a slice and the sum of all exponentials;
// then an invocation owns a word of the result.

override KIND: u32 = 2u;
// Whether slices have been looked at, and what was found is read.
override SHARES: bool = false;

struct Parameters {
    words: u32,
    len: u32,
    // Elements of a slice, and steps between them.
    slice: u32,
    inner: u32,
    slices: u32,
    zero: i32,
    spare: vec2<u32>,
    // For every difference to the largest: the exponential, and what it is in steps of the result, a float.
    exponentials: array<vec4<u32>, 64>,
    steps: array<vec4<u32>, 64>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
// For every slice: the largest byte, and the sum as a float.
@group(0) @binding(1) var<storage, read> found: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

var<workgroup> partial: array<vec2<u32>, GROUP>;

// Bytes in their order.
fn byte_at(i: u32) -> u32 {
    let turn = select(0u, 0x80u, is_signed(KIND));
    return bits_of(x[i / 4u], i, KIND) ^ turn;
}

fn exponential_of(below: u32) -> u32 {
    return p.exponentials[below / 4u][below % 4u];
}

fn look_at(slice: u32, me: u32) {
    let begin = (slice / p.inner) * p.slice * p.inner + slice % p.inner;
    var most = 0u;
    for (var k = me; k < p.slice; k += GROUP) {
        most = max(most, byte_at(begin + k * p.inner));
    }
    partial[me] = vec2<u32>(most, 0u);
    workgroupBarrier();
    for (var i = 0u; i < GROUP; i++) {
        most = max(most, partial[i].x);
    }
    workgroupBarrier();
    // In parts of 12 bits, as the whole may take 33.
    var sum = vec2<u32>(0u);
    for (var k = me; k < p.slice; k += GROUP) {
        let share = exponential_of(most - byte_at(begin + k * p.inner));
        sum += vec2<u32>(share >> 12u, share & 0xfffu);
    }
    partial[me] = sum;
    workgroupBarrier();
    if me == 0u {
        for (var i = 1u; i < GROUP; i++) {
            sum += partial[i];
        }
        let high = sum.x + (sum.y >> 12u);
        y[2u * slice] = most;
        y[2u * slice + 1u] = bitcast<u32>(added(to_nearest_unsigned(high) * 4096.0, whole(i32(sum.y & 0xfffu))));
    }
}

fn share_of(i: u32) -> u32 {
    let slice = (i / (p.slice * p.inner)) * p.inner + i % p.inner;
    let below = found[2u * slice] - byte_at(i);
    let steps = bitcast<f32>(p.steps[below / 4u][below % 4u]);
    let low = select(0, -128, is_signed(KIND));
    return byte_of(divided(steps, bitcast<f32>(found[2u * slice + 1u])), p.zero, low);
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    if !SHARES {
        let slice = group.y * groups.x + group.x;
        if slice < p.slices {
            look_at(slice, me);
        }
        return;
    }
    let word = linear(id, groups);
    if word >= p.words {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < 4u; lane++) {
        result |= share_of(min(word * 4u + lane, p.len - 1u)) << (8u * lane);
    }
    y[word] = result;
}
