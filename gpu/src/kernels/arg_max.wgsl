// use element
// use wide
// use order
// use groups
// use team
// Where the largest or smallest element of every group is; NaN counts as the one that is looked for. A team of
// invocations owns a group: all of a workgroup, or one alone where groups are small.

override KIND: u32 = 1u;
override MIN: bool = false;
// Whether the last of equal elements counts.
override LAST: bool = false;

const GROUP: u32 = 64u;

struct Parameters {
    groups: Groups,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2<u32>>;
@group(0) @binding(2) var<uniform> p: Parameters;

// Something that is larger the better it is, and the place where it was found.
struct Found {
    key: vec2<u32>,
    place: u32,
}

var<workgroup> shared_found: array<Found, GROUP>;

const NOWHERE: u32 = 0xffffffffu;

fn key_at(i: u32) -> vec2<u32> {
    if KIND == I64 || KIND == U64 {
        let key = wide_key_of(vec2<u32>(x[2u * i], x[2u * i + 1u]), KIND);
        return select(key, ~key, MIN);
    }
    let key = key_of(bits_of(x[i / per_word(KIND)], i, KIND), KIND);
    let is_number = !is_float(KIND) || key != 0xffffffffu;
    return vec2<u32>(select(key, ~key, MIN && is_number), 0u);
}

fn better(a: Found, b: Found) -> Found {
    if b.place == NOWHERE || (a.place != NOWHERE && wide_less(b.key, a.key, false)) {
        return a;
    }
    if a.place == NOWHERE || wide_less(a.key, b.key, false) || (b.place > a.place) == LAST {
        return b;
    }
    return a;
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let part = part_of(group, groups, me);
    var best = Found(vec2<u32>(0u), NOWHERE);
    for (var k = part.first; k < part.len; k += part.step) {
        best = better(best, Found(key_at(part.start + place_of(k)), k));
    }
    if !ALONE {
        shared_found[me] = best;
        workgroupBarrier();
        for (var half = GROUP / 2u; half > 0u; half = half / 2u) {
            if me < half {
                shared_found[me] = better(shared_found[me], shared_found[me + half]);
            }
            workgroupBarrier();
        }
        best = shared_found[0];
    }
    if part.is_there && (ALONE || me == 0u) {
        y[part.group] = vec2<u32>(best.place, 0u);
    }
}
