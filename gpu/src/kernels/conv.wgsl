// use element
// use math
// use activate
// use vectors
// use finish
// use windows
// use tile
// Convolutions as products of weights with the image as its windows see it, by tiles of 64 pixels and 64
// channels. The image is unrolled on its way into the tile, never as a whole.
//
// The depth counts channels, and with each tap anew: packed weights give every tap a multiple of 4 of them, so
// that four neighbors have one tap. Channels that lie last are the columns of a tile, those that come first its
// rows, so that neighbors write neighbors.

override CHANNELS_LAST: u32 = 1u;

struct Parameters {
    last: Finish,
    windows: Windows,
    // Pixels of all images, output channels of a group, depth, tiles.
    sizes: vec4<u32>,
    // Input channels of a group, and of a tap of the packed weights; packed output channels; groups.
    channels: vec4<u32>,
    // Whether four channels of the image make a vector.
    aligned: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> addend: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> residual: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> p: Parameters;

fn x_one(i: u32) -> f32 {
    return one_of(x[vector_at(i, KIND)], i, KIND);
}

// Where the window of a pixel of any image begins, and the image.
struct Window {
    origin: vec3<i32>,
    image: u32,
}

fn window_of(pixel: u32) -> Window {
    let pixels = u32(p.windows.output.w);
    if pixel >= p.sizes.x {
        return Window(vec3<i32>(), NOWHERE);
    }
    return Window(origin_of(pixel % pixels), pixel / pixels);
}

// Four channels of the group, from `channel` on, of the cell under a tap.
fn channels_under(window: Window, tap: u32, group: u32, channel: u32) -> vec4<f32> {
    let cell = cell_of(window.origin, tap);
    var v = vec4<f32>();
    if cell == NOWHERE || window.image == NOWHERE {
        return v;
    }
    let cells = u32(p.windows.input.w);
    let ins = p.channels.x;
    let of_image = ins * p.channels.w;
    var at = (window.image * cells + cell) * of_image + group * ins + channel;
    var step = 1u;
    if CHANNELS_LAST == 1u {
        if p.aligned.x != 0u && channel + 4u <= ins {
            return four_of(x[vector_at(at, KIND)], at, KIND);
        }
    } else {
        at = (window.image * of_image + group * ins + channel) * cells + cell;
        step = cells;
    }
    if channel < ins { v.x = x_one(at); }
    if channel + 1u < ins { v.y = x_one(at + step); }
    if channel + 2u < ins { v.z = x_one(at + 2u * step); }
    if channel + 3u < ins { v.w = x_one(at + 3u * step); }
    return v;
}

fn of_image(windows: array<Window, 4>, group: u32, k: u32) -> mat4x4<f32> {
    if k >= p.sizes.z {
        return mat4x4<f32>();
    }
    let tap = k / p.channels.y;
    let channel = k % p.channels.y;
    return transpose(mat4x4<f32>(
        channels_under(windows[0], tap, group, channel),
        channels_under(windows[1], tap, group, channel),
        channels_under(windows[2], tap, group, channel),
        channels_under(windows[3], tap, group, channel),
    ));
}

fn of_weights(group: u32, line: u32, k: u32) -> mat4x4<f32> {
    if k >= p.sizes.z || line >= p.channels.z {
        return mat4x4<f32>();
    }
    let step = p.channels.z / 4u;
    let at = (group * p.sizes.z + k) * step + line / 4u;
    return mat4x4<f32>(weights[at], weights[at + step], weights[at + 2u * step], weights[at + 3u * step]);
}

@compute @workgroup_size(TILE_GROUP)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let tile = id.y * groups.x + id.x;
    if tile >= p.sizes.w {
        return;
    }
    let wide = (p.sizes.y + TILE - 1u) / TILE;
    let high = (p.sizes.x + TILE - 1u) / TILE;
    let first_out = tile % wide * TILE;
    let first_pixel = (tile / wide) % high * TILE;
    let group = tile / (wide * high) % p.channels.w;
    let slice = tile / (wide * high) / p.channels.w;
    let begin = slice * p.last.split.x;
    let end = min(begin + p.last.split.x, p.sizes.z);

    // Neighbors fetch what lies side by side: of the image, channels or pixels; of the weights, channels.
    let fetches_image = local < 64u;
    let side = select(0u, 1u, fetches_image != (CHANNELS_LAST == 1u));
    let number = local % 64u;
    let deep = fetches_image && CHANNELS_LAST == 1u;
    let vector = select(number % 16u, number / 4u, deep);
    let depth = 4u * select(number / 16u, number % 4u, deep);
    let pixel = first_pixel + 4u * vector;
    let windows = array<Window, 4>(
        window_of(pixel),
        window_of(pixel + 1u),
        window_of(pixel + 2u),
        window_of(pixel + 3u),
    );
    let out = first_out + 4u * vector;

    let row = local / 16u;
    let col = local % 16u;
    var sums = array<vec4<f32>, 8>();
    var piece: mat4x4<f32>;
    for (var k = begin; k < end + TILE_DEPTH; k += TILE_DEPTH) {
        if k < end && fetches_image {
            piece = of_image(windows, group, k + depth);
        } else if k < end {
            piece = of_weights(group, out, k + depth);
        }
        if k > begin {
            multiply_tiles(&sums, row, col);
        }
        workgroupBarrier();
        put_piece(side, vector, depth, piece);
        workgroupBarrier();
    }

    let pixels = u32(p.windows.output.w);
    let outs = p.sizes.y * p.channels.w;
    for (var i = 0u; i < 32u; i++) {
        let cell = vec2<u32>(8u * row + i / 4u, 4u * col + i % 4u);
        let at = select(cell.yx, cell, CHANNELS_LAST == 1u) + vec2<u32>(first_pixel, first_out);
        if at.x < p.sizes.x && at.y < p.sizes.y {
            let channel = group * p.sizes.y + at.y;
            let first = (at.x / pixels * outs + channel) * pixels + at.x % pixels;
            let to = select(first, at.x * outs + channel, CHANNELS_LAST == 1u);
            finish_slice(p.last, sum_of(&sums, i / 4u, i % 4u), slice, channel, to);
        }
    }
}
