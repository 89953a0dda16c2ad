// use index
// use element
// use wide
// use walk
// Comparisons and logic of two tensors that broadcast. An invocation owns a word: four answers.

override KIND: u32 = 1u;
override QUESTION: u32 = 0u;

struct Parameters {
    walk: Walk,
}

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

// From whether the left one is less and whether both are equal.
fn answer(less: bool, equal: bool) -> bool {
    switch QUESTION {
        case 0u: { return equal; }
        case 1u: { return !less && !equal; }
        case 2u: { return !less; }
        case 3u: { return less; }
        default: { return less || equal; }
    }
}

fn of_bits(a: u32, b: u32) -> bool {
    switch QUESTION {
        case 5u: { return a != 0u && b != 0u; }
        case 6u: { return a != 0u || b != 0u; }
        case 7u: { return (a != 0u) != (b != 0u); }
        default: {}
    }
    if is_float(KIND) {
        let x = to_float(a, KIND);
        let z = to_float(b, KIND);
        // NaN equals nothing and is neither less nor greater.
        return !is_nan(x) && !is_nan(z) && answer(x < z, x == z);
    }
    if KIND == BOOL {
        return answer(a == 0u && b != 0u, (a == 0u) == (b == 0u));
    }
    let x = to_int(a, KIND);
    let z = to_int(b, KIND);
    return answer(select(x < z, bitcast<i32>(x) < bitcast<i32>(z), is_signed(KIND)), x == z);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.walk.words {
        return;
    }
    let per = per_word(KIND);
    var result = 0u;
    for (var lane = 0u; lane < 4u; lane++) {
        let element = 4u * i + lane;
        if element < p.walk.len {
            let at = places(element);
            var yes = false;
            if KIND == I64 || KIND == U64 {
                let left = vec2<u32>(a[2u * at.x], a[2u * at.x + 1u]);
                let right = vec2<u32>(b[2u * at.y], b[2u * at.y + 1u]);
                yes = answer(wide_less(left, right, KIND == I64), wide_equal(left, right));
            } else {
                yes = of_bits(bits_of(a[at.x / per], at.x, KIND), bits_of(b[at.y / per], at.y, KIND));
            }
            result |= placed(select(0u, 1u, yes), lane, BOOL);
        }
    }
    y[i] = result;
}
