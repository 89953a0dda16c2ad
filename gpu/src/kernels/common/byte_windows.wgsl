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
    let pixel = vec3<u32>(outer % p.result.x, b, c);
    if TRANSPOSED {
        return Window(vec3<i32>(pixel + p.before.xyz), outer / p.result.x);
    }
    let at = vec3<i32>(pixel * p.stride.xyz);
    return Window(at - vec3<i32>(p.before.xyz), outer / p.result.x);
}

// Which tap that is, along three axes.
fn tap_of(number: u32) -> vec3<u32> {
    return vec3<u32>(
        number / (p.kernel.z * p.kernel.y),
        (number / p.kernel.z) % p.kernel.y,
        number % p.kernel.z,
    );
}

fn tap_after(tap: vec3<u32>) -> vec3<u32> {
    let z = tap.z + 1u;
    let y = tap.y + select(0u, 1u, z == p.kernel.z);
    return vec3<u32>(
        tap.x + select(0u, 1u, y == p.kernel.y),
        select(y, 0u, y == p.kernel.y),
        select(z, 0u, z == p.kernel.z),
    );
}

// Where in A the channels of a tap begin, or that it lies in the padding.
fn cell_of(window: Window, tap: vec3<u32>) -> u32 {
    let step = vec3<i32>(tap * p.dilation.xyz);
    var at = window.corner + step;
    if TRANSPOSED {
        let back = window.corner - step;
        let stride = vec3<i32>(p.stride.xyz);
        at = back / stride;
        if any(back < vec3<i32>(0)) || any(at * stride != back) {
            return 0xffffffffu;
        }
    }
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
