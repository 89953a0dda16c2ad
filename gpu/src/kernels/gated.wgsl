// use index
// use element
// use math
// use activate
// use walk
// Activations of two inputs, of which the second one broadcasts; or of two that lie in one, the second one behind the
// first. An invocation owns a word.

override KIND: u32 = 1u;
// PRelu, SwiGLU, BiasGelu, FastGelu.
override GATE: u32 = 0u;

struct Parameters {
    walk: Walk,
    // Where the second input begins.
    behind: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

fn gated(x: f32, z: f32) -> f32 {
    let alpha = vec4<f32>(bitcast<f32>(p.walk.extra), 0.0, 0.0, 0.0);
    switch GATE {
        case 0u: { return select(x, x * z, !is_nan(x) && x < 0.0); }
        case 1u: { return activate(16u, x, alpha) * z; }
        case 2u: { return activate(4u, x + z, alpha); }
        default: { return activate(5u, x + z, alpha); }
    }
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.walk.words {
        return;
    }
    let per = per_word(KIND);
    var result = 0u;
    for (var lane = 0u; lane < per; lane++) {
        let element = i * per + lane;
        if element < p.walk.len {
            let at = places(element).xy + vec2<u32>(0u, p.behind.x);
            let left = to_float(bits_of(a[at.x / per], at.x, KIND), KIND);
            let right = to_float(bits_of(b[at.y / per], at.y, KIND), KIND);
            result |= placed(from_float(gated(left, right), KIND), lane, KIND);
        }
    }
    y[i] = result;
}
