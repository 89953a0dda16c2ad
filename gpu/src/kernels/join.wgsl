// use index
// use element
// use math
// use activate
// use vectors
// use finish
// The sums of slices of the depth put together, and what follows a product. An invocation makes an element.

struct Parameters {
    last: Finish,
    // How an element's row and column are found, for the addend: divisor, count, and its step.
    rows: vec4<u32>,
    cols: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read> addend: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> residual: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = linear(id, groups);
    let len = p.last.split.z;
    if at >= len {
        return;
    }
    var sum = 0.0;
    for (var slice = 0u; slice < p.last.split.y; slice++) {
        sum += partial[slice * len + at];
    }
    let row = at / p.rows.x % p.rows.y * p.rows.z;
    let col = at / p.cols.x % p.cols.y * p.cols.z;
    finish(p.last, sum, row + col, at);
}
