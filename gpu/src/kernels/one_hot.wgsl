// use index
// use element
// use words
// One of two values at the place that an index names, the other one elsewhere. An invocation owns a word.

override KIND: u32 = 12u;
override INDEX_KIND: u32 = 7u;

struct Parameters {
    len: u32,
    words: u32,
    // Places, and indices behind the axis of places.
    depth: u32,
    inner: u32,
    // Units of an element.
    units: u32,
    unused_a: u32,
    unused_b: u32,
    unused_c: u32,
}

@group(0) @binding(0) var<storage, read> indices: array<u32>;
@group(0) @binding(1) var<storage, read> values: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

const NOWHERE: u32 = 0xffffffffu;

fn from_end(low: u32) -> u32 {
    // What lies before the beginning wraps, and is no place.
    return select(NOWHERE, p.depth + low, 0u - low <= p.depth);
}

// The place that index number `i` names; those out of range name none.
fn named(i: u32) -> u32 {
    if INDEX_KIND == I64 || INDEX_KIND == U64 {
        let low = indices[2u * i];
        let high = indices[2u * i + 1u];
        if INDEX_KIND == I64 && high == 0xffffffffu && low != 0u {
            return from_end(low);
        }
        return select(NOWHERE, low, high == 0u);
    }
    let bits = bits_of(indices[i / per_word(INDEX_KIND)], i, INDEX_KIND);
    if is_float(INDEX_KIND) {
        let whole = trunc(to_float(bits, INDEX_KIND));
        if is_nan(whole) || abs(whole) >= 4294967040.0 {
            return NOWHERE;
        }
        if whole < 0.0 {
            return from_end(0u - u32(-whole));
        }
        return u32(whole);
    }
    let whole = to_int(bits, INDEX_KIND);
    if is_signed(INDEX_KIND) && (whole >> 31u) == 1u {
        return from_end(whole);
    }
    return whole;
}

fn element(i: u32) -> u32 {
    let whole = i / p.units;
    let row = whole / p.inner;
    let place = row % p.depth;
    let index = row / p.depth * p.inner + whole % p.inner;
    let at = select(0u, p.units, named(index) == place) + i % p.units;
    return bits_of(values[at / per_word(KIND)], at, KIND);
}
