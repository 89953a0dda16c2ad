// use index
// Every byte becomes an entry of a table of 256, or of one that its column has. An invocation owns a word.

override COLUMNS: bool = false;

@group(0) @binding(0) var<storage, read> x: array<u32>;
// By the byte, then by the column.
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
// Words, and columns.
@group(0) @binding(3) var<uniform> p: vec4<u32>;

// What the byte in the lowest bits of a word becomes, as element `i`.
fn entry(word: u32, i: u32) -> u32 {
    var at = word & 0xffu;
    if COLUMNS {
        at = at * p.y + i % p.y;
    }
    return (table[at >> 2u] >> (8u * (at & 3u))) & 0xffu;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.x {
        return;
    }
    let word = x[i];
    let four = 4u * i;
    y[i] = entry(word, four) | (entry(word >> 8u, four + 1u) << 8u)
        | (entry(word >> 16u, four + 2u) << 16u) | (entry(word >> 24u, four + 3u) << 24u);
}
