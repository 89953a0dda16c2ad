// A block of a row in 8 bits, by a group of its own. `rounding` comes before; the file has `GROUP`.

// By its bits.
var<workgroup> largest: atomic<u32>;
var<workgroup> total: atomic<i32>;

// Every `step`th word of a block's codes; gives the sum of those.
fn round_words(r: Rounding, row: u32, block: u32, inverse: f32, begin: u32, step: u32) -> i32 {
    var sum = 0;
    for (var w = begin; w < r.block / 4u; w += step) {
        sum += round_word(r, row, block, w, inverse);
    }
    return sum;
}

fn round_block(r: Rounding, row: u32, block: u32, me: u32) {
    if me == 0u {
        atomicStore(&largest, 0u);
        atomicStore(&total, 0);
    }
    workgroupBarrier();
    for (var k = me; k < r.block; k += GROUP) {
        atomicMax(&largest, size_bits(number(row, block * r.block + k)));
    }
    workgroupBarrier();
    let size = bitcast<f32>(atomicLoad(&largest));
    atomicAdd(&total, round_words(r, row, block, inverse_of(size), me, GROUP));
    workgroupBarrier();
    if me == 0u {
        put_step(r, row, block, size, atomicLoad(&total));
    }
}
