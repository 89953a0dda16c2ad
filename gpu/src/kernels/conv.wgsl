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
// Whether four channels of the image make a vector.
override WHOLE: bool = false;

struct Parameters {
    last: Finish,
    windows: Windows,
    // Pixels of all images, output channels of a group, depth, tiles.
    sizes: vec4<u32>,
    // Input channels of a group, and of a tap of the packed weights; packed output channels; groups.
    channels: vec4<u32>,
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
fn channels_under(window: Window, tap: vec3<i32>, group: u32, channel: u32) -> vec4<f32> {
    let cell = cell_of(window.origin, tap);
    let nowhere = (cell == NOWHERE) | (window.image == NOWHERE) | (channel == NOWHERE);
    let cells = u32(p.windows.input.w);
    let ins = p.channels.x;
    let of_image = ins * p.channels.w;
    if CHANNELS_LAST == 1u {
        let at = (window.image * cells + cell) * of_image + group * ins + channel;
        if WHOLE {
            return select(four_of(x[vector_at(at, KIND)], at, KIND), vec4<f32>(), vec4<bool>(nowhere));
        }
        let four = four_across(x[vector_at(at, KIND)], x[vector_at(at + 3u, KIND)], at, KIND);
        let there = channel + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(select(ins, 0u, nowhere));
        return select(vec4<f32>(), four, there);
    }
    let at = (window.image * of_image + group * ins + channel) * cells + cell;
    var v = vec4<f32>();
    if nowhere {
        return v;
    }
    if channel < ins { v.x = x_one(at); }
    if channel + 1u < ins { v.y = x_one(at + cells); }
    if channel + 2u < ins { v.z = x_one(at + 2u * cells); }
    if channel + 3u < ins { v.w = x_one(at + 3u * cells); }
    return v;
}

// For each window, four steps of the depth.
fn of_image(windows: array<Window, 4>, group: u32, k: u32) -> mat4x4<f32> {
    let tap = tap_of(k / p.channels.y);
    // Behind the depth there is no channel of any cell.
    let channel = select(NOWHERE, k % p.channels.y, k < p.sizes.z);
    return mat4x4<f32>(
        channels_under(windows[0], tap, group, channel),
        channels_under(windows[1], tap, group, channel),
        channels_under(windows[2], tap, group, channel),
        channels_under(windows[3], tap, group, channel),
    );
}

fn windows_from(pixel: u32) -> array<Window, 4> {
    return array<Window, 4>(window_of(pixel), window_of(pixel + 1u), window_of(pixel + 2u), window_of(pixel + 3u));
}

// 4 pixels and 4 channels by an invocation alone.
fn sum_alone(first: vec2<u32>, group: u32, begin: u32, end: u32) -> mat4x4<f32> {
    let windows = windows_from(first.x);
    var sums: mat4x4<f32>;
    for (var k = begin; k < end; k += 4u) {
        let image = of_image(windows, group, k);
        let weights = of_weights(group, first.y, k);
        if CHANNELS_LAST == 1u {
            sums = with_products(sums, image, weights);
        } else {
            sums = with_products(sums, transpose(weights), transpose(image));
        }
    }
    return sums;
}

// For each of four steps of the depth, four channels.
fn of_weights(group: u32, line: u32, k: u32) -> mat4x4<f32> {
    if k >= p.sizes.z || line >= p.channels.z {
        return mat4x4<f32>();
    }
    let step = p.channels.z / 4u;
    let at = (group * p.sizes.z + k) * step + line / 4u;
    return mat4x4<f32>(weights[at], weights[at + step], weights[at + 2u * step], weights[at + 3u * step]);
}

// The same by tiles that a group shares, of which the first pixel and the first channel are given.
fn add_tiles(
    sums: ptr<function, array<vec4<f32>, 8>>,
    first: vec2<u32>,
    group: u32,
    begin: u32,
    end: u32,
    local: u32,
) {
    // Neighbors fetch what lies side by side: of the image, channels or pixels; of the weights, channels.
    let fetches_image = local < 64u;
    let side = select(0u, 1u, fetches_image != (CHANNELS_LAST == 1u));
    let number = local % 64u;
    let deep = fetches_image && CHANNELS_LAST == 1u;
    let vector = select(number % 16u, number / 4u, deep);
    let depth = 4u * select(number / 16u, number % 4u, deep);
    let pixel = first.x + 4u * vector;
    let windows = windows_from(pixel);
    let out = first.y + 4u * vector;

    var piece: mat4x4<f32>;
    for (var k = begin; k < end + TILE_DEPTH; k += TILE_DEPTH) {
        if k < end && fetches_image {
            piece = transpose(of_image(windows, group, k + depth));
        } else if k < end {
            piece = of_weights(group, out, k + depth);
        }
        if k > begin {
            multiply_tiles(sums, local / 16u, local % 16u);
        }
        workgroupBarrier();
        put_piece(side, vector, depth, piece);
        workgroupBarrier();
    }
}

// A row and a column as a pixel and a channel.
fn turned(cell: vec2<u32>) -> vec2<u32> {
    return select(cell.yx, cell, CHANNELS_LAST == 1u);
}

// What has been summed up for so many rows.
fn write(sums: ptr<function, array<vec4<f32>, 8>>, rows: u32, mine: vec2<u32>, group: u32, slice: u32) {
    let pixels = u32(p.windows.output.w);
    let outs = p.sizes.y * p.channels.w;
    for (var i = 0u; i < 4u * rows; i++) {
        let at = turned(vec2<u32>(i / 4u, i % 4u)) + mine;
        if at.x < p.sizes.x && at.y < p.sizes.y {
            let channel = group * p.sizes.y + at.y;
            let first = (at.x / pixels * outs + channel) * pixels + at.x % pixels;
            let to = select(first, at.x * outs + channel, CHANNELS_LAST == 1u);
            finish_slice(p.last, sum_of(sums, i / 4u, i % 4u), slice, channel, to);
        }
    }
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

    // Rows of the tile are pixels, if channels lie last.
    let place = vec2<u32>(8u * (local / 16u), 4u * (local % 16u));
    let first = vec2<u32>(first_pixel, first_out);
    var sums = array<vec4<f32>, 8>();
    if ALONE {
        // One half after the other: less code, which takes a driver in software much less time to compile.
        for (var half = 0u; half < 8u; half += 4u) {
            let mine = first + turned(place + vec2<u32>(half, 0u));
            if mine.x < p.sizes.x && mine.y < p.sizes.y {
                put_sums(&sums, sum_alone(mine, group, begin, end));
                write(&sums, 4u, mine, group, slice);
            }
        }
    } else {
        add_tiles(&sums, first, group, begin, end, local);
        write(&sums, 8u, first + turned(place), group, slice);
    }
}
