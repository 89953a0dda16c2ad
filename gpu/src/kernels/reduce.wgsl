// use element
// use math
// use sums
// use groups
// use team
// Groups of elements that become one each. A team of invocations owns a group: all of a workgroup, or one alone
// where groups are small.

override KIND: u32 = 1u;
override REDUCTION: u32 = 8u;

const GROUP: u32 = 64u;

struct Parameters {
    groups: Groups,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Parameters;

// A result and what it has lost; of extremes, whether NaN was there.
var<workgroup> shared_sums: array<vec2<f32>, GROUP>;

fn is_extreme() -> bool {
    return REDUCTION == 4u || REDUCTION == 6u;
}

fn nothing() -> vec2<f32> {
    switch REDUCTION {
        case 4u: { return vec2<f32>(-infinity(), 0.0); }
        case 6u: { return vec2<f32>(infinity(), 0.0); }
        case 7u: { return vec2<f32>(1.0, 0.0); }
        default: { return vec2<f32>(0.0); }
    }
}

fn larger(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(select(a.x, b.x, b.x > a.x), max(a.y, b.y));
}

fn joined(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    switch REDUCTION {
        case 4u: { return larger(a, b); }
        case 6u: { return vec2<f32>(select(a.x, b.x, b.x < a.x), max(a.y, b.y)); }
        case 7u: { return vec2<f32>(a.x * b.x, 0.0); }
        default: { return plus(a, b); }
    }
}

// What an element adds. `shift` is the group's maximum for sums of exponentials; for roots of squares, the power
// of two by which they neither overflow nor vanish.
fn term(e: f32, shift: f32) -> vec2<f32> {
    if is_extreme() {
        if is_nan(e) {
            return vec2<f32>(nothing().x, 1.0);
        }
        return vec2<f32>(e, 0.0);
    }
    switch REDUCTION {
        case 0u: { return vec2<f32>(abs(e), 0.0); }
        case 1u: { return vec2<f32>((e * shift) * (e * shift), 0.0); }
        case 9u: { return vec2<f32>(e * e, 0.0); }
        case 3u: { return vec2<f32>(exponential(e - shift), 0.0); }
        default: { return vec2<f32>(e, 0.0); }
    }
}

fn finished(sum: vec2<f32>, shift: f32) -> f32 {
    if is_extreme() {
        if sum.y != 0.0 {
            return not_a_number();
        }
        return sum.x;
    }
    let total = sum.x + sum.y;
    switch REDUCTION {
        case 1u: { return sqrt(total) / shift; }
        case 2u: { return logarithm(total); }
        case 3u: { return logarithm(total) + shift; }
        case 5u: { return select(total / f32(p.groups.len), not_a_number(), p.groups.len == 0u); }
        default: { return total; }
    }
}

fn element(i: u32) -> f32 {
    return to_float(bits_of(x[i / per_word(KIND)], i, KIND), KIND);
}

// What all invocations of a team have found.
fn gathered(me: u32, mine: vec2<f32>, maxima: bool) -> vec2<f32> {
    if ALONE {
        return mine;
    }
    shared_sums[me] = mine;
    workgroupBarrier();
    for (var half = GROUP / 2u; half > 0u; half = half / 2u) {
        if me < half {
            let a = shared_sums[me];
            let b = shared_sums[me + half];
            if maxima {
                shared_sums[me] = larger(a, b);
            } else {
                shared_sums[me] = joined(a, b);
            }
        }
        workgroupBarrier();
    }
    let result = shared_sums[0];
    workgroupBarrier();
    return result;
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let part = part_of(group, groups, me);
    var shift = 0.0;
    if REDUCTION == 1u || REDUCTION == 3u {
        var most = vec2<f32>(-infinity(), 0.0);
        for (var k = part.first; k < part.len; k += part.step) {
            let e = element(part.start + place_of(k));
            if !is_nan(e) {
                most = larger(most, vec2<f32>(select(e, abs(e), REDUCTION == 1u), 0.0));
            }
        }
        let found = gathered(me, most, true).x;
        if REDUCTION == 1u {
            let exponent = clamp(i32((bitcast<u32>(found) >> 23u) & 0xffu) - 127, -120, 120);
            shift = power_of_two(-exponent);
        } else if !is_infinite(found) {
            // An infinite maximum would make NaN of infinity - infinity.
            shift = found;
        }
    }
    var sum = nothing();
    for (var k = part.first; k < part.len; k += part.step) {
        sum = joined(sum, term(element(part.start + place_of(k)), shift));
    }
    let all = gathered(me, sum, false);
    if part.is_there && (ALONE || me == 0u) {
        y[part.group] = finished(all, shift);
    }
}
