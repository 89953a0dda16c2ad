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
    let negative = (index.y >> 31u) == 1u;
    let fits = index.y == select(0u, 0xffffffffu, negative) && ((index.x >> 31u) == 1u) == negative;
    let nearest = select(select(0x7fffffffu, 0x80000000u, negative), index.x, fits);
    // The largest word of all is for what is right.
    atomicMin(&status[word], min(nearest ^ 0x80000000u, 0xfffffffeu));
    return 0u;
}
