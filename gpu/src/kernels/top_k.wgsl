// use index
// use element
// use words
// The first entries of every row as what is asked for: the elements, or their places. An invocation owns a word;
// of places, and of elements of 64 bits, one.

// Elements of 64 bits are two units of 32, and so are places.
override KIND: u32 = 12u;
override PLACES: bool = false;

struct Parameters {
    // Units of the result, and its words.
    len: u32,
    words: u32,
    // How many of a row are asked for, and how many entries it has.
    k: u32,
    kept: u32,
    // Elements of a row, from one to the next, and units of each.
    row: u32,
    step: u32,
    units: u32,
    unused: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> entries: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

fn element(i: u32) -> u32 {
    let element = i / p.units;
    let outer = element / (p.k * p.step);
    let inner = element % p.step;
    let place = entries[(outer * p.step + inner) * p.kept + element / p.step % p.k].z;
    if PLACES {
        return select(place, 0u, (i & 1u) == 1u);
    }
    let at = ((outer * p.row + place) * p.step + inner) * p.units + i % p.units;
    return bits_of(x[at / per_word(KIND)], at, KIND);
}
