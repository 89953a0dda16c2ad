// What is wrong with the elements that a kernel is given, for the host to read: core's `Check` says what words mean. The
// file declares `status`.
//
// The least word stays, so that what is said depends neither on which invocation came first nor on how often.

// Puts down a number of 64 bits, the low word first, that is wrong.
fn put_down(number: vec2<u32>, word: u32) {
    let negative = (number.y >> 31u) == 1u;
    let fits = number.y == select(0u, 0xffffffffu, negative) && ((number.x >> 31u) == 1u) == negative;
    let nearest = select(select(0x7fffffffu, 0x80000000u, negative), number.x, fits);
    // The largest word of all is for what is right.
    atomicMin(&status[word], min(nearest ^ 0x80000000u, 0xfffffffeu));
}

// A number from `low` to `high`, neither of them negative. Any other is put down, and the lowest one stands for it.
fn checked(number: vec2<u32>, low: u32, high: u32, word: u32) -> u32 {
    if number.y == 0u && number.x >= low && number.x <= high {
        return number.x;
    }
    put_down(number, word);
    return low;
}

// A number of 32 bits with its sign spread.
fn spread(number: u32) -> vec2<u32> {
    return vec2<u32>(number, select(0u, 0xffffffffu, (number >> 31u) == 1u));
}
