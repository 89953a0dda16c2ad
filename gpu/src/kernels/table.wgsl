// Words that the host knows, to where kernels read them.

// Words of a launch.
const MOST: u32 = 2044u;

struct Parameters {
    // How many words, and where they go.
    sizes: vec4<u32>,
    words: array<vec4<u32>, 511>,
}

@group(0) @binding(0) var<storage, read_write> table: array<u32>;
@group(0) @binding(1) var<uniform> p: Parameters;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32) {
    for (var i = local; i < min(p.sizes.x, MOST); i += 256u) {
        table[p.sizes.y + i] = p.words[i / 4u][i % 4u];
    }
}
