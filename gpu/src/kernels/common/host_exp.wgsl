// The exponential of the host to its bit: the steps of the CPU's `math::exp`, each rounded as there. `fused` comes
// before.
//
// It is many times slower than a GPU's own, and only for what must not differ.

// Whether the host rounds a product and a sum once together.
override HOST_FUSES: bool = true;

// `nothing` is 0, which no compiler may know.
fn host_sum(x: f32, y: f32, z: f32, nothing: u32) -> f32 {
    if HOST_FUSES {
        return fused(x, y, z);
    }
    return summed(kept_apart(multiplied(x, y), nothing), z);
}

// Whether the exponential of a number that is not above zero comes to nothing: below -105, by bits, as there may be
// infinity. The host takes -105 in its place.
fn is_far_below(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) >= 0x42d20000u;
}

// Of a number that is not above zero.
fn host_exp(x: f32, nothing: u32) -> f32 {
    if is_nan(x) {
        return x;
    }
    if is_far_below(x) {
        return 0.0;
    }
    let n = nearest_whole(kept_apart(multiplied(x, 1.44269504), nothing));
    var r = host_sum(n, -0.693359375, x, nothing);
    r = host_sum(n, 2.1219444e-4, r, nothing);
    var q = host_sum(0.0013814465, r, 0.008368781, nothing);
    q = host_sum(q, r, 0.041668393, nothing);
    q = host_sum(q, r, 0.1666652, nothing);
    q = host_sum(q, r, 0.5, nothing);
    let p = host_sum(kept_apart(multiplied(q, r), nothing), r, r, nothing);
    let e = bitcast<u32>(added(kept_apart(p, nothing), 1.0));
    // Of a number near 1: what has no exponent of its own is rounded to what there is.
    return bitcast<f32>(rounded(0u, i32(e >> 23u) - 150 + to_whole(n), (e & 0x7fffffu) | 0x800000u));
}
