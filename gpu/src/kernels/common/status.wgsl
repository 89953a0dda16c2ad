// What is wrong with the elements that a kernel is given, for the host to read: core's `Check` says what words mean.
// `indices` comes before; the file declares `status`.
//
// The least word stays, so that what is said depends neither on which invocation came first nor on how often.

// Which of `size` neighbors index `i` names. An index that names none is put down, and stands for the first one.
fn checked_place(i: u32, size: u32, word: u32) -> u32 {
    let index = index_at(i);
    let place = place_of(index, size);
    if place != NOWHERE {
        return place;
    }
    put_down(index, word);
    return 0u;
}

// Says that this index is wrong.
fn put_down(index: vec2<u32>, word: u32) {
    let negative = (index.y >> 31u) == 1u;
    let fits = index.y == select(0u, 0xffffffffu, negative) && ((index.x >> 31u) == 1u) == negative;
    let nearest = select(select(0x7fffffffu, 0x80000000u, negative), index.x, fits);
    // The largest word of all is for what is right.
    atomicMin(&status[word], min(nearest ^ 0x80000000u, 0xfffffffeu));
}

// The same for an index that must not be negative.
fn checked_index(i: u32, size: u32, word: u32) -> u32 {
    let index = index_at(i);
    if index.y == 0u && index.x < size {
        return index.x;
    }
    put_down(index, word);
    return 0u;
}
