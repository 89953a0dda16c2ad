// The way through a tensor by its axes, for up to three operands with steps of their own.
//
// A kernel's uniform buffer is called `p` and has a member `walk`; it is filled in `shared.rs`.

struct Walk {
    // Elements of the output.
    len: u32,
    // Words of the output.
    words: u32,
    axes: u32,
    // The kernel's own.
    extra: u32,
    // Size, and steps in each operand.
    axis: array<vec4<u32>, 8>,
}

// Where element `i` lies in each operand.
fn places(i: u32) -> vec3<u32> {
    var rest = i;
    var at = vec3<u32>(0u);
    for (var k = p.walk.axes; k > 1u; k--) {
        let axis = p.walk.axis[k - 1u];
        let outer = rest / axis.x;
        at += (rest - outer * axis.x) * axis.yzw;
        rest = outer;
    }
    return at + rest * p.walk.axis[0].yzw;
}
