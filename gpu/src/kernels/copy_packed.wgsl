// use index
// use element
// A box of elements that lie two or four in a word, into a dense tensor. An invocation owns a word of that, and
// leaves in it what is outside of the box.

override KIND: u32 = 2u;

struct Parameters {
    // Elements of the whole tensor, and the words that the box touches.
    len: u32,
    words: u32,
    axes: u32,
    start: u32,
    first_word: u32,
    unused_a: u32,
    unused_b: u32,
    unused_c: u32,
    // Size, where the box begins, its size, and the step on the other side.
    axis: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.words {
        return;
    }
    let per = per_word(KIND);
    let mine = p.first_word + i;
    var result = y[mine];
    for (var lane = 0u; lane < per; lane++) {
        let element = mine * per + lane;
        var rest = element;
        var at = p.start;
        var within = element < p.len;
        for (var k = p.axes; k > 0u; k--) {
            let axis = p.axis[k - 1u];
            let outer = rest / axis.x;
            // Before the box is, by wrapping, far behind it.
            let along = rest - outer * axis.x - axis.y;
            within = within && along < axis.z;
            at += along * axis.w;
            rest = outer;
        }
        if within {
            let bits = bits_of(x[at / per], at, KIND);
            result = (result & ~placed(0xffffffffu, lane, KIND)) | placed(bits, lane, KIND);
        }
    }
    y[mine] = result;
}
