// use dot
// use element
// use wide
// use exact
// use nbits
// Rows of numbers in 8 bits. Every block has a scale, of which the largest is 127 steps. A group rounds one block, or
// an invocation alone does so.
//
// Codes lie in the order in which a word of weights gives its own away: every (8 / BITS)th of them in one word.

const GROUP: u32 = 64u;

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read_write> codes: array<u32>;
// For every block: its scale, and the sum of its codes.
@group(0) @binding(2) var<storage, read_write> steps: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

// By its bits, which compare as sizes do: NaN is larger than all.
var<workgroup> largest: atomic<u32>;
var<workgroup> total: atomic<i32>;

fn number(row: u32, k: u32) -> f32 {
    if k >= p.depth {
        return 0.0;
    }
    let at = row * p.depth + k;
    return float_at(a[at / per_word(KIND)], at, KIND);
}

fn inverse_of(size: f32) -> f32 {
    return select(divided(127.0, size), 0.0, bitcast<u32>(size) == 0u);
}

// Writes words of a block's codes, `step` apart, and gives the sum of those codes.
fn round_words(row: u32, block: u32, inverse: f32, begin: u32, step: u32) -> i32 {
    let apart = 8u / BITS;
    var sum = 0;
    for (var w = begin; w < p.block / 4u; w += step) {
        var word = 0u;
        for (var i = 0u; i < 4u; i++) {
            let k = block * p.block + (w / apart) * 4u * apart + i * apart + w % apart;
            let code = stepped(multiplied(number(row, k), inverse), 0, -127, 127);
            sum += code;
            word |= (bitcast<u32>(code) & 0xffu) << (8u * i);
        }
        codes[(row * p.blocks + block) * (p.block / 4u) + w] = word;
    }
    return sum;
}

fn put_step(row: u32, block: u32, size: f32, sum: i32) {
    let at = 2u * (row * p.blocks + block);
    steps[at] = bitcast<u32>(divided(size, 127.0));
    steps[at + 1u] = bitcast<u32>(sum);
}

fn round_alone(row: u32, block: u32) {
    if block >= p.blocks {
        return;
    }
    var most = 0u;
    for (var k = 0u; k < p.block; k++) {
        most = max(most, bitcast<u32>(number(row, block * p.block + k)) & 0x7fffffffu);
    }
    let size = bitcast<f32>(most);
    put_step(row, block, size, round_words(row, block, inverse_of(size), 0u, 1u));
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
        atomicMax(&largest, bitcast<u32>(number(row, first + k)) & 0x7fffffffu);
    }
    workgroupBarrier();
    let size = bitcast<f32>(atomicLoad(&largest));
    atomicAdd(&total, round_words(row, group.x, inverse_of(size), me, GROUP));
    workgroupBarrier();
    if me == 0u {
        put_step(row, group.x, size, atomicLoad(&total));
    }
}
