// Groups of elements along some axes of a tensor: where they begin, and where their elements lie.
//
// A kernel's uniform buffer is called `p` and has a member `groups`; it is filled in `reduce.rs`.

struct Groups {
    count: u32,
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
    for (var k = p.groups.kept_axes; k > 1u; k--) {
        let axis = p.groups.kept[k - 1u];
        let outer = rest / axis.x;
        at += (rest - outer * axis.x) * axis.y;
        rest = outer;
    }
    return at + rest * p.groups.kept[0].y;
}

fn place_of(i: u32) -> u32 {
    var rest = i;
    var at = 0u;
    for (var k = p.groups.gone_axes; k > 1u; k--) {
        let axis = p.groups.gone[k - 1u];
        let outer = rest / axis.x;
        at += (rest - outer * axis.x) * axis.y;
        rest = outer;
    }
    return at + rest * p.groups.gone[0].y;
}
