// Indices that are put down where they name nothing. `indices` and `status` come before.

// Which of `size` neighbors index `i` names; where it names none, the first one stands for it.
fn checked_place(i: u32, size: u32, word: u32) -> u32 {
    let index = index_at(i);
    let place = place_of(index, size);
    if place != NOWHERE {
        return place;
    }
    put_down(index, word);
    return 0u;
}

// The same for an index that must not be negative.
fn checked_index(i: u32, size: u32, word: u32) -> u32 {
    return checked(index_at(i), 0u, size - 1u, word);
}
