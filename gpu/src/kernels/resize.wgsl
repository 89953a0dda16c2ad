// use index
// use element
// use wide
// use exact
// Weighted sums along one axis, by a table: for each position of the result, where its span of the input begins,
// how long it is, and weights. An invocation makes an element.

override KIND: u32 = 1u;

struct Parameters {
    // Elements of the result; length of the axis in the input and in the result; elements behind the axis.
    sizes: vec4<u32>,
    // Words of the table for one position; nothing, which no compiler may know.
    table: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> p: Parameters;

fn element(i: u32) -> f32 {
    return to_float(bits_of(x[i / per_word(KIND)], i, KIND), KIND);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.sizes.x {
        return;
    }
    let inner = p.sizes.w;
    let position = i / inner % p.sizes.z;
    let outer = i / inner / p.sizes.z;
    let at = position * p.table.x;
    let first = (outer * p.sizes.y + table[at]) * inner + i % inner;
    let taps = table[at + 1u];
    if taps == 1u && bitcast<f32>(table[at + 2u]) == 1.0 {
        y[i] = element(first);
        return;
    }
    var sum = 0.0;
    for (var tap = 0u; tap < taps; tap++) {
        sum += kept_apart(bitcast<f32>(table[at + 2u + tap]) * element(first + tap * inner), p.table.y);
    }
    y[i] = sum;
}
