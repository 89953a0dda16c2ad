// use index
// A choice between two bytes, each by its own table. An invocation owns a word.

struct Parameters {
    words: u32,
    len: u32,
    axes: u32,
    spare: u32,
    // Size, and steps in condition and choices.
    walk: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<storage, read> condition: array<u32>;
@group(0) @binding(1) var<storage, read> a: array<u32>;
@group(0) @binding(2) var<storage, read> b: array<u32>;
// That of the first choice, then that of the second.
@group(0) @binding(3) var<storage, read> tables: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<u32>;
@group(0) @binding(5) var<uniform> p: Parameters;

fn byte_of(word: u32, i: u32) -> u32 {
    return (word >> (8u * (i & 3u))) & 0xffu;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let word = linear(id, groups);
    if word >= p.words {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < 4u; lane++) {
        var rest = min(word * 4u + lane, p.len - 1u);
        var at = vec3<u32>(0u);
        for (var i = p.axes; i > 0u; i--) {
            let axis = p.walk[i - 1u];
            at += (rest % axis.x) * axis.yzw;
            rest /= axis.x;
        }
        var entry = 0u;
        if byte_of(condition[at.x / 4u], at.x) != 0u {
            entry = byte_of(a[at.y / 4u], at.y);
        } else {
            entry = 256u + byte_of(b[at.z / 4u], at.z);
        }
        result |= byte_of(tables[entry / 4u], entry) << (8u * lane);
    }
    y[word] = result;
}
