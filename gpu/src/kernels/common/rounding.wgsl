// Numbers in 8 bits, in blocks of which each has a scale: the largest of a block is 127 steps. `element`, `wide` and
// `exact` come before; the file declares `codes` and `steps`, and has `number(row, k)`, which is 0 behind a row.
//
// Codes lie in the order in which a word of weights gives its own away: every (8 / BITS)th of them in one word.

// Of weights.
override BITS: u32 = 4u;

struct Rounding {
    // Numbers of a block, and blocks of a row.
    block: u32,
    blocks: u32,
}

// Of the largest of a block, by its bits, which compare as sizes do: NaN is larger than all.
fn size_bits(x: f32) -> u32 {
    return bitcast<u32>(x) & 0x7fffffffu;
}

fn inverse_of(size: f32) -> f32 {
    return select(divided(127.0, size), 0.0, bitcast<u32>(size) == 0u);
}

// Writes a word of a block's codes, and gives their sum.
fn round_word(r: Rounding, row: u32, block: u32, w: u32, inverse: f32) -> i32 {
    let apart = 8u / BITS;
    var sum = 0;
    var word = 0u;
    for (var i = 0u; i < 4u; i++) {
        let k = block * r.block + (w / apart) * 4u * apart + i * apart + w % apart;
        let code = stepped(multiplied(number(row, k), inverse), 0, -127, 127);
        sum += code;
        word |= (bitcast<u32>(code) & 0xffu) << (8u * i);
    }
    codes[(row * r.blocks + block) * (r.block / 4u) + w] = word;
    return sum;
}

// What belongs to a block: its scale, and the sum of its codes.
fn put_step(r: Rounding, row: u32, block: u32, size: f32, sum: i32) {
    let at = 2u * (row * r.blocks + block);
    steps[at] = bitcast<u32>(divided(size, 127.0));
    steps[at + 1u] = bitcast<u32>(sum);
}
