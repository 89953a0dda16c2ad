// What follows the sums of a product: a factor, an addend, a tensor of the output's shape, an activation.
// `element`, `math`, `activate` and `vectors` come before; the file declares `addend`, `residual` and `y`.

override KIND: u32 = 1u;
override FUNCTION: u32 = 0u;

struct Finish {
    of_function: vec4<f32>,
    // Of the product, and of the addend.
    factors: vec4<f32>,
    // Whether there is an addend, and whether there is a residual.
    there: vec4<u32>,
    // The depth of a slice, how many slices there are, and elements of the output.
    split: vec4<u32>,
}

fn finish(f: Finish, product: f32, addend_at: u32, at: u32) {
    var x = f.factors.x * product;
    if f.there.x != 0u {
        x += f.factors.y * one_of(addend[vector_at(addend_at, KIND)], addend_at, KIND);
    }
    if f.there.y != 0u {
        x += one_of(residual[vector_at(at, KIND)], at, KIND);
    }
    y[at] = activate(FUNCTION, x, f.of_function);
}

// The same for a slice of the depth: where there are more, `join` does the rest.
fn finish_slice(f: Finish, product: f32, slice: u32, addend_at: u32, at: u32) {
    if f.split.y > 1u {
        y[slice * f.split.z + at] = product;
    } else {
        finish(f, product, addend_at, at);
    }
}
