// use index
// use element
// use wide
// use exact
// use math
// Elements of a picture at positions that a grid holds. An invocation owns a word.
//
// Positions are rounded as on the host, step by step, so that halves fall where they do there. What is no number
// lies outside.

override KIND: u32 = 1u;
override GRID_KIND: u32 = 1u;
override AXES: u32 = 2u;
// Nearest, linear, cubic.
override MODE: u32 = 1u;
// Zeros, the border, reflection.
override PADDING: u32 = 0u;
override ALIGN_CORNERS: bool = false;

struct Parameters {
    len: u32,
    words: u32,
    channels: u32,
    // Places of the grid, and elements of a channel.
    places: u32,
    block: u32,
    // Nothing, which no compiler may know.
    nothing: u32,
    unused_a: u32,
    unused_b: u32,
    // The sizes of the spatial axes.
    dims: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> grid: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

const NOWHERE: u32 = 0xffffffffu;

fn element(i: u32) -> f32 {
    return to_float(bits_of(x[i / per_word(KIND)], i, KIND), KIND);
}

// A position in elements of an axis of that size.
fn position(g: f32, size: f32) -> f32 {
    let from_one = kept_apart(g + 1.0, p.nothing);
    if ALIGN_CORNERS {
        return kept_apart(from_one * 0.5, p.nothing) * (size - 1.0);
    }
    return (kept_apart(from_one * size, p.nothing) - 1.0) * 0.5;
}

fn borders(size: f32) -> vec2<f32> {
    if ALIGN_CORNERS {
        return vec2<f32>(0.0, size - 1.0);
    }
    return vec2<f32>(-0.5, size - 0.5);
}

// A position thrown back at the borders until it lies between them.
fn reflected(at: f32, ends: vec2<f32>) -> f32 {
    let range = ends.y - ends.x;
    if range <= 0.0 || is_infinite(at) || is_nan(at) {
        return ends.x;
    }
    let beyond = remainder(select(at - ends.x, ends.x - at, at < ends.x), 2.0 * range);
    return select(ends.x + beyond, ends.y - (beyond - range), beyond > range);
}

fn cubic(d: f32) -> f32 {
    let a = -0.75;
    if d <= 1.0 {
        return ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
    }
    return ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a;
}

// The element that place `i` of an axis means, or nowhere where it counts as zero.
fn pixel(i: i32, size: f32) -> u32 {
    let last = i32(size) - 1;
    if i >= 0 && i <= last {
        return u32(i);
    }
    switch PADDING {
        case 0u: { return NOWHERE; }
        case 1u: { return u32(clamp(i, 0, last)); }
        default: { return u32(clamp(i32(reflected(f32(i), borders(size))), 0, last)); }
    }
}

fn taps() -> u32 {
    switch MODE {
        case 0u: { return 1u; }
        case 1u: { return 2u; }
        default: { return 4u; }
    }
}

// Where the taps along an axis begin, and how far behind that the position lies.
fn begin(g: f32, size: f32) -> vec2<f32> {
    var at = position(g, size);
    if MODE == 0u {
        at = round(at);
    }
    let ends = borders(size);
    if PADDING == 1u && MODE != 2u && !is_nan(at) && (at < ends.x || at > ends.y) {
        at = clamp(at, 0.0, size - 1.0);
    }
    if PADDING == 2u && (is_nan(at) || at < ends.x || at > ends.y) {
        at = reflected(at, ends);
    }
    // So far outside that all its neighbors are, too.
    let far = select(clamp(at, -8.0, size + 8.0), -8.0, is_nan(at));
    if MODE == 0u {
        return vec2<f32>(trunc(far), 0.0);
    }
    let first = floor(far);
    return vec2<f32>(first - f32(MODE - 1u), far - first);
}

fn weight(tap: u32, t: f32) -> f32 {
    switch MODE {
        case 0u: { return 1.0; }
        case 1u: { return select(1.0 - t, t, tap == 1u); }
        default: { return cubic(abs(t - (f32(tap) - 1.0))); }
    }
}

fn sampled(i: u32) -> f32 {
    let place = i % p.places;
    let channel = i / p.places;
    let at_grid = (channel / p.channels * p.places + place) * AXES;
    var first: array<f32, 3>;
    var within: array<f32, 3>;
    var corners = 1u;
    for (var axis = 0u; axis < AXES; axis++) {
        let at = at_grid + AXES - 1u - axis;
        let g = to_float(bits_of(grid[at / per_word(GRID_KIND)], at, GRID_KIND), GRID_KIND);
        let both = begin(g, f32(p.dims[axis]));
        first[axis] = both.x;
        within[axis] = both.y;
        corners *= taps();
    }
    var sum = 0.0;
    for (var corner = 0u; corner < corners; corner++) {
        var rest = corner;
        var at = 0u;
        var share = 1.0;
        var inside = true;
        for (var axis = 0u; axis < AXES; axis++) {
            let tap = rest % taps();
            rest /= taps();
            let found = pixel(i32(first[axis]) + i32(tap), f32(p.dims[axis]));
            share *= weight(tap, within[axis]);
            inside = inside && found != NOWHERE && share != 0.0;
            at = at * p.dims[axis] + select(found, 0u, found == NOWHERE);
        }
        if inside {
            let e = element(channel * p.block + at);
            sum += select(e * share, e, MODE == 0u);
        }
    }
    return sum;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.words {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < per_word(KIND); lane++) {
        let at = i * per_word(KIND) + lane;
        if at < p.len {
            result |= placed(from_float(sampled(at), KIND), lane, KIND);
        }
    }
    y[i] = result;
}
