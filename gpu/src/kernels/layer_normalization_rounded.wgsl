// use element
// use wide
// use exact
// use rounding
// use normalized
// Rows of f32 divided by their root mean square, with a scale of their own; and the same in 8 bits, as products behind
// take them. A group owns a row.

// Blocks that are rounded at a time.
const BLOCKS: u32 = 64u;

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> scale: array<u32>;
@group(0) @binding(2) var<storage, read> skip: array<u32>;
@group(0) @binding(3) var<storage, read> skip_bias: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> kept: array<f32>;
@group(0) @binding(6) var<storage, read_write> codes: array<u32>;
@group(0) @binding(7) var<storage, read_write> steps: array<u32>;
@group(0) @binding(8) var<uniform> p: Parameters;

// By its bits, and the sum of codes; of each block.
var<workgroup> largest: array<atomic<u32>, BLOCKS>;
var<workgroup> sums: array<atomic<i32>, BLOCKS>;

// As it was written, so that what is rounded is what others read.
fn number(row: u32, k: u32) -> f32 {
    if k >= p.len {
        return 0.0;
    }
    return y[row * p.len + k];
}

fn normalize(row: u32, me: u32) {
    let factor = factor_of(row, me, 0.0);
    for (var k = me; k < p.len; k += GROUP) {
        let e = element(row, k);
        y[row * p.len + k] = e * factor * scale_of(k);
        if p.keep == 1u {
            kept[row * p.len + k] = e;
        }
    }
}

// Some blocks of a row, from one of them on.
fn round_blocks(r: Rounding, row: u32, first: u32, count: u32, me: u32) {
    for (var b = me; b < count; b += GROUP) {
        atomicStore(&largest[b], 0u);
        atomicStore(&sums[b], 0);
    }
    workgroupBarrier();
    for (var k = me; k < count * r.block; k += GROUP) {
        atomicMax(&largest[k / r.block], size_bits(number(row, first * r.block + k)));
    }
    workgroupBarrier();
    let words = r.block / 4u;
    for (var w = me; w < count * words; w += GROUP) {
        let b = w / words;
        let inverse = inverse_of(bitcast<f32>(atomicLoad(&largest[b])));
        atomicAdd(&sums[b], round_word(r, row, first + b, w % words, inverse));
    }
    workgroupBarrier();
    for (var b = me; b < count; b += GROUP) {
        put_step(r, row, first + b, bitcast<f32>(atomicLoad(&largest[b])), atomicLoad(&sums[b]));
    }
    workgroupBarrier();
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let row = group.y * groups.x + group.x;
    if row >= p.rows {
        return;
    }
    normalize(row, me);
    storageBarrier();
    workgroupBarrier();
    let r = Rounding(p.block, (p.len + p.block - 1u) / p.block);
    for (var first = 0u; first < r.blocks; first += BLOCKS) {
        round_blocks(r, row, first, min(BLOCKS, r.blocks - first), me);
    }
}
