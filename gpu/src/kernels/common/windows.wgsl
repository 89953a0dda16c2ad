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

// The cell under tap number `tap` of the window that begins there.
fn cell_of(origin: vec3<i32>, tap: u32) -> u32 {
    let step = split(i32(tap), p.windows.kernel) * p.windows.dilation.xyz;
    var at = origin + step;
    if TRANSPOSED == 1u {
        let back = origin - step;
        at = back / p.windows.stride.xyz;
        if any(back < vec3<i32>()) || any(at * p.windows.stride.xyz != back) {
            return NOWHERE;
        }
    }
    if any(at < vec3<i32>()) || any(at >= p.windows.input.xyz) {
        return NOWHERE;
    }
    return u32((at.x * p.windows.input.y + at.y) * p.windows.input.z + at.z);
}
