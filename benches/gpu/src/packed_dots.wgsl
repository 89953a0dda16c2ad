// use dot
// How fast packed bytes are multiplied and added, as kernels do it: sums in registers, enough of them side by side
// that none waits for another.

const GROUP: u32 = 64u;

@group(0) @binding(0) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<i32>>;
// Steps.
@group(0) @binding(2) var<uniform> p: vec4<u32>;

// Sums are factors, too: nothing is the same in the next step.
fn next(s: vec4<i32>, b: vec4<u32>) -> vec4<i32> {
    let a = bitcast<vec4<u32>>(s);
    let dots = vec4<i32>(
        dot_of_bytes(a.x, b.x),
        dot_of_bytes(a.y, b.y),
        dot_of_bytes(a.z, b.z),
        dot_of_bytes(a.w, b.w),
    );
    return s + dots;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let b = x[0];
    var s0 = bitcast<vec4<i32>>(vec4<u32>(id.x) + x[1]);
    var s1 = s0 * 3;
    var s2 = s1 * 3;
    var s3 = s2 * 3;
    for (var i = 0u; i < p.x; i++) {
        s0 = next(s0, b);
        s1 = next(s1, b);
        s2 = next(s2, b);
        s3 = next(s3, b);
    }
    y[id.x] = (s0 + s1) + (s2 + s3);
}
