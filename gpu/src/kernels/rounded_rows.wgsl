// use dot
// use element
// use wide
// use exact
// use rounding
// Rows of numbers in 8 bits. A group rounds one block, or an invocation alone does so.

override KIND: u32 = 1u;

const GROUP: u32 = 64u;

struct Parameters {
    // Numbers of a row, and of a block; blocks of a row.
    depth: u32,
    block: u32,
    blocks: u32,
    unused: u32,
}

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read_write> codes: array<u32>;
@group(0) @binding(2) var<storage, read_write> steps: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

var<workgroup> largest: atomic<u32>;
var<workgroup> total: atomic<i32>;

fn number(row: u32, k: u32) -> f32 {
    if k >= p.depth {
        return 0.0;
    }
    let at = row * p.depth + k;
    return to_float(bits_of(a[at / per_word(KIND)], at, KIND), KIND);
}

// Every `step`th word of a block's codes; gives the sum of those.
fn round_words(row: u32, block: u32, inverse: f32, begin: u32, step: u32) -> i32 {
    var sum = 0;
    for (var w = begin; w < p.block / 4u; w += step) {
        sum += round_word(Rounding(p.block, p.blocks), row, block, w, inverse);
    }
    return sum;
}

fn round_alone(row: u32, block: u32) {
    if block >= p.blocks {
        return;
    }
    var most = 0u;
    for (var k = 0u; k < p.block; k++) {
        most = max(most, size_bits(number(row, block * p.block + k)));
    }
    let size = bitcast<f32>(most);
    put_step(Rounding(p.block, p.blocks), row, block, size, round_words(row, block, inverse_of(size), 0u, 1u));
}

@compute @workgroup_size(GROUP)
fn main(@builtin(local_invocation_index) me: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let row = group.y;
    if ALONE {
        round_alone(row, group.x * GROUP + me);
        return;
    }
    let first = group.x * p.block;
    if me == 0u {
        atomicStore(&largest, 0u);
        atomicStore(&total, 0);
    }
    workgroupBarrier();
    for (var k = me; k < p.block; k += GROUP) {
        atomicMax(&largest, size_bits(number(row, first + k)));
    }
    workgroupBarrier();
    let size = bitcast<f32>(atomicLoad(&largest));
    atomicAdd(&total, round_words(row, group.x, inverse_of(size), me, GROUP));
    workgroupBarrier();
    if me == 0u {
        put_step(Rounding(p.block, p.blocks), row, group.x, size, atomicLoad(&total));
    }
}
