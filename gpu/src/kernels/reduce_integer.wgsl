// use element
// use wide
// use groups
// use team
// Groups of integers that become one each, all of them as integers of 64 bits. A team of invocations owns a group:
// all of a workgroup, or one alone where groups are small.
//
// Whatever is added or multiplied in 64 bits has the low bits that it would have in fewer.

override KIND: u32 = 7u;
override REDUCTION: u32 = 8u;

const GROUP: u32 = 64u;

struct Parameters {
    groups: Groups,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2<u32>>;
@group(0) @binding(2) var<uniform> p: Parameters;

var<workgroup> shared_results: array<vec2<u32>, GROUP>;

// Whether 64 bits are a number with a sign: those of smaller types always are.
fn has_sign() -> bool {
    return KIND != U64;
}

fn element(i: u32) -> vec2<u32> {
    if KIND == I64 || KIND == U64 {
        return vec2<u32>(x[2u * i], x[2u * i + 1u]);
    }
    let bits = bits_of(x[i / per_word(KIND)], i, KIND);
    let low = select(to_int(bits, KIND), min(bits, 1u), KIND == BOOL);
    return vec2<u32>(low, select(0u, 0xffffffffu, is_signed(KIND) && (low >> 31u) == 1u));
}

// The least and the most that the type holds.
fn limits() -> vec4<u32> {
    switch KIND {
        case 2u: { return vec4<u32>(0u, 0u, 0xffu, 0u); }
        case 3u: { return vec4<u32>(0xffffff80u, 0xffffffffu, 0x7fu, 0u); }
        case 4u: { return vec4<u32>(0u, 0u, 0xffffu, 0u); }
        case 5u: { return vec4<u32>(0xffff8000u, 0xffffffffu, 0x7fffu, 0u); }
        case 6u: { return vec4<u32>(0x80000000u, 0xffffffffu, 0x7fffffffu, 0u); }
        case 7u: { return vec4<u32>(0u, 0x80000000u, 0xffffffffu, 0x7fffffffu); }
        case 9u: { return vec4<u32>(0u, 0u, 1u, 0u); }
        case 12u: { return vec4<u32>(0u, 0u, 0xffffffffu, 0u); }
        default: { return vec4<u32>(0u, 0u, 0xffffffffu, 0xffffffffu); }
    }
}

fn nothing() -> vec2<u32> {
    switch REDUCTION {
        case 4u: { return limits().xy; }
        case 6u: { return limits().zw; }
        case 7u: { return vec2<u32>(1u, 0u); }
        default: { return vec2<u32>(0u); }
    }
}

fn joined(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    switch REDUCTION {
        case 4u: { return select(a, b, wide_less(a, b, has_sign())); }
        case 6u: { return select(a, b, wide_less(b, a, has_sign())); }
        case 7u: { return wide_multiply(a, b); }
        default: { return wide_add(a, b); }
    }
}

fn term(e: vec2<u32>) -> vec2<u32> {
    switch REDUCTION {
        case 0u: { return wide_size(e, has_sign()); }
        case 9u: { return wide_multiply(e, e); }
        default: { return e; }
    }
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let part = part_of(group, groups, me);
    var result = nothing();
    for (var k = part.first; k < part.len; k += part.step) {
        result = joined(result, term(element(part.start + place_of(k))));
    }
    if !ALONE {
        shared_results[me] = result;
        workgroupBarrier();
        for (var half = GROUP / 2u; half > 0u; half = half / 2u) {
            if me < half {
                shared_results[me] = joined(shared_results[me], shared_results[me + half]);
            }
            workgroupBarrier();
        }
        result = shared_results[0];
    }
    if part.is_there && (ALONE || me == 0u) {
        if REDUCTION == 5u {
            result = wide_quotient(result, vec2<u32>(p.groups.len, 0u), has_sign());
        }
        y[part.group] = result;
    }
}
