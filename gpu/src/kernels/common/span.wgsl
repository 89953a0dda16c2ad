// Where the new rows of a batch begin among its keys. The file declares `lengths`.

// Where lengths come from: sizes alone; GroupQueryAttention's total lengths less 1; the keys of ai.onnx's Attention
// that are no padding, in 64 bits; the length of MultiHeadAttention's past.
override LENGTHS: u32 = 0u;

struct Extent {
    // New rows, keys there may be, rows of the past.
    added: u32,
    keys: u32,
    past: u32,
    unused: u32,
}

struct Span {
    // Keys before the new rows.
    past: u32,
    // Keys that are there.
    length: u32,
}

// A length of 32 bits, at most `most`.
fn at_most(word: u32, most: u32) -> u32 {
    return u32(clamp(bitcast<i32>(word), 0, i32(most)));
}

fn span_of(e: Extent, batch: u32) -> Span {
    switch LENGTHS {
        case 1u: {
            let length = at_most(lengths[batch] + 1u, e.keys);
            // The first tokens may be padded on the right.
            let first = e.added == e.keys;
            return Span(select(length - min(length, e.added), 0u, first), length);
        }
        case 2u: {
            let high = bitcast<i32>(lengths[2u * batch + 1u]);
            // Beyond all keys, but a number that positions can be counted from.
            let low = min(lengths[2u * batch], 1u << 30u);
            return Span(e.past, select(select(1u << 30u, 0u, high < 0), low, high == 0));
        }
        case 3u: {
            let past = at_most(lengths[0], e.past - min(e.past, e.added));
            return Span(past, past + e.added);
        }
        default: { return Span(e.past, e.keys); }
    }
}
