// use index
// use element
// use words
// Tensors that grow or shrink at their ends. An invocation owns a word.
//
// Elements are only moved: a kind of their width stands for all, and those of 64 bits are two of 32.

override KIND: u32 = 12u;
// Constant, reflect, edge, wrap.
override MODE: u32 = 0u;
// Whether the constant is what `value` holds.
override GIVEN: bool = false;

struct Parameters {
    len: u32,
    words: u32,
    axes: u32,
    start: u32,
    // The bits of the constant.
    value: u32,
    // Units of an element.
    units: u32,
    unused_a: u32,
    unused_b: u32,
    // Size of the output, what lies before, size and step of what is left of the input.
    axis: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> value: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

const NOWHERE: u32 = 0xffffffffu;

fn rest_of(i: i32, size: i32) -> i32 {
    let rest = i % size;
    return select(rest, rest + size, rest < 0);
}

// Where along an input's axis comes what is `i` from its beginning.
fn along(i: i32, size: i32) -> u32 {
    switch MODE {
        case 0u: { return select(NOWHERE, u32(i), i >= 0 && i < size); }
        case 1u: {
            if size == 1 {
                return 0u;
            }
            let turn = 2 * (size - 1);
            let there = rest_of(i, turn);
            return u32(min(there, turn - there));
        }
        case 2u: { return u32(clamp(i, 0, size - 1)); }
        default: { return u32(rest_of(i, size)); }
    }
}

fn element(i: u32) -> u32 {
    var rest = i;
    var at = p.start;
    for (var k = p.axes; k > 0u; k--) {
        let axis = p.axis[k - 1u];
        let outer = rest / axis.x;
        let place = along(bitcast<i32>(rest - outer * axis.x - axis.y), i32(axis.z));
        if place == NOWHERE {
            if GIVEN {
                return bits_of(value[i % p.units], 0u, KIND);
            }
            return p.value;
        }
        at += place * axis.w;
        rest = outer;
    }
    return bits_of(x[at / per_word(KIND)], at, KIND);
}
