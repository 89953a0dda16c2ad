// The two factors of a matrix product, wherever their rows and columns lie. `element`, `vectors` and `finish`
// come before; the file declares `left`, `right` and `p`.
//
// Of a factor, either lines (rows of the left one, columns of the right one) or the depth lie side by side in
// memory; the others are a step apart.

// Whether the depth lies side by side.
override LEFT_DEEP: u32 = 1u;
override RIGHT_DEEP: u32 = 0u;
// Whether what lies side by side is whole vectors.
override LEFT_WHOLE: bool = false;
override RIGHT_WHOLE: bool = false;

struct Product {
    last: Finish,
    // Rows, columns, depth, and tiles or slices altogether.
    sizes: vec4<u32>,
    // Of each factor.
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

// Four elements from `inner` on that lie side by side, of those `inners` that begin at `at`; zeros after them.
fn left_vector(at: u32, inner: u32, inners: u32) -> vec4<f32> {
    let i = at + inner;
    if LEFT_WHOLE {
        return select(vec4<f32>(), four_of(left[vector_at(i, KIND)], i, KIND), vec4<bool>(inner < inners));
    }
    let four = four_across(left[vector_at(i, KIND)], left[vector_at(i + 3u, KIND)], i, KIND);
    return select(vec4<f32>(), four, inner + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(inners));
}

fn right_vector(at: u32, inner: u32, inners: u32) -> vec4<f32> {
    let i = at + inner;
    if RIGHT_WHOLE {
        return select(vec4<f32>(), four_of(right[vector_at(i, KIND)], i, KIND), vec4<bool>(inner < inners));
    }
    let four = four_across(right[vector_at(i, KIND)], right[vector_at(i + 3u, KIND)], i, KIND);
    return select(vec4<f32>(), four, inner + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(inners));
}
