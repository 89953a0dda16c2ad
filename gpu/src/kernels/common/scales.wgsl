// Which scale an element has: one for all, one for each slice along an axis, or one for each block along it.
//
// A kernel's uniform buffer is called `p` and has a member `scales`; it is filled in `scales.rs`.

struct Scales {
    len: u32,
    words: u32,
    // Elements between neighbors along the axis, its size, the size of a block, and how many blocks there are.
    inner: u32,
    size: u32,
    block: u32,
    blocks: u32,
    // 0, 1 and 2, as above.
    mode: u32,
    unused: u32,
}

fn scale_of(i: u32) -> u32 {
    if p.scales.mode == 0u {
        return 0u;
    }
    let outer = i / p.scales.inner;
    let slice = outer / p.scales.size;
    let along = outer - slice * p.scales.size;
    if p.scales.mode == 1u {
        return along;
    }
    return (slice * p.scales.blocks + along / p.scales.block) * p.scales.inner + (i - outer * p.scales.inner);
}
