// use index
// use indices
// use status
// use checked_indices
// Where elements go that a pool took. An invocation finds the place of one, and claims it: the last one has it.

struct Parameters {
    // Elements that are put back; elements of the implied shape; axes; the node's word of the status.
    sizes: vec4<u32>,
    // Size of the implied shape, and step in the result.
    axis: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<storage, read> indices: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<atomic<u32>>;
@group(0) @binding(2) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(3) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.sizes.x {
        return;
    }
    var rest = checked_index(i, p.sizes.y, p.sizes.w);
    var place = 0u;
    for (var k = p.sizes.z; k > 0u; k--) {
        let axis = p.axis[k - 1u];
        place += rest % axis.x * axis.y;
        rest /= axis.x;
    }
    atomicMax(&y[place], i + 1u);
}
