// use index
// Rows of up to five parts side by side, each through its own table. An invocation owns a word.

struct Parameters {
    words: u32,
    len: u32,
    // Bytes of a row of the result.
    row: u32,
    spare: u32,
    // For each part: where it begins in a row, and how long it is. Those that are missing have no length.
    parts: array<vec4<u32>, 5>,
}

@group(0) @binding(0) var<storage, read> x0: array<u32>;
@group(0) @binding(1) var<storage, read> x1: array<u32>;
@group(0) @binding(2) var<storage, read> x2: array<u32>;
@group(0) @binding(3) var<storage, read> x3: array<u32>;
@group(0) @binding(4) var<storage, read> x4: array<u32>;
// One after the other.
@group(0) @binding(5) var<storage, read> tables: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<u32>;
@group(0) @binding(7) var<uniform> p: Parameters;

fn byte_of(word: u32, i: u32) -> u32 {
    return (word >> (8u * (i & 3u))) & 0xffu;
}

fn word_of(part: u32, i: u32) -> u32 {
    switch part {
        case 0u: { return x0[i]; }
        case 1u: { return x1[i]; }
        case 2u: { return x2[i]; }
        case 3u: { return x3[i]; }
        default: { return x4[i]; }
    }
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let word = linear(id, groups);
    if word >= p.words {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < 4u; lane++) {
        let i = min(word * 4u + lane, p.len - 1u);
        let row = i / p.row;
        let at = i % p.row;
        var part = 0u;
        while at >= p.parts[part].x + p.parts[part].y {
            part++;
        }
        let source = row * p.parts[part].y + at - p.parts[part].x;
        let entry = part * 256u + byte_of(word_of(part, source / 4u), source);
        result |= byte_of(tables[entry / 4u], entry) << (8u * lane);
    }
    y[word] = result;
}
