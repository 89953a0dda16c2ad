// use element
// use index
// use span
// use status
// The rows of caches of keys and of values, each followed by new ones, head by head. An invocation owns a word: first
// come those of the keys.
//
// What a reader would get wrong: behind the new rows lies what the cache held there, and zeros behind that.

// Of keys, and of new ones; the same of values.
override KIND: u32 = 1u;
override NEW_KIND: u32 = 1u;
override VALUE_KIND: u32 = 1u;
override NEW_VALUE_KIND: u32 = 1u;
// Whether values lie behind keys in one tensor, the result as well.
override JOINED: bool = false;

// Where an element comes from.
const NOWHERE: u32 = 0u;
const PAST: u32 = 1u;
const ADDED: u32 = 2u;

struct Cache {
    // First element, then steps from batch to batch, head to head, position to position.
    past: vec4<u32>,
    added: vec4<u32>,
    // Rows of the cache before, elements of a row, elements of the result, and words that are written for it.
    sizes: vec4<u32>,
}

struct Parameters {
    keys: Cache,
    values: Cache,
    extent: Extent,
    // Batches, heads, rows of a head in the result.
    sizes: vec4<u32>,
    // What lengths may be; the word of the status.
    told: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> past_keys: array<u32>;
@group(0) @binding(1) var<storage, read> past_values: array<u32>;
@group(0) @binding(2) var<storage, read> new_keys: array<u32>;
@group(0) @binding(3) var<storage, read> new_values: array<u32>;
@group(0) @binding(4) var<storage, read> lengths: array<u32>;
@group(0) @binding(5) var<storage, read_write> keys: array<u32>;
@group(0) @binding(6) var<storage, read_write> values: array<u32>;
@group(0) @binding(7) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(8) var<uniform> p: Parameters;

// Looks at the length of a batch, or at the only one.
fn look_at(batch: u32) {
    if LENGTHS == 1u {
        // One less than it is.
        let low = lengths[batch] + 1u;
        let high = select(0u, 0xffffffffu, (lengths[batch] >> 31u) == 1u && low != 0u);
        checked(vec2<u32>(low, high), p.told.x, p.told.y, p.told.z);
    } else if LENGTHS == 3u && batch == 0u {
        checked(spread(lengths[0]), p.told.x, p.told.y, p.told.z);
    }
}

// Where element `i` of a cache comes from, and where it lies there.
fn source_of(c: Cache, i: u32) -> vec2<u32> {
    let d = i % c.sizes.y;
    let row = i / c.sizes.y % p.sizes.z;
    let head = i / (c.sizes.y * p.sizes.z) % p.sizes.y;
    let batch = i / (c.sizes.y * p.sizes.z * p.sizes.y);
    let before = span_of(p.extent, batch).past;
    if row >= before && row < before + p.extent.added {
        let rows = batch * c.added.y + head * c.added.z + (row - before) * c.added.w;
        return vec2<u32>(ADDED, c.added.x + rows + d);
    }
    if row >= c.sizes.x {
        return vec2<u32>(NOWHERE, 0u);
    }
    return vec2<u32>(PAST, c.past.x + batch * c.past.y + head * c.past.z + row * c.past.w + d);
}

// The bits of a new element, as the cache keeps it.
fn kept(word: u32, i: u32, new_kind: u32, kind: u32) -> u32 {
    let bits = bits_of(word, i, new_kind);
    if new_kind == kind {
        return bits;
    }
    return from_float(to_float(bits, new_kind), kind);
}

fn key(i: u32) -> u32 {
    let source = source_of(p.keys, i);
    let at = source.y;
    switch source.x {
        case ADDED: { return kept(new_keys[at / per_word(NEW_KIND)], at, NEW_KIND, KIND); }
        case PAST: { return bits_of(past_keys[at / per_word(KIND)], at, KIND); }
        default: { return 0u; }
    }
}

fn value(i: u32) -> u32 {
    let source = source_of(p.values, i);
    let at = source.y;
    switch source.x {
        case ADDED: { return kept(new_values[at / per_word(NEW_VALUE_KIND)], at, NEW_VALUE_KIND, VALUE_KIND); }
        case PAST: { return bits_of(past_values[at / per_word(VALUE_KIND)], at, VALUE_KIND); }
        default: { return 0u; }
    }
}

// Where values lie behind keys, both are written there, and a word may have some of either.
fn key_or_value(i: u32) -> u32 {
    if JOINED && i >= p.keys.sizes.z {
        return value(i - p.keys.sizes.z);
    }
    return key(i);
}

fn write_keys(at: u32) {
    let per = per_word(KIND);
    let end = min((at + 1u) * per, p.keys.sizes.z + select(0u, p.values.sizes.z, JOINED));
    var word = 0u;
    for (var i = at * per; i < end; i++) {
        word |= placed(key_or_value(i), i, KIND);
    }
    keys[at] = word;
}

fn write_values(at: u32) {
    let per = per_word(VALUE_KIND);
    var word = 0u;
    for (var i = at * per; i < min((at + 1u) * per, p.values.sizes.z); i++) {
        word |= placed(value(i), i, VALUE_KIND);
    }
    values[at] = word;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = linear(id, groups);
    let all = p.keys.sizes.w + p.values.sizes.w;
    if at >= all {
        return;
    }
    for (var batch = at; batch < p.sizes.x; batch += all) {
        look_at(batch);
    }
    if at < p.keys.sizes.w {
        write_keys(at);
    } else {
        write_values(at - p.keys.sizes.w);
    }
}
