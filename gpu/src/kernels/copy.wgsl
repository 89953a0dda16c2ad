// use index
// A box of elements of a word each, from steps of one tensor to steps of another.

struct Parameters {
    len: u32,
    axes: u32,
    start: u32,
    goal: u32,
    // Size, and steps on either side.
    axis: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.len {
        return;
    }
    var rest = i;
    var at = vec2<u32>(p.start, p.goal);
    for (var k = p.axes; k > 1u; k--) {
        let axis = p.axis[k - 1u];
        let outer = rest / axis.x;
        at += (rest - outer * axis.x) * axis.yz;
        rest = outer;
    }
    at += rest * p.axis[0].yz;
    y[at.y] = x[at.x];
}
