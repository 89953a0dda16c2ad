// use index
// use element
// use math
// use activate
// use window
// Convolutions whose groups have few output channels, depthwise ones first: an invocation computes one element.

override KIND: u32 = 1u;
override HAS_BIAS: bool = false;
override HAS_SUM: bool = false;
override ACTIVATION: u32 = 0u;

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

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = linear(id, groups);
    if at >= p.window.images * p.window.y_image {
        return;
    }
    let per = per_word(KIND);
    let image = at / p.window.y_image;
    let within = at - image * p.window.y_image;
    // Whichever of pixel and channel takes the larger steps is the outer one.
    var pixel = within / p.window.y_pixel;
    var channel = within - pixel * p.window.y_pixel;
    if p.window.y_channel > 1u || p.window.pixels == 1u {
        channel = within / p.window.y_channel;
        pixel = within - channel * p.window.y_channel;
    }
    let of_group = channel / p.window.outs;
    let x_start = image * p.window.x_image + of_group * p.window.ins * p.window.x_channel;
    let w_start = channel * p.window.ins * p.window.taps;
    var result = 0.0;
    for (var tap = 0u; tap < p.window.taps; tap++) {
        let offset = cell(pixel, tap);
        if offset != NOWHERE {
            for (var c = 0u; c < p.window.ins; c++) {
                let place = x_start + offset + c * p.window.x_channel;
                let weight = w_start + c * p.window.taps + tap;
                result += to_float(bits_of(x[place / per], place, KIND), KIND)
                    * to_float(bits_of(w[weight / per], weight, KIND), KIND);
            }
        }
    }
    if HAS_BIAS {
        result += to_float(bits_of(bias[channel / per], channel, KIND), KIND);
    }
    if HAS_SUM {
        result += to_float(bits_of(sum[at / per], at, KIND), KIND);
    }
    y[at] = activate(ACTIVATION, result, p.of_function);
}
