// use index
// use element
// use wide
// One side of a diagonal of matrices, or the diagonal alone. An invocation owns a word.
//
// Elements are only moved: a kind of their width stands for all, and those of 64 bits are two of 32.

override KIND: u32 = 12u;
// Above, below, the diagonal.
override PART: u32 = 0u;
// Whether `above` holds how far above the main diagonal this one lies.
override GIVEN: bool = false;

struct Parameters {
    len: u32,
    words: u32,
    rows: u32,
    columns: u32,
    // How far above the main diagonal.
    k: vec2<u32>,
    // Units of an element.
    units: u32,
    unused: u32,
    // What lies on the diagonal where there is nothing else.
    one: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> above: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Parameters;

// The bits of a unit. How far right of the diagonal it lies takes more than 32 bits, as `k` may be anything.
fn unit(i: u32, k: vec2<u32>) -> u32 {
    let element = i / p.units;
    let row = element / p.columns;
    let column = element - row * p.columns;
    let on = wide_add(k, vec2<u32>(row % p.rows, 0u));
    let here = vec2<u32>(column, 0u);
    let is_left = wide_less(here, on, true);
    let is_on = wide_equal(here, on);
    if PART == 2u {
        return select(0u, p.one[i % p.units], is_on);
    }
    let stays = is_on || is_left == (PART == 1u);
    return select(0u, bits_of(x[i / per_word(KIND)], i, KIND), stays);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.words {
        return;
    }
    var k = p.k;
    if GIVEN {
        k = vec2<u32>(above[0], above[1]);
    }
    // Far out, before a row's number could make it wrap.
    let most = vec2<u32>(0xffffffffu, 0x3fffffffu);
    if wide_less(most, k, true) {
        k = most;
    }
    var result = 0u;
    for (var lane = 0u; lane < per_word(KIND); lane++) {
        let at = i * per_word(KIND) + lane;
        if at < p.len {
            result |= placed(unit(at, k), lane, KIND);
        }
    }
    y[i] = result;
}
