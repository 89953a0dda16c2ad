// use element
// use wide
// use exact
// use rounding
// use math
// use activate
// use rounded_block
// SwiGLU of f32, whose two inputs lie side by side in each row; and the same in 8 bits, as products behind take it. A
// group makes a block of a row.

const GROUP: u32 = 64u;

struct Parameters {
    // Numbers of a row of the result, and of a block; blocks of a row, and of all rows.
    width: u32,
    block: u32,
    blocks: u32,
    count: u32,
    alpha: vec4<f32>,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> codes: array<u32>;
@group(0) @binding(3) var<storage, read_write> steps: array<u32>;
@group(0) @binding(4) var<uniform> p: Parameters;

// As it was written, so that what is rounded is what others read.
fn number(row: u32, k: u32) -> f32 {
    if k >= p.width {
        return 0.0;
    }
    return y[row * p.width + k];
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let i = group.y * groups.x + group.x;
    if i >= p.count {
        return;
    }
    let row = i / p.blocks;
    let block = i % p.blocks;
    let end = min((block + 1u) * p.block, p.width);
    for (var k = block * p.block + me; k < end; k += GROUP) {
        let at = 2u * row * p.width + k;
        y[row * p.width + k] = activate(16u, x[at], p.alpha) * x[at + p.width];
    }
    storageBarrier();
    workgroupBarrier();
    round_block(Rounding(p.block, p.blocks), row, block, me);
}
