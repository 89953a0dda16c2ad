// use element
// use bytes
// use window
// Convolutions of bytes as products by tiles, summed in 32 bits, less their zero points: pixels by output channels,
// four steps of depth at a time, over the taps of a window and the channels under each.

override X_KIND: u32 = 2u;
override W_KIND: u32 = 3u;
override HAS_X_ZERO: bool = false;
override HAS_W_ZERO: bool = false;

const TILE: u32 = 64u;
// Words of four bytes.
const DEPTH: u32 = 8u;

struct Parameters {
    // From channel to channel of the weights' zero points.
    w_zeros: vec4<u32>,
    window: Window,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> w: array<u32>;
@group(0) @binding(2) var<storage, read> x_zero: array<u32>;
@group(0) @binding(3) var<storage, read> w_zero: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<i32>;
@group(0) @binding(5) var<uniform> p: Parameters;

var<workgroup> shared_image: array<u32, 512>;
var<workgroup> shared_weights: array<u32, 512>;

// Four bytes of what a pixel's window sees; padding is the zero point, so that it adds nothing.
fn image_word(start: u32, pixel: u32, first: u32, depth: u32, padding: u32) -> u32 {
    var word = 0u;
    for (var i = 0u; i < 4u; i++) {
        let k = first + i;
        if k < depth {
            let tap = k / p.window.ins;
            let at = cell(pixel, tap);
            var bits = padding;
            if at != NOWHERE {
                let place = start + at + (k - tap * p.window.ins) * p.window.x_channel;
                // Four channels of one cell may lie in one word.
                if p.window.x_channel == 1u && (place & 3u) == 0u && k + 4u <= (tap + 1u) * p.window.ins && i == 0u {
                    return signed_bytes(x[place / 4u], X_KIND);
                }
                bits = bits_of(x[place / 4u], place, X_KIND);
            }
            word |= signed_byte(bits, X_KIND) << (8u * i);
        }
    }
    return word;
}

fn weights_word(start: u32, first: u32, depth: u32) -> u32 {
    var word = 0u;
    for (var i = 0u; i < 4u; i++) {
        let k = first + i;
        if k < depth {
            let tap = k / p.window.ins;
            let place = start + (k - tap * p.window.ins) * p.window.taps + tap;
            word |= signed_byte(bits_of(w[place / 4u], place, W_KIND), W_KIND) << (8u * i);
        }
    }
    return word;
}

@compute @workgroup_size(16, 16)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let first_pixel = group.x * TILE;
    let first_out = group.y * TILE;
    let depth = p.window.taps * p.window.ins;
    var padding = 0u;
    if HAS_X_ZERO {
        padding = bits_of(x_zero[0], 0u, X_KIND);
    }
    for (var part = group.z; part < p.window.images * p.window.groups; part += groups.z) {
        let image = part / p.window.groups;
        let of_group = part - image * p.window.groups;
        let x_start = image * p.window.x_image + of_group * p.window.ins * p.window.x_channel;
        let w_start = of_group * p.window.outs * depth;
        var sums: array<vec4<i32>, 4>;
        var of_pixels = vec4<i32>(0);
        var of_weights = vec4<i32>(0);
        for (var i = 0u; i < 4u; i++) {
            sums[i] = vec4<i32>(0);
        }
        for (var first = 0u; first < depth; first += 4u * DEPTH) {
            for (var i = me; i < TILE * DEPTH; i += 256u) {
                let line = i % TILE;
                let k = first + 4u * (i / TILE);
                var seen = 0u;
                if first_pixel + line < p.window.pixels {
                    seen = image_word(x_start, first_pixel + line, k, depth, padding);
                }
                shared_image[i] = seen;
                var weights = 0u;
                if first_out + line < p.window.outs {
                    weights = weights_word(w_start + (first_out + line) * depth, k, depth);
                }
                shared_weights[i] = weights;
            }
            workgroupBarrier();
            for (var k = 0u; k < DEPTH; k++) {
                let at_pixel = k * TILE + local.y * 4u;
                let at_out = k * TILE + local.x * 4u;
                for (var j = 0u; j < 4u; j++) {
                    let weights = shared_weights[at_out + j];
                    of_weights[j] += dot4I8Packed(weights, 0x01010101u);
                    of_pixels[j] += dot4I8Packed(shared_image[at_pixel + j], 0x01010101u);
                    for (var i = 0u; i < 4u; i++) {
                        sums[i][j] += dot4I8Packed(shared_image[at_pixel + i], weights);
                    }
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
                    var of_w = signed_zero(0u, W_KIND);
                    if HAS_W_ZERO {
                        let at = channel * p.w_zeros.x;
                        of_w = signed_zero(bits_of(w_zero[at / 4u], at, W_KIND), W_KIND);
                    }
                    let at = image * p.window.y_image + channel * p.window.y_channel + pixel * p.window.y_pixel;
                    let of_x = signed_zero(padding, X_KIND);
                    y[at] = without_zeros(sums[i][j], of_pixels[i], of_weights[j], depth, of_x, of_w);
                }
            }
        }
    }
}
