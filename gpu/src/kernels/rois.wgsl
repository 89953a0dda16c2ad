// use index
// use element
// use wide
// use exact
// use indices
// use status
// use checked_indices
// use words
// Regions of images, each brought to one size: the mean, or the largest, of samples in every bin.
//
// Which samples lie outside hangs on how positions are rounded: step by step, as on the host.

override KIND: u32 = 1u;
override AVERAGE: bool = true;
override HALF_PIXEL: bool = true;
// Samples along an axis of a bin.
override SAMPLES: u32 = 2u;

struct Parameters {
    len: u32,
    words: u32,
    // Nothing, which no compiler may know; the node's word of the status.
    nothing: u32,
    word: u32,
    // Images, channels, rows and columns of these.
    image: vec4<u32>,
    // Rows and columns of the result.
    bins: vec2<u32>,
    scale: f32,
    unused: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> rois: array<u32>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(5) var<uniform> p: Parameters;

// The bins of a region along an axis.
struct Span {
    start: f32,
    bin: f32,
}

// A place between two positions of an axis; `t` is the weight of the second.
struct Between {
    low: u32,
    high: u32,
    t: f32,
    outside: bool,
}

fn pixel(i: u32) -> f32 {
    return to_float(bits_of(x[i / per_word(KIND)], i, KIND), KIND);
}

fn larger(a: f32, b: f32) -> f32 {
    return select(b, a, is_nan(a) || a > b);
}

fn scaled(i: u32) -> f32 {
    let corner = to_float(bits_of(rois[i / per_word(KIND)], i, KIND), KIND);
    return kept_apart(kept_apart(corner * p.scale, p.nothing) - select(0.0, 0.5, HALF_PIXEL), p.nothing);
}

fn span(corner: u32, bins: u32) -> Span {
    let start = scaled(corner);
    var size = kept_apart(scaled(corner + 2u) - start, p.nothing);
    if !HALF_PIXEL {
        size = larger(size, 1.0);
    }
    return Span(start, divided(size, f32(bins)));
}

// Sample `i` of bin `b`.
fn sample(s: Span, b: u32, i: u32, len: u32) -> Between {
    let within = divided(kept_apart((f32(i) + 0.5) * s.bin, p.nothing), f32(SAMPLES));
    let bin = kept_apart(f32(b) * s.bin, p.nothing);
    let place = kept_apart(kept_apart(s.start + bin, p.nothing) + within, p.nothing);
    if is_nan(place) || !(place >= -1.0 && place <= f32(len)) {
        return Between(0u, 0u, 0.0, true);
    }
    let inside = max(place, 0.0);
    let low = u32(inside);
    if low + 1u >= len {
        return Between(len - 1u, len - 1u, 0.0, false);
    }
    return Between(low, low + 1u, inside - f32(low), false);
}

fn element(i: u32) -> u32 {
    let column = i % p.bins.y;
    let row = i / p.bins.y % p.bins.x;
    let channel = i / p.bins.y / p.bins.x % p.image.y;
    let region = i / p.bins.y / p.bins.x / p.image.y;
    let image = checked_index(region, p.image.x, p.word);
    let plane = (image * p.image.y + channel) * p.image.z;
    let rows = span(4u * region + 1u, p.bins.x);
    let columns = span(4u * region, p.bins.y);
    var result = select(-infinity(), 0.0, AVERAGE);
    for (var k = 0u; k < SAMPLES; k++) {
        let r = sample(rows, row, k, p.image.z);
        for (var l = 0u; l < SAMPLES; l++) {
            let c = sample(columns, column, l, p.image.w);
            var parts = vec4<f32>(0.0);
            if !r.outside && !c.outside {
                let low = (plane + r.low) * p.image.w;
                let high = (plane + r.high) * p.image.w;
                let near = vec2<f32>(1.0 - c.t, c.t);
                parts = vec4<f32>((1.0 - r.t) * near, r.t * near)
                    * vec4<f32>(pixel(low + c.low), pixel(low + c.high), pixel(high + c.low), pixel(high + c.high));
            }
            if AVERAGE {
                result += parts.x + parts.y + parts.z + parts.w;
            } else {
                result = larger(result, larger(larger(larger(parts.x, parts.y), parts.z), parts.w));
            }
        }
    }
    if AVERAGE {
        result /= f32(SAMPLES * SAMPLES);
    }
    return from_float(result, KIND);
}
