// Blocks of entries put in order: smaller keys first, and of equal ones the smaller place. `wide` comes before.
//
// The network is a bitonic one whose merges begin by holding the halves against each other mirrored, so that
// everything rises and no step depends on where its block lies.

// Entries of a block, and the invocations that sort it.
const BLOCK: u32 = 512u;
const SORTERS: u32 = 256u;

// An entry is its key, of two words, and its place.
var<workgroup> shared_entries: array<vec3<u32>, BLOCK>;

// An entry behind all others.
const NO_ENTRY: vec3<u32> = vec3<u32>(0xffffffffu);

fn is_before(a: vec3<u32>, b: vec3<u32>) -> bool {
    if wide_equal(a.xy, b.xy) {
        return a.z < b.z;
    }
    return wide_less(a.xy, b.xy, false);
}

// The pair that invocation `i` holds against each other, of halves that are so long.
fn pair_of(i: u32, half: u32, mirrored: bool) -> vec2<u32> {
    let within = i % half;
    let begin = i / half * 2u * half;
    let other = select(within + half, 2u * half - 1u - within, mirrored);
    return vec2<u32>(begin + within, begin + other);
}

fn settle(me: u32, half: u32, mirrored: bool) {
    let pair = pair_of(me, half, mirrored);
    let a = shared_entries[pair.x];
    let b = shared_entries[pair.y];
    if is_before(b, a) {
        shared_entries[pair.x] = b;
        shared_entries[pair.y] = a;
    }
    workgroupBarrier();
}

// The shared entries in order, all invocations together.
fn sort_block(me: u32) {
    for (var size = 1u; size < BLOCK; size *= 2u) {
        settle(me, size, true);
        for (var half = size / 2u; half > 0u; half /= 2u) {
            settle(me, half, false);
        }
    }
}

// The same where what is far apart is in order already.
fn merge_block(me: u32) {
    for (var half = BLOCK / 2u; half > 0u; half /= 2u) {
        settle(me, half, false);
    }
}
