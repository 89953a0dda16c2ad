// use index
// use element
// Elements taken from where a table says, along every axis that changes. An invocation owns a word.
//
// Elements are only moved: a kind of their width stands for all, and those of 64 bits are two of 32.

override KIND: u32 = 12u;

struct Parameters {
    len: u32,
    words: u32,
    axes: u32,
    unused: u32,
    // Size of the result, step in the input, and where the axis' table begins, if it has one.
    axis: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

const NONE: u32 = 0xffffffffu;

fn unit(i: u32) -> u32 {
    var rest = i;
    var at = 0u;
    for (var k = p.axes; k > 0u; k--) {
        let axis = p.axis[k - 1u];
        let outer = rest / axis.x;
        var place = rest - outer * axis.x;
        if axis.z != NONE {
            place = table[axis.z + place];
        }
        at += place * axis.y;
        rest = outer;
    }
    return bits_of(x[at / per_word(KIND)], at, KIND);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.words {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < per_word(KIND); lane++) {
        let at = i * per_word(KIND) + lane;
        if at < p.len {
            result |= placed(unit(at), lane, KIND);
        }
    }
    y[i] = result;
}
