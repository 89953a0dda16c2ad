// use element
// use quantize
// The scale and the zero point with which u8 covers all numbers and 0. The first launch finds the range of what
// each group sees; the second one, of a single group, the range of those and what follows from it.

override LAST: bool = false;

const GROUP: u32 = 64u;

struct Parameters {
    len: u32,
    groups: u32,
    unused_a: u32,
    unused_b: u32,
}

// The numbers; in the second launch, the least and the largest of each group.
@group(0) @binding(0) var<storage, read> x: array<f32>;
// Ranges; in the second launch, the scale.
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> zero: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

var<workgroup> shared_ranges: array<vec2<f32>, GROUP>;

fn wider(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(select(a.x, b.x, b.x < a.x), select(a.y, b.y, b.y > a.y));
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    var range = vec2<f32>(0.0);
    for (var k = group.x * GROUP + me; k < p.len; k += p.groups * GROUP) {
        if LAST {
            range = wider(range, vec2<f32>(x[2u * k], x[2u * k + 1u]));
        } else if !is_nan(x[k]) {
            range = wider(range, vec2<f32>(x[k]));
        }
    }
    shared_ranges[me] = range;
    workgroupBarrier();
    for (var half = GROUP / 2u; half > 0u; half = half / 2u) {
        if me < half {
            shared_ranges[me] = wider(shared_ranges[me], shared_ranges[me + half]);
        }
        workgroupBarrier();
    }
    if me == 0u {
        range = shared_ranges[0];
        if LAST {
            let scale = select(divide(range.y - range.x, 255.0), 1.0, range.x == range.y);
            y[0] = scale;
            zero[0] = round_to(divide(-range.x, scale), 0, U8);
        } else {
            y[2u * group.x] = range.x;
            y[2u * group.x + 1u] = range.y;
        }
    }
}
