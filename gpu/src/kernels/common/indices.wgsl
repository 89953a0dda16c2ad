// Indices along an axis, of 32 or of 64 bits; negative ones count from its end. The file declares `indices`.

override WIDE_INDICES: bool = false;

const NOWHERE: u32 = 0xffffffffu;

// Index `i`, its low word first, with its sign spread.
fn index_at(i: u32) -> vec2<u32> {
    if WIDE_INDICES {
        return vec2<u32>(indices[2u * i], indices[2u * i + 1u]);
    }
    return vec2<u32>(indices[i], select(0u, 0xffffffffu, (indices[i] >> 31u) == 1u));
}

// Which of `size` neighbors that index names, or that it names none.
fn place_of(index: vec2<u32>, size: u32) -> u32 {
    if index.y == 0u {
        return select(NOWHERE, index.x, index.x < size);
    }
    let back = 0u - index.x;
    let named = index.y == 0xffffffffu && back > 0u && back <= size;
    return select(NOWHERE, size - back, named);
}
