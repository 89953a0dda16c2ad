// use index
// use element
// use math
// use functions
// use wide
// A function of every element. An invocation owns a word; of integers of 64 bits, two.

override KIND: u32 = 1u;
override FUNCTION: u32 = 0u;

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> words: vec4<u32>;

fn of_integer(x: u32) -> u32 {
    let negative = is_signed(KIND) && (x >> 31u) == 1u;
    switch FUNCTION {
        case 0u: { return select(x, 0u - x, negative); }
        case 1u: { return 0u - x; }
        case 2u: { return select(select(1u, 0u, x == 0u), 0xffffffffu, negative); }
        case 3u: { return select(1u, 0u, x != 0u); }
        default: { return ~x; }
    }
}

fn of_wide(x: vec2<u32>) -> vec2<u32> {
    let negative = KIND == I64 && wide_is_negative(x);
    switch FUNCTION {
        case 0u: { return wide_size(x, KIND == I64); }
        case 1u: { return wide_negate(x); }
        case 2u: {
            let sign = vec2<u32>(select(0u, 1u, (x.x | x.y) != 0u), 0u);
            return select(sign, vec2<u32>(0xffffffffu), negative);
        }
        default: { return ~x; }
    }
}

fn of_bits(bits: u32) -> u32 {
    if is_float(KIND) {
        let x = to_float(bits, KIND);
        // NaN stays, whatever a comparison would make of it.
        if is_nan(x) {
            return bits;
        }
        return from_float(of_one(FUNCTION, x), KIND);
    }
    return of_integer(to_int(bits, KIND));
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= words.x {
        return;
    }
    if KIND == I64 || KIND == U64 {
        if (i & 1u) == 0u {
            let both = of_wide(vec2<u32>(x[i], x[i + 1u]));
            y[i] = both.x;
            y[i + 1u] = both.y;
        }
        return;
    }
    let word = x[i];
    var result = 0u;
    for (var lane = 0u; lane < per_word(KIND); lane++) {
        result |= placed(of_bits(bits_of(word, lane, KIND)), lane, KIND);
    }
    y[i] = result;
}
