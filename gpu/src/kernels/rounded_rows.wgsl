// use dot
// use element
// use wide
// use exact
// use rounding
// use rounded_block
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

fn number(row: u32, k: u32) -> f32 {
    if k >= p.depth {
        return 0.0;
    }
    let at = row * p.depth + k;
    return to_float(bits_of(a[at / per_word(KIND)], at, KIND), KIND);
}

fn round_alone(r: Rounding, row: u32, block: u32) {
    if block >= r.blocks {
        return;
    }
    var most = 0u;
    for (var k = 0u; k < r.block; k++) {
        most = max(most, size_bits(number(row, block * r.block + k)));
    }
    let size = bitcast<f32>(most);
    put_step(r, row, block, size, round_words(r, row, block, inverse_of(size), 0u, 1u));
}

@compute @workgroup_size(GROUP)
fn main(@builtin(local_invocation_index) me: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let r = Rounding(p.block, p.blocks);
    if ALONE {
        round_alone(r, group.y, group.x * GROUP + me);
        return;
    }
    round_block(r, group.y, group.x, me);
}
