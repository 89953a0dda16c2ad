// use index
// use element
// use words
// A part of a number of a spectrum, or of a signal, by its sum: each element times the root of unity of its place.
//
// Roots come from a table, so that what a GPU makes of angles does not matter.

override KIND: u32 = 1u;
// Parts of a number of the result.
override OUT_PARTS: u32 = 2u;
override INVERSE: bool = false;
// What is given is the first half of a spectrum, and one.
override MIRRORED: bool = false;
override WINDOW: bool = false;

struct Parameters {
    len: u32,
    words: u32,
    // Numbers of a transform; those of them that are given, and those that are wanted.
    size: u32,
    given: u32,
    wanted: u32,
    // Lines that lie side by side.
    inner: u32,
    // Frames of a signal, and from where to where elements are the next signal, and the next frame.
    frames: u32,
    signal: u32,
    frame: u32,
    // Parts of a number that is given.
    parts: u32,
    unused_a: u32,
    unused_b: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
// Cosines and sines of every part of the circle.
@group(0) @binding(1) var<storage, read> roots: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> window: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<uniform> p: Parameters;

fn part(i: u32) -> f32 {
    return to_float(bits_of(x[i / per_word(KIND)], i, KIND), KIND);
}

// Number `n` of the line that begins at `first`.
fn number(first: u32, n: u32) -> vec2<f32> {
    let back = MIRRORED && n > p.size / 2u;
    let place = select(n, p.size - n, back);
    if place >= p.given {
        return vec2<f32>(0.0);
    }
    let at = first + place * p.inner * p.parts;
    var z = vec2<f32>(part(at), 0.0);
    if p.parts == 2u {
        z.y = part(at + 1u);
    }
    if MIRRORED {
        z.y = select(select(z.y, -z.y, back), 0.0, place == 0u || 2u * place == p.size);
    }
    if WINDOW {
        z *= to_float(bits_of(window[n / per_word(KIND)], n, KIND), KIND);
    }
    return z;
}

fn element(i: u32) -> u32 {
    var rest = i / OUT_PARTS;
    let lane = rest % p.inner;
    rest /= p.inner;
    let k = rest % p.wanted;
    rest /= p.wanted;
    let first = rest / p.frames * p.signal + rest % p.frames * p.frame + lane * p.parts;
    let last = select(p.size, min(p.size, p.given), !MIRRORED);
    var turn = 0u;
    var sum = 0.0;
    for (var n = 0u; n < last; n++) {
        let z = number(first, n);
        let root = vec2<f32>(roots[turn].x, select(-roots[turn].y, roots[turn].y, INVERSE));
        sum += select(z.x * root.y + z.y * root.x, z.x * root.x - z.y * root.y, i % OUT_PARTS == 0u);
        turn = (turn + k) % p.size;
    }
    return from_float(select(sum, sum / f32(p.size), INVERSE), KIND);
}
