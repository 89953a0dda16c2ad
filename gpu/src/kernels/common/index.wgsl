// Which piece of work an invocation does.
//
// Groups are one-dimensional; where there are more than one dimension holds, they lie in rows.

const GROUP: u32 = 64u;

fn linear(id: vec3<u32>, groups: vec3<u32>) -> u32 {
    return id.y * groups.x * GROUP + id.x;
}
