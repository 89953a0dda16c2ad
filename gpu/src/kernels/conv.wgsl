// use element
// use math
// use activate
// use window
// Convolutions as products by tiles: pixels by output channels, over the taps of a window and the channels under
// each. The image is unrolled tile by tile, as the product reads it.

override KIND: u32 = 1u;
override HAS_BIAS: bool = false;
override HAS_SUM: bool = false;
override ACTIVATION: u32 = 0u;

const TILE: u32 = 64u;
const DEPTH: u32 = 16u;

struct Parameters {
    of_function: vec4<f32>,
    window: Window,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> w: array<u32>;
@group(0) @binding(2) var<storage, read> bias: array<u32>;
@group(0) @binding(3) var<storage, read> sum: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> p: Parameters;

var<workgroup> shared_image: array<f32, 1024>;
var<workgroup> shared_weights: array<f32, 1024>;

@compute @workgroup_size(16, 16)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let per = per_word(KIND);
    let first_pixel = group.x * TILE;
    let first_out = group.y * TILE;
    let depth = p.window.taps * p.window.ins;
    for (var part = group.z; part < p.window.images * p.window.groups; part += groups.z) {
        let image = part / p.window.groups;
        let of_group = part - image * p.window.groups;
        let x_start = image * p.window.x_image + of_group * p.window.ins * p.window.x_channel;
        let w_start = of_group * p.window.outs * depth;
        var sums: array<vec4<f32>, 4>;
        for (var i = 0u; i < 4u; i++) {
            sums[i] = vec4<f32>(0.0);
        }
        for (var first = 0u; first < depth; first += DEPTH) {
            for (var i = me; i < TILE * DEPTH; i += 256u) {
                let pixel = first_pixel + i % TILE;
                let k = first + i / TILE;
                var e = 0.0;
                if pixel < p.window.pixels && k < depth {
                    let tap = k / p.window.ins;
                    let at = cell(pixel, tap);
                    if at != NOWHERE {
                        let place = x_start + at + (k - tap * p.window.ins) * p.window.x_channel;
                        e = to_float(bits_of(x[place / per], place, KIND), KIND);
                    }
                }
                shared_image[i] = e;
            }
            for (var i = me; i < TILE * DEPTH; i += 256u) {
                let out = first_out + i % TILE;
                let k = first + i / TILE;
                var e = 0.0;
                if out < p.window.outs && k < depth {
                    let tap = k / p.window.ins;
                    let place = w_start + out * depth + (k - tap * p.window.ins) * p.window.taps + tap;
                    e = to_float(bits_of(w[place / per], place, KIND), KIND);
                }
                shared_weights[i] = e;
            }
            workgroupBarrier();
            for (var k = 0u; k < DEPTH; k++) {
                let at = k * TILE + local.x * 4u;
                let weights = vec4<f32>(
                    shared_weights[at], shared_weights[at + 1u], shared_weights[at + 2u], shared_weights[at + 3u],
                );
                let pixels = k * TILE + local.y * 4u;
                for (var i = 0u; i < 4u; i++) {
                    sums[i] += shared_image[pixels + i] * weights;
                }
            }
            workgroupBarrier();
        }
        for (var i = 0u; i < 4u; i++) {
            let pixel = first_pixel + local.y * 4u + i;
            for (var j = 0u; j < 4u; j++) {
                let out = first_out + local.x * 4u + j;
                if pixel < p.window.pixels && out < p.window.outs {
                    let channel = of_group * p.window.outs + out;
                    let at = image * p.window.y_image + channel * p.window.y_channel + pixel * p.window.y_pixel;
                    var result = sums[i][j];
                    if HAS_BIAS {
                        result += to_float(bits_of(bias[channel / per], channel, KIND), KIND);
                    }
                    if HAS_SUM {
                        result += to_float(bits_of(sum[at / per], at, KIND), KIND);
                    }
                    y[at] = activate(ACTIVATION, result, p.of_function);
                }
            }
        }
    }
}
