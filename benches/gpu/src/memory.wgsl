// How fast memory is: a large buffer is filled, copied or read, four vectors by each invocation.

// 0: filled, 1: copied, 2: read.
override WAY: u32 = 0u;

const GROUP: u32 = 256u;
const EACH: u32 = 4u;

@group(0) @binding(0) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<u32>>;
// What is in no vector.
@group(0) @binding(2) var<uniform> p: vec4<u32>;

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) me: u32) {
    let first = group.x * GROUP * EACH + me;
    var seen = vec4<u32>(0u);
    for (var k = 0u; k < EACH; k++) {
        let i = first + k * GROUP;
        switch WAY {
            case 0u: {
                y[i] = vec4<u32>(4u * i, 4u * i + 1u, 4u * i + 2u, 4u * i + 3u) * 2654435761u;
            }
            case 1u: {
                y[i] = x[i];
            }
            default: {
                seen |= x[i];
            }
        }
    }
    // Without it nobody would have to read.
    if WAY == 2u && all(seen == p) {
        y[0] = seen;
    }
}
