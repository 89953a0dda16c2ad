// Slices that rows of indices name: where they lie. `walk` and `checked_indices` come before.
//
// A kernel's uniform buffer is called `p` and has members `walk` and `picks`; it is filled in `gather.rs`. The axes
// of the walk are those of the slices, with steps in the tensor and in the indices.

struct Picks {
    // Indices of a slice, elements of a slice.
    row: u32,
    inner: u32,
    // Of the status.
    word: u32,
    unused: u32,
    // Of each axis that an index counts along: its size, and its step.
    along: array<vec4<u32>, 8>,
}

// Where slice number `slice` begins.
fn start_of(slice: u32) -> u32 {
    let at = places(slice);
    var start = at.x;
    for (var k = 0u; k < p.picks.row; k++) {
        let along = p.picks.along[k];
        start += checked_place(at.y + k, along.x, p.picks.word) * along.y;
    }
    return start;
}
