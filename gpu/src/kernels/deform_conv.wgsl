// use index
// use element
// use windows
// use words
// A convolution whose taps each look an offset away, between cells, of images of one or two spatial axes.
//
// Where a tap looks is found once for all the channels that share its offset.

override KIND: u32 = 1u;
override AXES: u32 = 2u;
override BIAS: bool = false;
override MASK: bool = false;

struct Parameters {
    windows: Windows,
    len: u32,
    words: u32,
    // Channels of an image, and of those as many as a group sees, and as many as share their offsets.
    channels: u32,
    seen: u32,
    sharing: u32,
    // Channels of the result, and those of a group.
    outs: u32,
    made: u32,
    unused: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<u32>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read> bias: array<u32>;
@group(0) @binding(4) var<storage, read> mask: array<u32>;
@group(0) @binding(5) var<storage, read_write> y: array<u32>;
@group(0) @binding(6) var<uniform> p: Parameters;

// The four cells around a place, how much of each, and whether it lies in the image.
struct Around {
    cells: vec4<u32>,
    much: vec4<f32>,
    inside: vec4<bool>,
}

// The position below a place along an axis and the next one, and how much of each.
fn along(place: f32, size: i32) -> Around {
    let below = floor(place);
    let positions = vec2<f32>(below, below + 1.0);
    // What is no number lies nowhere.
    let inside = (positions >= vec2<f32>(0.0)) & (positions < vec2<f32>(f32(size)));
    let there = inside & vec2<bool>(!is_nan(place));
    let shares = vec2<f32>(1.0 - (place - below), place - below);
    let cells = vec2<u32>(select(vec2<f32>(0.0), positions, there));
    return Around(cells.xyxy, shares.xyxy, there.xyxy);
}

fn offset(at: u32) -> f32 {
    return to_float(bits_of(offsets[at / per_word(KIND)], at, KIND), KIND);
}

// What a tap sees; `sample` is the tap's number among those of all groups and images.
fn around(place: vec3<i32>, sample: u32, pixel: u32) -> Around {
    let pixels = u32(p.windows.output.w);
    let first = sample * AXES * pixels + pixel;
    var found = along(f32(place.z) + offset(first + (AXES - 1u) * pixels), p.windows.input.z);
    if AXES == 2u {
        let rows = along(f32(place.y) + offset(first), p.windows.input.y);
        found.cells += rows.cells.xxyy * u32(p.windows.input.z);
        found.much *= rows.much.xxyy;
        found.inside = found.inside & rows.inside.xxyy;
    } else {
        found.inside = found.inside & vec4<bool>(true, true, false, false);
    }
    if MASK {
        let at = sample * pixels + pixel;
        found.much *= to_float(bits_of(mask[at / per_word(KIND)], at, KIND), KIND);
    }
    return found;
}

fn part(cell: u32, much: f32, inside: bool) -> f32 {
    return select(0.0, to_float(bits_of(x[cell / per_word(KIND)], cell, KIND), KIND) * much, inside);
}

fn taken(plane: u32, a: Around) -> f32 {
    let at = plane + a.cells;
    return part(at.x, a.much.x, a.inside.x) + part(at.y, a.much.y, a.inside.y)
        + part(at.z, a.much.z, a.inside.z) + part(at.w, a.much.w, a.inside.w);
}

fn element(i: u32) -> u32 {
    let taps = u32(p.windows.kernel.w);
    let pixel = i % u32(p.windows.output.w);
    let out = i / u32(p.windows.output.w) % p.outs;
    let image = i / u32(p.windows.output.w) / p.outs;
    let origin = origin_of(pixel);
    let first = out / p.made * p.seen;
    var sum = 0.0;
    var channel = first;
    while channel < first + p.seen {
        let group = channel / p.sharing;
        let end = min(first + p.seen, (group + 1u) * p.sharing);
        for (var tap = 0u; tap < taps; tap++) {
            let place = origin + split(i32(tap), p.windows.kernel) * p.windows.dilation.xyz;
            let sample = (image * (p.channels / p.sharing) + group) * taps + tap;
            let a = around(place, sample, pixel);
            for (var c = channel; c < end; c++) {
                let plane = (image * p.channels + c) * u32(p.windows.input.w);
                let at = (out * p.seen + c - first) * taps + tap;
                sum += taken(plane, a) * to_float(bits_of(weights[at / per_word(KIND)], at, KIND), KIND);
            }
        }
        channel = end;
    }
    if BIAS {
        sum += to_float(bits_of(bias[out / per_word(KIND)], out, KIND), KIND);
    }
    return from_float(sum, KIND);
}
