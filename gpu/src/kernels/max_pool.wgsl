// use index
// use element
// use math
// use window
// Maxima, means and norms of windows. An invocation computes one element.

override KIND: u32 = 1u;
// Maximum, mean of cells, mean of cells and padding, norm.
override POOLING: u32 = 0u;

struct Parameters {
    power: vec4<f32>,
    window: Window,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Parameters;

// How many cells a pixel's window has in the image and its padding.
fn padded_taps(pixel: u32) -> f32 {
    var rest = pixel;
    var taps = 1u;
    for (var k = p.window.axes; k > 0u; k--) {
        let size = p.window.size[k - 1u];
        let place = p.window.place[k - 1u];
        let outer = rest / place.y;
        let end = place.x + size.x + place.w;
        let start = min((rest - outer * place.y) * size.z, end);
        taps *= min((end - start + size.w - 1u) / size.w, size.y);
        rest = outer;
    }
    return f32(taps);
}

fn powered(e: f32) -> f32 {
    if p.power.x == 2.0 {
        return e * e;
    }
    return select(power(abs(e), p.power.x), abs(e), p.power.x == 1.0);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = linear(id, groups);
    if at >= p.window.images * p.window.y_image {
        return;
    }
    let image = at / p.window.y_image;
    let within = at - image * p.window.y_image;
    // Whichever of pixel and channel takes the larger steps is the outer one.
    var pixel = within / p.window.y_pixel;
    var channel = within - pixel * p.window.y_pixel;
    if p.window.y_channel > 1u || p.window.pixels == 1u {
        channel = within / p.window.y_channel;
        pixel = within - channel * p.window.y_channel;
    }
    let start = image * p.window.x_image + channel * p.window.x_channel;
    var result = select(0.0, -infinity(), POOLING == 0u);
    var cells = 0u;
    for (var tap = 0u; tap < p.window.taps; tap++) {
        let offset = cell(pixel, tap);
        if offset == NOWHERE {
            continue;
        }
        let place = start + offset;
        let e = to_float(bits_of(x[place / per_word(KIND)], place, KIND), KIND);
        cells += 1u;
        switch POOLING {
            // NaN wins.
            case 0u: { result = select(result, e, is_nan(e) || (e > result && !is_nan(result))); }
            case 3u: { result += powered(e); }
            default: { result += e; }
        }
    }
    switch POOLING {
        case 1u: { result = result / f32(max(cells, 1u)); }
        case 2u: { result = result / padded_taps(pixel); }
        case 3u: {
            if p.power.x == 2.0 {
                result = sqrt(result);
            } else if p.power.x != 1.0 {
                result = power(result, 1.0 / p.power.x);
            }
        }
        default: {}
    }
    y[at] = result;
}
