// use element
// use index
// use span
// use status
// The rows of a cache, followed by new ones, head by head. An invocation owns a word.
//
// What a reader would get wrong: behind the new rows lies what the cache held there, and zeros behind that.

override KIND: u32 = 1u;
override NEW_KIND: u32 = 1u;

struct Parameters {
    // First element, then steps from batch to batch, head to head, position to position.
    past: vec4<u32>,
    added: vec4<u32>,
    extent: Extent,
    // Heads, rows of the result, elements of a row, rows of the cache.
    sizes: vec4<u32>,
    // Elements and words of the result; batches of one half, where keys and values lie behind each other; the word of
    // the status.
    len: vec4<u32>,
    // From the first half to the second one: of the cache, and of the new rows. What lengths may be.
    halves: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> past: array<u32>;
@group(0) @binding(1) var<storage, read> added: array<u32>;
@group(0) @binding(2) var<storage, read> lengths: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(5) var<uniform> p: Parameters;

// Looks at the length of a batch, or at the only one.
fn look_at(batch: u32) {
    if LENGTHS == 1u {
        // One less than it is.
        let low = lengths[batch] + 1u;
        let high = select(0u, 0xffffffffu, (lengths[batch] >> 31u) == 1u && low != 0u);
        checked(vec2<u32>(low, high), p.halves.z, p.halves.w, p.len.w);
    } else if LENGTHS == 3u && batch == 0u {
        checked(spread(lengths[0]), p.halves.z, p.halves.w, p.len.w);
    }
}

fn element(i: u32) -> u32 {
    let d = i % p.sizes.z;
    let row = i / p.sizes.z % p.sizes.y;
    let head = i / (p.sizes.z * p.sizes.y) % p.sizes.x;
    let all = i / (p.sizes.z * p.sizes.y * p.sizes.x);
    let batch = all % p.len.z;
    let half = all / p.len.z;
    let before = span_of(p.extent, batch).past;
    if row >= before && row < before + p.extent.added {
        let at = p.added.x + half * p.halves.y + batch * p.added.y + head * p.added.z
            + (row - before) * p.added.w + d;
        let bits = bits_of(added[at / per_word(NEW_KIND)], at, NEW_KIND);
        if KIND == NEW_KIND {
            return bits;
        }
        return from_float(to_float(bits, NEW_KIND), KIND);
    }
    if row >= p.sizes.w {
        return 0u;
    }
    let at = p.past.x + half * p.halves.x + batch * p.past.y + head * p.past.z + row * p.past.w + d;
    return bits_of(past[at / per_word(KIND)], at, KIND);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = linear(id, groups);
    if at >= p.len.y {
        return;
    }
    for (var batch = at; batch < p.len.z; batch += p.len.y) {
        look_at(batch);
    }
    let per = per_word(KIND);
    var word = 0u;
    for (var i = at * per; i < min((at + 1u) * per, p.len.x); i++) {
        word |= placed(element(i), i, KIND);
    }
    y[at] = word;
}
