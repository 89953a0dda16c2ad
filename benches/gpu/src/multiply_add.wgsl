// How fast f32s are multiplied and added: sums in registers, enough of them side by side that none waits for another.

override FUSED: bool = false;

const GROUP: u32 = 64u;

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
// Steps.
@group(0) @binding(2) var<uniform> p: vec4<u32>;

fn next(s: vec4<f32>, b: vec4<f32>, c: vec4<f32>) -> vec4<f32> {
    if FUSED {
        return fma(s, b, c);
    }
    return s * b + c;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let b = x[0];
    let c = x[1];
    var s0 = vec4<f32>(f32(id.x));
    var s1 = s0 + c;
    var s2 = s1 + c;
    var s3 = s2 + c;
    var s4 = s3 + c;
    var s5 = s4 + c;
    var s6 = s5 + c;
    var s7 = s6 + c;
    for (var i = 0u; i < p.x; i++) {
        s0 = next(s0, b, c);
        s1 = next(s1, b, c);
        s2 = next(s2, b, c);
        s3 = next(s3, b, c);
        s4 = next(s4, b, c);
        s5 = next(s5, b, c);
        s6 = next(s6, b, c);
        s7 = next(s7, b, c);
    }
    y[id.x] = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
}
