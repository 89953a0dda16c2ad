// use index
// use element
// use words
// Elements taken from where a table says, along every axis that changes. An invocation owns a word.
//
// Elements are only moved: a kind of their width stands for all, and those of 64 bits are two of 32.

override KIND: u32 = 12u;

struct Parameters {
    len: u32,
    words: u32,
    axes: u32,
    // What stands where a position lies outside.
    outside: u32,
    // Size of the result, step in the input, and where the axis' table begins, if it has one; the table has places, or
    // none for what lies outside.
    axis: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

const NONE: u32 = 0xffffffffu;

fn element(i: u32) -> u32 {
    var rest = i;
    var at = 0u;
    for (var k = p.axes; k > 0u; k--) {
        let axis = p.axis[k - 1u];
        let outer = rest / axis.x;
        var place = rest - outer * axis.x;
        if axis.z != NONE {
            place = table[axis.z + place];
            if place == NONE {
                return p.outside;
            }
        }
        at += place * axis.y;
        rest = outer;
    }
    return bits_of(x[at / per_word(KIND)], at, KIND);
}
