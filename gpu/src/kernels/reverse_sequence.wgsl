// use index
// use element
// use words
// use indices
// use status
// The first entries of every sample in reverse order. An invocation owns a word.
//
// Elements are only moved: a kind of their width stands for all, and those of 64 bits are two of 32.

override KIND: u32 = 12u;
override TIME_FIRST: bool = false;

struct Parameters {
    len: u32,
    words: u32,
    // The sizes of the first two axes, and the elements behind them.
    first: u32,
    second: u32,
    inner: u32,
    // Of the status.
    word: u32,
    unused_a: u32,
    unused_b: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(4) var<uniform> p: Parameters;

fn element(i: u32) -> u32 {
    let slice = i / p.inner;
    let outer = slice / p.second;
    let within = slice - outer * p.second;
    let time = select(within, outer, TIME_FIRST);
    let sample = select(outer, within, TIME_FIRST);
    let length = checked(index_at(sample), 0u, select(p.second, p.first, TIME_FIRST), p.word);
    let turned = select(time, length - 1u - time, time < length);
    let source = select(sample * p.second + turned, turned * p.second + sample, TIME_FIRST);
    let at = source * p.inner + i % p.inner;
    return bits_of(x[at / per_word(KIND)], at, KIND);
}
