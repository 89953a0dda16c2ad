// use element
// use math
// use activate
// use vectors
// use finish
// use windows
// Convolutions whose output channels see one input channel each. An invocation makes an output, or four channels
// of one pixel where they lie side by side in whole vectors.

override CHANNELS_LAST: u32 = 1u;
// Whether an invocation makes four channels.
override WHOLE: bool = false;

struct Parameters {
    last: Finish,
    windows: Windows,
    // Pixels of all images, output channels, and invocations.
    sizes: vec4<u32>,
    // Output channels of an input channel; packed output channels.
    channels: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> addend: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> residual: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> p: Parameters;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = (id.y * groups.x + id.x) * 64u + local;
    if number >= p.sizes.w {
        return;
    }
    let pixels = u32(p.windows.output.w);
    let cells = u32(p.windows.input.w);
    let outs = p.sizes.y;
    let ins = outs / p.channels.x;
    let width = select(1u, 4u, WHOLE);

    // Neighbors make what lies side by side.
    var pixel = number % pixels;
    var channel = number / pixels % outs;
    var image = number / pixels / outs;
    if CHANNELS_LAST == 1u {
        let units = outs / width;
        channel = number % units * width;
        pixel = number / units % pixels;
        image = number / units / pixels;
    }
    let seen = channel / p.channels.x;
    let origin = origin_of(pixel);
    var sums = vec4<f32>();
    var place = vec3<i32>();
    for (var tap = 0u; tap < u32(p.windows.kernel.w); tap++) {
        let cell = cell_of(origin, place);
        place = tap_after(place);
        if cell != NOWHERE {
            let first = (image * ins + seen) * cells + cell;
            let at = select(first, (image * cells + cell) * ins + seen, CHANNELS_LAST == 1u);
            let w_at = tap * p.channels.y + channel;
            let w = weights[w_at / 4u];
            if WHOLE {
                sums += w * four_of(x[vector_at(at, KIND)], at, KIND);
            } else {
                sums.x += component(w, w_at % 4u) * one_of(x[vector_at(at, KIND)], at, KIND);
            }
        }
    }
    for (var i = 0u; i < width; i++) {
        let first = (image * outs + channel) * pixels + pixel;
        let to = select(first, (image * pixels + pixel) * outs + channel + i, CHANNELS_LAST == 1u);
        finish(p.last, component(sums, i), channel + i, to);
    }
}
