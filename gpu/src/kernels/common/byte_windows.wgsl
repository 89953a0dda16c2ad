// Windows over the image that is A. `product` comes before.

// The first cell of a pixel's window, and the image it lies in.
struct Window {
    corner: vec3<i32>,
    image: u32,
}

fn window_of(row: u32) -> Window {
    let c = row % p.result.z;
    let b = (row / p.result.z) % p.result.y;
    let outer = row / (p.result.z * p.result.y);
    let at = vec3<i32>(vec3<u32>(outer % p.result.x, b, c) * p.stride.xyz);
    return Window(at - vec3<i32>(p.before.xyz), outer / p.result.x);
}

// Where in A the channels of a tap begin, or that it lies in the padding.
fn cell_of(window: Window, tap: u32) -> u32 {
    let taps = vec3<u32>(
        tap / (p.kernel.z * p.kernel.y),
        (tap / p.kernel.z) % p.kernel.y,
        tap % p.kernel.z,
    );
    let at = window.corner + vec3<i32>(taps * p.dilation.xyz);
    if any(at < vec3<i32>(0)) || any(at >= vec3<i32>(p.image.xyz)) {
        return 0xffffffffu;
    }
    let cell = vec3<u32>(at);
    return (((window.image * p.image.x + cell.x) * p.image.y + cell.y) * p.image.z + cell.z) * p.a_row;
}

// Padding is the zero point, where there are channels.
fn padding(channel: u32) -> u32 {
    let word = (bitcast<u32>(zero_of_a()) & 0xffu) * 0x01010101u;
    return select(word, word & p.result.w, channel + 1u == p.image.w);
}
