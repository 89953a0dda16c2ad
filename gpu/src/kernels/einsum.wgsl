// use index
// use element
// Products of one or two tensors along named axes. An invocation owns a word of the result, and walks the axes
// that are summed for each element of it.

override KIND: u32 = 1u;
override TERMS: u32 = 2u;

struct Parameters {
    // Elements of the result, and how many are summed for each; how many axes each walk has.
    sizes: vec4<u32>,
    // Sizes, and steps in each term.
    outer: array<vec4<u32>, 8>,
    summed: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

fn product(at: vec2<u32>) -> f32 {
    let left = to_float(bits_of(a[at.x / per_word(KIND)], at.x, KIND), KIND);
    if TERMS == 1u {
        return left;
    }
    return left * to_float(bits_of(b[at.y / per_word(KIND)], at.y, KIND), KIND);
}

fn summed(output: u32) -> f32 {
    var first = vec2<u32>();
    var rest = output;
    for (var i = p.sizes.z; i > 0u; i--) {
        let axis = p.outer[i - 1u];
        first += (rest % axis.x) * axis.yz;
        rest /= axis.x;
    }
    var sum = 0.0;
    for (var number = 0u; number < p.sizes.y; number++) {
        var at = first;
        rest = number;
        for (var i = p.sizes.w; i > 0u; i--) {
            let axis = p.summed[i - 1u];
            at += (rest % axis.x) * axis.yz;
            rest /= axis.x;
        }
        sum += product(at);
    }
    return sum;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let word = linear(id, groups);
    let each = per_word(KIND);
    if word * each >= p.sizes.x {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < each && word * each + lane < p.sizes.x; lane++) {
        result |= placed(from_float(summed(word * each + lane), KIND), lane, KIND);
    }
    y[word] = result;
}
