// use index
// use element
// use windows
// Where the maximum of every window lies in the whole tensor: the first of equal ones, and the first NaN before all
// others. A window with nothing but padding has -1. An invocation makes a place, of two words.

override KIND: u32 = 1u;
// Whether places count through an image's first spatial axis fastest.
override COLUMN_MAJOR: bool = false;

struct Parameters {
    windows: Windows,
    // Outputs.
    sizes: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2<u32>>;
@group(0) @binding(2) var<uniform> p: Parameters;

fn bits_at(i: u32) -> u32 {
    return bits_of(x[i / per_word(KIND)], i, KIND);
}

fn is_larger(a: u32, b: u32) -> bool {
    if is_float(KIND) {
        let m = to_float(a, KIND);
        let n = to_float(b, KIND);
        return !is_nan(n) && (is_nan(m) || m > n);
    }
    let m = to_int(a, KIND);
    let n = to_int(b, KIND);
    return select(m > n, bitcast<i32>(m) > bitcast<i32>(n), is_signed(KIND));
}

// A cell's number where the first axis counts fastest.
fn turned(cell: u32) -> u32 {
    let at = split(i32(cell), p.windows.input);
    return u32(at.x + p.windows.input.x * (at.y + p.windows.input.y * at.z));
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let output = linear(id, groups);
    if output >= p.sizes.x {
        return;
    }
    let pixels = u32(p.windows.output.w);
    let first = output / pixels * u32(p.windows.input.w);
    let origin = origin_of(output % pixels);
    var best = NOWHERE;
    var place = vec3<i32>();
    for (var tap = 0u; tap < u32(p.windows.kernel.w); tap++) {
        let cell = cell_of(origin, place);
        place = tap_after(place);
        if cell != NOWHERE && (best == NOWHERE || is_larger(bits_at(first + cell), bits_at(first + best))) {
            best = cell;
        }
    }
    if best == NOWHERE {
        y[output] = vec2<u32>(0xffffffffu);
    } else if COLUMN_MAJOR {
        y[output] = vec2<u32>(first + turned(best), 0u);
    } else {
        y[output] = vec2<u32>(first + best, 0u);
    }
}
