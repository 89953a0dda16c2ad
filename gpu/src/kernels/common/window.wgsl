// Windows over images of up to three axes: which cell of the image a tap of a window lies on.
//
// A kernel's uniform buffer is called `p` and has a member `window`; it is filled in `windows.rs`.

struct Window {
    axes: u32,
    taps: u32,
    pixels: u32,
    // Output channels that are computed from one group of input channels, and those.
    outs: u32,
    ins: u32,
    groups: u32,
    // From one image and one channel to the next, and from pixel to pixel.
    x_image: u32,
    x_channel: u32,
    y_image: u32,
    y_channel: u32,
    y_pixel: u32,
    images: u32,
    // Input size, kernel size, stride, dilation.
    size: array<vec4<u32>, 3>,
    // Padding before, output size, step in the input, padding after.
    place: array<vec4<u32>, 3>,
}

const NOWHERE: u32 = 0xffffffffu;

// The offset of the cell under a tap of a pixel's window, within a channel of an image.
fn cell(pixel: u32, tap: u32) -> u32 {
    var outputs = pixel;
    var taps = tap;
    var at = 0u;
    for (var k = p.window.axes; k > 0u; k--) {
        let size = p.window.size[k - 1u];
        let place = p.window.place[k - 1u];
        let outer_outputs = outputs / place.y;
        let outer_taps = taps / size.y;
        // Before the image is, by wrapping, far behind it.
        let along = (outputs - outer_outputs * place.y) * size.z + (taps - outer_taps * size.y) * size.w - place.x;
        if along >= size.x {
            return NOWHERE;
        }
        at += along * place.z;
        outputs = outer_outputs;
        taps = outer_taps;
    }
    return at;
}
