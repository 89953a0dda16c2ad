// Products of signed bytes, four in a word, which are added up.

override DOTS_BY_HAND: bool = false;

fn dot_of_bytes(a: u32, b: u32) -> i32 {
    if DOTS_BY_HAND {
        let products = unpack4xI8(a) * unpack4xI8(b);
        return products.x + products.y + products.z + products.w;
    }
    return dot4I8Packed(a, b);
}

fn dot_of_16(x: vec4<u32>, w: vec4<u32>) -> i32 {
    return dot_of_bytes(x.x, w.x) + dot_of_bytes(x.y, w.y) + dot_of_bytes(x.z, w.z) + dot_of_bytes(x.w, w.w);
}
