// Windows over images of up to three spatial axes, the last ones; those that are missing have one cell. The file
// declares `p`, with `windows`.

// Whether windows look backward, through the strides, as a transposed convolution's do.
override TRANSPOSED: u32 = 0u;

struct Windows {
    // Sizes, and the cells of an image.
    input: vec4<i32>,
    // Sizes, and the pixels of an image.
    output: vec4<i32>,
    // Sizes, and the taps of a window.
    kernel: vec4<i32>,
    stride: vec4<i32>,
    dilation: vec4<i32>,
    // Padding.
    before: vec4<i32>,
    // The input and all its padding.
    padded: vec4<i32>,
}

const NOWHERE: u32 = 0xffffffffu;

fn split(i: i32, sizes: vec4<i32>) -> vec3<i32> {
    return vec3<i32>(i / (sizes.y * sizes.z), i / sizes.z % sizes.y, i % sizes.z);
}

// Where the window of a pixel begins, for `cell_of`.
fn origin_of(pixel: u32) -> vec3<i32> {
    let at = split(i32(pixel), p.windows.output);
    if TRANSPOSED == 1u {
        return at + p.windows.before.xyz;
    }
    return at * p.windows.stride.xyz - p.windows.before.xyz;
}

// Which tap that is, along the axes.
fn tap_of(number: u32) -> vec3<i32> {
    return split(i32(number), p.windows.kernel);
}

fn tap_after(tap: vec3<i32>) -> vec3<i32> {
    let z = tap.z + 1;
    let y = tap.y + select(0, 1, z == p.windows.kernel.z);
    return vec3<i32>(
        tap.x + select(0, 1, y == p.windows.kernel.y),
        select(y, 0, y == p.windows.kernel.y),
        select(z, 0, z == p.windows.kernel.z),
    );
}

// The cell under a tap of the window that begins there.
fn cell_of(origin: vec3<i32>, tap: vec3<i32>) -> u32 {
    let step = tap * p.windows.dilation.xyz;
    var at = origin + step;
    var outside = false;
    if TRANSPOSED == 1u {
        let back = origin - step;
        at = back / p.windows.stride.xyz;
        outside = any(back < vec3<i32>()) | any(at * p.windows.stride.xyz != back);
    }
    outside = outside | any(at < vec3<i32>()) | any(at >= p.windows.input.xyz);
    return select(u32((at.x * p.windows.input.y + at.y) * p.windows.input.z + at.z), NOWHERE, outside);
}
