// use index
// A function of two bytes, by a table of all pairs: exact where the sum it stands for is two fused steps. An
// invocation owns a word.

struct Parameters {
    words: u32,
    len: u32,
    axes: u32,
    // Whether all three lie alike, so that words meet words.
    alike: u32,
    // Size, and steps in both operands.
    walk: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
// By the bits of both, those of the first one higher.
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<uniform> p: Parameters;

fn byte_of(word: u32, i: u32) -> u32 {
    return (word >> (8u * (i & 3u))) & 0xffu;
}

fn result_of(x: u32, z: u32) -> u32 {
    return byte_of(table[(x << 6u) | (z >> 2u)], z);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let word = linear(id, groups);
    if word >= p.words {
        return;
    }
    var result = 0u;
    if p.alike == 1u {
        let x = a[word];
        let z = b[word];
        for (var lane = 0u; lane < 4u; lane++) {
            result |= result_of(byte_of(x, lane), byte_of(z, lane)) << (8u * lane);
        }
        y[word] = result;
        return;
    }
    for (var lane = 0u; lane < 4u; lane++) {
        var rest = min(word * 4u + lane, p.len - 1u);
        var at = vec2<u32>(0u);
        for (var i = p.axes; i > 0u; i--) {
            let axis = p.walk[i - 1u];
            at += (rest % axis.x) * axis.yz;
            rest /= axis.x;
        }
        result |= result_of(byte_of(a[at.x / 4u], at.x), byte_of(b[at.y / 4u], at.y)) << (8u * lane);
    }
    y[word] = result;
}
