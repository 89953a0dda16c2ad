// use index
// use element
// use math
// use wide
// use exact
// use functions
// use activate
// use walk
// Functions of floats, one after the other: each rounds as its operator does alone. An invocation owns an element.
//
// A step is a number: the function in its low eight bits, then whether what goes through is the second operand,
// then which of the three tensors beside has the other one. All invocations are at the same step, so that choosing
// by it costs little; one pipeline serves all chains.

// Where the functions of one number begin, after the activations, then those of two, then those that gate.
const OF_ONE: u32 = 32u;
const OF_TWO: u32 = 64u;
const GATED: u32 = 96u;

struct Parameters {
    walk: Walk,
    // How many steps, and how many of the three tensors beside there are.
    steps: u32,
    beside: u32,
    spare: vec2<u32>,
    codes: array<vec4<u32>, 4>,
    of_step: array<vec4<f32>, 16>,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> first: array<f32>;
@group(0) @binding(2) var<storage, read> second: array<f32>;
@group(0) @binding(3) var<storage, read> third: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> p: Parameters;

fn gated(function: u32, a: f32, b: f32, parameters: vec4<f32>) -> f32 {
    switch function {
        // PRelu, SwiGLU, BiasGelu, FastGelu
        case 0u: { return select(a, a * b, a < 0.0 && !is_nan(a)); }
        case 1u: { return activate(16u, a, parameters) * b; }
        case 2u: { return activate(4u, a + b, parameters); }
        default: { return activate(5u, a + b, parameters); }
    }
}

fn after(code: u32, before: f32, beside: vec3<f32>, parameters: vec4<f32>) -> f32 {
    let function = code & 0xffu;
    // What comes next must not see how this was made.
    let own = kept_apart(before, p.walk.extra);
    if function < OF_ONE {
        return activate(function, own, parameters);
    }
    if function < OF_TWO {
        // NaN stays, whatever a comparison would make of it.
        if is_nan(own) {
            return own;
        }
        return of_one(function - OF_ONE, own);
    }
    let which = code >> 9u;
    let other = select(select(beside.x, beside.y, which == 1u), beside.z, which == 2u);
    if function >= GATED {
        return gated(function - GATED, own, other, parameters);
    }
    if (code & 0x100u) != 0u {
        return of_two(function - OF_TWO, other, own);
    }
    return of_two(function - OF_TWO, own, other);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.walk.len {
        return;
    }
    var beside = vec3<f32>(0.0);
    if p.beside > 0u {
        let at = places(i);
        beside.x = first[at.x];
        if p.beside > 1u {
            beside.y = second[at.y];
        }
        if p.beside > 2u {
            beside.z = third[at.z];
        }
    }
    var value = x[i];
    for (var k = 0u; k < p.steps; k++) {
        value = after(p.codes[k / 4u][k % 4u], value, beside, p.of_step[k]);
    }
    y[i] = value;
}
