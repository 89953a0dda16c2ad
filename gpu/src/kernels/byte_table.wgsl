// use index
// Every byte becomes an entry of a table of 256. An invocation owns a word.

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> words: vec4<u32>;

fn entry(byte: u32) -> u32 {
    return (table[byte >> 2u] >> (8u * (byte & 3u))) & 0xffu;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= words.x {
        return;
    }
    let word = x[i];
    y[i] = entry(word & 0xffu) | (entry((word >> 8u) & 0xffu) << 8u)
        | (entry((word >> 16u) & 0xffu) << 16u) | (entry(word >> 24u) << 24u);
}
