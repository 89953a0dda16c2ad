// use element
// use wide
// use exact
// use nbits
// Rows of numbers in 8 bits. Every block has a scale, of which the largest is 127 steps. A group rounds one block.
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

@compute @workgroup_size(GROUP)
fn main(@builtin(local_invocation_index) me: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let row = group.y;
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
    var inverse = 0.0;
    if bitcast<u32>(size) != 0u {
        inverse = divided(127.0, size);
    }
    let block = row * p.blocks + group.x;
    let apart = 8u / BITS;
    var sum = 0;
    for (var w = me; w < p.block / 4u; w += GROUP) {
        var word = 0u;
        for (var i = 0u; i < 4u; i++) {
            let k = first + (w / apart) * 4u * apart + i * apart + w % apart;
            let code = stepped(multiplied(number(row, k), inverse), 0, -127, 127);
            sum += code;
            word |= (bitcast<u32>(code) & 0xffu) << (8u * i);
        }
        codes[block * (p.block / 4u) + w] = word;
    }
    atomicAdd(&total, sum);
    workgroupBarrier();
    if me == 0u {
        steps[2u * block] = bitcast<u32>(divided(size, 127.0));
        steps[2u * block + 1u] = bitcast<u32>(atomicLoad(&total));
    }
}
