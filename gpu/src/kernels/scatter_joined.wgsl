// use index
// use element
// use wide
// Updates joined into slices, some of them with each launch. An invocation makes an element of a slice: the first
// update that goes there joins all of this launch, in their order, and the others leave it to that one. So sums of
// floats are taken as on the host, and in the same order every time.

override KIND: u32 = 1u;
// The type that results are rounded to: KIND, or a smaller float.
override RESULT: u32 = 1u;
// Add, multiply, the larger one, the smaller one.
override REDUCTION: u32 = 0u;

struct Parameters {
    // The updates of this launch, elements of a slice, and the work of this launch.
    first: u32,
    end: u32,
    inner: u32,
    len: u32,
}

@group(0) @binding(0) var<storage, read> places: array<u32>;
@group(0) @binding(1) var<storage, read> updates: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

fn of_floats(a: f32, b: f32) -> f32 {
    switch REDUCTION {
        case 0u: { return a + b; }
        case 1u: { return a * b; }
        // NaN wins.
        case 2u: { return select(select(b, a, a > b || is_nan(a)), b, is_nan(b)); }
        default: { return select(select(b, a, a < b || is_nan(a)), b, is_nan(b)); }
    }
}

fn of_wide(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    switch REDUCTION {
        case 0u: { return wide_add(a, b); }
        case 1u: { return wide_multiply(a, b); }
        case 2u: { return select(a, b, wide_less(a, b, is_signed(KIND))); }
        default: { return select(a, b, wide_less(b, a, is_signed(KIND))); }
    }
}

// An element of one word or of two; integers of one as if of two, which changes nothing of their low word.
fn joined(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    if is_float(KIND) {
        let sum = from_float(of_floats(bitcast<f32>(a.x), bitcast<f32>(b.x)), RESULT);
        return vec2<u32>(bitcast<u32>(to_float(sum, RESULT)), 0u);
    }
    return of_wide(a, b);
}

fn spread(low: u32) -> vec2<u32> {
    return vec2<u32>(low, select(0u, 0xffffffffu, KIND == I32 && (low >> 31u) == 1u));
}

fn update_at(i: u32) -> vec2<u32> {
    if KIND == I64 || KIND == U64 {
        return vec2<u32>(updates[2u * i], updates[2u * i + 1u]);
    }
    return spread(updates[i]);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.len {
        return;
    }
    let mine = p.first + i / p.inner;
    let within = i % p.inner;
    let place = places[mine];
    for (var other = p.first; other < mine; other++) {
        if places[other] == place {
            return;
        }
    }
    let is_wide = KIND == I64 || KIND == U64;
    let at = place * p.inner + within;
    var result = vec2<u32>(0u);
    if is_wide {
        result = vec2<u32>(y[2u * at], y[2u * at + 1u]);
    } else {
        result = spread(y[at]);
    }
    for (var update = mine; update < p.end; update++) {
        if places[update] == place {
            result = joined(result, update_at(update * p.inner + within));
        }
    }
    if is_wide {
        y[2u * at] = result.x;
        y[2u * at + 1u] = result.y;
    } else {
        y[at] = result.x;
    }
}
