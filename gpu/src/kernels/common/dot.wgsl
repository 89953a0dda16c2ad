// Products of signed bytes, four in a word, which are added up.

override DOTS_BY_HAND: bool = false;
// Whether invocations work alone, as those of SwiftShader do: it has no instruction for a dot product, nor for shifts
// of vectors, so that bytes become floats, whose products are exact.
override ALONE: bool = false;

// 16 bytes, every fourth of them in one vector.
struct Numbers {
    first: vec4<f32>,
    second: vec4<f32>,
    third: vec4<f32>,
    fourth: vec4<f32>,
}

fn numbers_of(bytes: vec4<u32>) -> Numbers {
    let n = bitcast<vec4<i32>>(bytes ^ vec4<u32>(0x808080u));
    return Numbers(
        vec4<f32>(n & vec4<i32>(0xff)) - 128.0,
        vec4<f32>(n & vec4<i32>(0xff00)) * 0.00390625 - 128.0,
        vec4<f32>(n & vec4<i32>(0xff0000)) * 0.0000152587890625 - 128.0,
        vec4<f32>(n & vec4<i32>(-0x1000000)) * 0.000000059604644775390625,
    );
}

fn dot_of_numbers(x: Numbers, w: Numbers) -> i32 {
    let sums = x.first * w.first + x.second * w.second + x.third * w.third + x.fourth * w.fourth;
    return i32(sums.x + sums.y + sums.z + sums.w);
}

// The four bytes of a word.
fn floats_of(word: u32) -> vec4<f32> {
    let n = vec4<i32>(bitcast<i32>(word ^ 0x808080u)) & vec4<i32>(0xff, 0xff00, 0xff0000, -0x1000000);
    let scales = vec4<f32>(1.0, 0.00390625, 0.0000152587890625, 0.000000059604644775390625);
    return vec4<f32>(n) * scales - vec4<f32>(128.0, 128.0, 128.0, 0.0);
}

fn bytes_of(word: u32) -> vec4<i32> {
    if ALONE {
        return vec4<i32>(floats_of(word));
    }
    return unpack4xI8(word);
}

fn dot_of_floats(x: vec4<f32>, w: vec4<f32>) -> i32 {
    return i32(x.x * w.x + x.y * w.y + x.z * w.z + x.w * w.w);
}

fn dot_of_bytes(a: u32, b: u32) -> i32 {
    if ALONE {
        return dot_of_floats(floats_of(a), floats_of(b));
    }
    if DOTS_BY_HAND {
        let products = unpack4xI8(a) * unpack4xI8(b);
        return products.x + products.y + products.z + products.w;
    }
    return dot4I8Packed(a, b);
}

fn dot_of_16(x: vec4<u32>, w: vec4<u32>) -> i32 {
    return dot_of_bytes(x.x, w.x) + dot_of_bytes(x.y, w.y) + dot_of_bytes(x.z, w.z) + dot_of_bytes(x.w, w.w);
}

// Four columns: vectors of their bytes, or what else each has.
struct Four {
    x: vec4<u32>,
    y: vec4<u32>,
    z: vec4<u32>,
    w: vec4<u32>,
}

fn dots_of(x: vec4<u32>, w: Four) -> vec4<i32> {
    return vec4<i32>(dot_of_16(x, w.x), dot_of_16(x, w.y), dot_of_16(x, w.z), dot_of_16(x, w.w));
}
