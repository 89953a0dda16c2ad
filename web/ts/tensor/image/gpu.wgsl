// An image as the elements of a tensor: the part that is wanted, in the size and the layout that are wanted, normalized.
//
// What a reader would get wrong: frames of a video are of another type than images. The host writes texture_external in
// the place of texture_2d<f32> for them; nothing else differs.

struct Parameters {
    // The part of the image, in shares of it: where it begins and how far it goes.
    part: vec4f,
    // The rectangle in the result that the part fills; zeros around it.
    at: vec4f,
    bias: vec4f,
    mean: vec4f,
    // Which of red, green, blue and alpha each channel is.
    order: vec4u,
    size: vec2u,
    channels: u32,
    // Whether channels lie beside each other.
    interleaved: u32,
}

@group(0) @binding(0) var image: texture_2d<f32>;
@group(0) @binding(1) var linear: sampler;
@group(0) @binding(2) var<uniform> p: Parameters;
@group(0) @binding(3) var<storage, read_write> result: array<u32>;

// The pixel of the result in a column and a row, from 0 to 255.
fn pixel(column: u32, row: u32) -> vec4f {
    let within = (vec2f(f32(column), f32(row)) + 0.5 - p.at.xy) / p.at.zw;
    if (any(within < vec2f(0.0)) || any(within > vec2f(1.0))) {
        return vec4f(0.0);
    }
    return textureSampleBaseClampToEdge(image, linear, p.part.xy + within * p.part.zw) * 255.0;
}

fn normalized(color: vec4f, channel: u32) -> f32 {
    let index = p.order[channel];
    return (color[index] + p.bias[index]) / p.mean[index];
}

// A pixel for each invocation.
@compute @workgroup_size(8, 8)
fn floats(@builtin(global_invocation_id) id: vec3u) {
    if (any(id.xy >= p.size)) {
        return;
    }
    let color = pixel(id.x, id.y);
    let place = id.y * p.size.x + id.x;
    for (var channel = 0u; channel < p.channels; channel++) {
        let at = select(channel * p.size.x * p.size.y + place, place * p.channels + channel, p.interleaved == 1u);
        result[at] = bitcast<u32>(normalized(color, channel));
    }
}

fn byte(element: u32) -> u32 {
    let area = p.size.x * p.size.y;
    let place = select(element % area, element / p.channels, p.interleaved == 1u);
    let channel = select(element / area, element % p.channels, p.interleaved == 1u);
    if (channel >= p.channels || place >= area) {
        return 0u;
    }
    let color = pixel(place % p.size.x, place / p.size.x);
    return u32(clamp(round(normalized(color, channel)), 0.0, 255.0));
}

// A word of four elements for each invocation.
@compute @workgroup_size(64)
fn bytes(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let word = id.y * groups.x * 64u + id.x;
    if (word >= arrayLength(&result)) {
        return;
    }
    let first = word * 4u;
    result[word] = byte(first) | (byte(first + 1u) << 8u) | (byte(first + 2u) << 16u) | (byte(first + 3u) << 24u);
}
