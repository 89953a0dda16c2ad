// Groups of elements along some axes of a tensor: where they begin, and where their elements lie.
//
// A kernel's uniform buffer is called `p` and is a `Groups`; it is filled in `reduce.rs`.

struct Groups {
    groups: u32,
    // Elements of a group.
    len: u32,
    kept_axes: u32,
    gone_axes: u32,
    // Size and step of the axes that stay, then of those that go.
    kept: array<vec4<u32>, 8>,
    gone: array<vec4<u32>, 8>,
}

fn start_of(group: u32) -> u32 {
    var rest = group;
    var at = 0u;
    for (var k = p.kept_axes; k > 1u; k--) {
        let axis = p.kept[k - 1u];
        let outer = rest / axis.x;
        at += (rest - outer * axis.x) * axis.y;
        rest = outer;
    }
    return at + rest * p.kept[0].y;
}

fn place_of(i: u32) -> u32 {
    var rest = i;
    var at = 0u;
    for (var k = p.gone_axes; k > 1u; k--) {
        let axis = p.gone[k - 1u];
        let outer = rest / axis.x;
        at += (rest - outer * axis.x) * axis.y;
        rest = outer;
    }
    return at + rest * p.gone[0].y;
}
