// use element
// use sums
// The losses of all samples become one. A group does it all.

override MEAN: bool = false;

const GROUP: u32 = 256u;

@group(0) @binding(0) var<storage, read> losses: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
// How many samples.
@group(0) @binding(2) var<uniform> p: vec4<u32>;

var<workgroup> shared_sums: array<vec4<f32>, GROUP>;

@compute @workgroup_size(GROUP)
fn main(@builtin(local_invocation_index) me: u32) {
    var loss = vec2<f32>(0.0);
    var weight = vec2<f32>(0.0);
    for (var i = me; i < p.x; i += GROUP) {
        loss = plus(loss, vec2<f32>(losses[i], 0.0));
        weight = plus(weight, vec2<f32>(losses[p.x + i], 0.0));
    }
    shared_sums[me] = vec4<f32>(loss, weight);
    workgroupBarrier();
    for (var half = GROUP / 2u; half > 0u; half = half / 2u) {
        if me < half {
            let a = shared_sums[me];
            let b = shared_sums[me + half];
            shared_sums[me] = vec4<f32>(plus(a.xy, b.xy), plus(a.zw, b.zw));
        }
        workgroupBarrier();
    }
    if me == 0u {
        let sums = shared_sums[0];
        let total = sums.x + sums.y;
        y[0] = total;
        if MEAN {
            let weights = sums.z + sums.w;
            y[0] = total / weights;
            if weights == 0.0 && total == 0.0 {
                // Of nothing that counts there is no mean.
                y[0] = not_a_number();
            }
        }
    }
}
