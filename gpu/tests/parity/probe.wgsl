// enable subgroups
// Each invocation writes the size of its subgroup, its place there, a sum over it, and a product of packed bytes.

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: vec4<u32>;

@compute @workgroup_size(64)
fn main(
    @builtin(local_invocation_index) me: u32,
    @builtin(subgroup_size) size: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    y[me] = size;
    y[me + 64u] = lane;
    y[me + 128u] = subgroupAdd(x[me]);
    y[me + 192u] = bitcast<u32>(dot4I8Packed(x[me], p.x));
}
