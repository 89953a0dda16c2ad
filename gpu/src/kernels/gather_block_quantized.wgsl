// use index
// use element
// use indices
// use wide
// use exact
// Rows of a table of codes, by their indices along the first axis. An invocation owns a word of the result. What an
// index names that names no row is zeros, as the operator wants it.

override BITS: u32 = 4u;
// Whether codes have a sign, and what stands for zero where that is not given.
override SIGNED: bool = false;
override MIDDLE: u32 = 0u;
override ZEROS: bool = false;
override SCALE: u32 = 1u;

struct Parameters {
    words: u32,
    len: u32,
    // Elements behind an index, and of the last axis.
    inner: u32,
    width: u32,
    // Elements of a block, and blocks along the last axis.
    block: u32,
    blocks: u32,
    rows: u32,
    // Codes between the zero points of two lines: more than there are where lines are whole bytes.
    zero_row: u32,
}

@group(0) @binding(0) var<storage, read> codes: array<u32>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
@group(0) @binding(3) var<storage, read> zeros: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<u32>;
@group(0) @binding(5) var<uniform> p: Parameters;

fn code_of(word: u32, i: u32) -> i32 {
    let apart = 32u / BITS;
    let code = (word >> (BITS * (i % apart))) & ((1u << BITS) - 1u);
    if SIGNED {
        return bitcast<i32>(code << (32u - BITS)) >> (32u - BITS);
    }
    return i32(code);
}

fn result_of(i: u32) -> u32 {
    let row = place_of(index_at(i / p.inner), p.rows);
    if row == NOWHERE {
        return 0u;
    }
    let place = row * p.inner + i % p.inner;
    let line = place / p.width;
    let block = (place % p.width) / p.block;
    var zero = i32(MIDDLE);
    if ZEROS {
        let at = line * p.zero_row + block;
        zero = code_of(zeros[at / (32u / BITS)], at);
    }
    let at = line * p.blocks + block;
    let scale = to_float(bits_of(scales[at / per_word(SCALE)], at, SCALE), SCALE);
    let code = code_of(codes[place / (32u / BITS)], place);
    return from_float(multiplied(whole(code - zero), scale), SCALE);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let word = linear(id, groups);
    if word >= p.words {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < per_word(SCALE); lane++) {
        let i = min(word * per_word(SCALE) + lane, p.len - 1u);
        result |= placed(result_of(i), lane, SCALE);
    }
    y[word] = result;
}
