// The two factors of a matrix product, wherever their rows and columns lie. `element`, `vectors` and `finish`
// come before; the file declares `left`, `right` and `p`.
//
// Of a factor, either lines (rows of the left one, columns of the right one) or the depth lie side by side in
// memory; the others are a step apart.

// Whether the depth lies side by side.
override LEFT_DEEP: u32 = 1u;
override RIGHT_DEEP: u32 = 0u;

struct Product {
    last: Finish,
    // Rows, columns, depth, and tiles or slices altogether.
    sizes: vec4<u32>,
    // For each factor: its step, and whether vectors of it begin at whole vectors.
    steps: vec4<u32>,
    // Of the addend, between rows and between columns; how many products; how many axes they have.
    addend: vec4<u32>,
    // The batch: sizes, and steps of each factor.
    axes: array<vec4<u32>, 8>,
}

// Where the matrices of a product of the batch begin, on the left and on the right.
fn matrices(number: u32) -> vec2<u32> {
    var at = vec2<u32>(0u, 0u);
    var rest = number;
    for (var i = p.addend.w; i > 0u; i--) {
        let axis = p.axes[i - 1u];
        at += (rest % axis.x) * axis.yz;
        rest /= axis.x;
    }
    return at;
}

fn left_one(i: u32) -> f32 {
    return one_of(left[vector_at(i, KIND)], i, KIND);
}

fn right_one(i: u32) -> f32 {
    return one_of(right[vector_at(i, KIND)], i, KIND);
}

// Four elements from `inner` on that lie side by side, of those `inners` that begin at `at`; zeros after them.
fn left_vector(at: u32, inner: u32, inners: u32) -> vec4<f32> {
    let i = at + inner;
    if p.steps.y != 0u && inner + 4u <= inners {
        return four_of(left[vector_at(i, KIND)], i, KIND);
    }
    var v = vec4<f32>();
    if inner < inners { v.x = left_one(i); }
    if inner + 1u < inners { v.y = left_one(i + 1u); }
    if inner + 2u < inners { v.z = left_one(i + 2u); }
    if inner + 3u < inners { v.w = left_one(i + 3u); }
    return v;
}

fn right_vector(at: u32, inner: u32, inners: u32) -> vec4<f32> {
    let i = at + inner;
    if p.steps.w != 0u && inner + 4u <= inners {
        return four_of(right[vector_at(i, KIND)], i, KIND);
    }
    var v = vec4<f32>();
    if inner < inners { v.x = right_one(i); }
    if inner + 1u < inners { v.y = right_one(i + 1u); }
    if inner + 2u < inners { v.z = right_one(i + 2u); }
    if inner + 3u < inners { v.w = right_one(i + 3u); }
    return v;
}
