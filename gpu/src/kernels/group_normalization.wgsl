// use element
// use math
// use sums
// use groups
// Groups of elements, divided by a measure of what is in them; before that they may lose their mean, and afterwards
// be scaled and shifted. A group of invocations owns one.

override KIND: u32 = 1u;
override SCALE_KIND: u32 = 1u;
override SCALED: bool = false;
// The deviation, with a little under the root or behind it; the sum of sizes; the length.
override MEASURE: u32 = 0u;

const GROUP: u32 = 64u;

struct Parameters {
    groups: Groups,
    // Groups until the scales begin again, scales of a group, elements that share one.
    period: u32,
    each: u32,
    positions: u32,
    little: f32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> scale: array<u32>;
@group(0) @binding(2) var<storage, read> bias: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Parameters;

var<workgroup> shared_sums: array<vec2<f32>, GROUP>;

fn element(i: u32) -> f32 {
    return to_float(bits_of(x[i / per_word(KIND)], i, KIND), KIND);
}

// The sum of what each invocation has.
fn total(me: u32, mine: vec2<f32>) -> f32 {
    shared_sums[me] = mine;
    workgroupBarrier();
    for (var half = GROUP / 2u; half > 0u; half = half / 2u) {
        if me < half {
            shared_sums[me] = plus(shared_sums[me], shared_sums[me + half]);
        }
        workgroupBarrier();
    }
    let result = shared_sums[0];
    workgroupBarrier();
    return result.x + result.y;
}

// The largest of what each invocation has.
fn largest(me: u32, mine: f32) -> f32 {
    shared_sums[me] = vec2<f32>(mine, 0.0);
    workgroupBarrier();
    for (var half = GROUP / 2u; half > 0u; half = half / 2u) {
        if me < half {
            shared_sums[me] = max(shared_sums[me], shared_sums[me + half]);
        }
        workgroupBarrier();
    }
    let result = shared_sums[0];
    workgroupBarrier();
    return result.x;
}

fn term(e: f32) -> f32 {
    return select(e * e, abs(e), MEASURE == 2u);
}

// What elements are multiplied by, from the sum of their terms.
fn factor_of(sum: f32) -> f32 {
    let variance = sum / f32(p.groups.len);
    switch MEASURE {
        case 0u: { return 1.0 / sqrt(variance + p.little); }
        case 1u: { return 1.0 / (sqrt(variance) + p.little); }
        case 2u: { return select(1.0 / sum, 0.0, sum == 0.0); }
        default: { return select(1.0 / sqrt(sum), 0.0, sum == 0.0); }
    }
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let mine = group.y * groups.x + group.x;
    if mine >= p.groups.count {
        return;
    }
    let start = start_of(mine);
    var mean = 0.0;
    if MEASURE < 2u {
        var sum = vec2<f32>(0.0);
        for (var k = me; k < p.groups.len; k += GROUP) {
            sum = plus(sum, vec2<f32>(element(start + place_of(k)), 0.0));
        }
        mean = total(me, sum) / f32(p.groups.len);
    }
    // A power of two by which the terms of norms neither overflow nor vanish.
    var scaling = 1.0;
    if MEASURE >= 2u {
        var most = 0.0;
        for (var k = me; k < p.groups.len; k += GROUP) {
            let size = abs(element(start + place_of(k)));
            most = select(most, size, !is_nan(size) && size > most);
        }
        let exponent = i32((bitcast<u32>(largest(me, most)) >> 23u) & 0xffu) - 127;
        scaling = power_of_two(clamp(-exponent, -120, 120));
    }
    var sum = vec2<f32>(0.0);
    for (var k = me; k < p.groups.len; k += GROUP) {
        sum = plus(sum, vec2<f32>(term((element(start + place_of(k)) - mean) * scaling), 0.0));
    }
    let factor = factor_of(total(me, sum));
    for (var k = me; k < p.groups.len; k += GROUP) {
        let at = start + place_of(k);
        var result = (element(at) - mean) * scaling * factor;
        if SCALED {
            let s = mine % p.period * p.each + k / p.positions;
            let per = per_word(SCALE_KIND);
            result = result * to_float(bits_of(scale[s / per], s, SCALE_KIND), SCALE_KIND)
                + to_float(bits_of(bias[s / per], s, SCALE_KIND), SCALE_KIND);
        }
        y[at] = result;
    }
}
