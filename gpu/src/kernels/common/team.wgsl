// Which group of elements an invocation works on, and which part of it: a workgroup is the team of one group, or each
// of its invocations is alone with one. `groups` comes before; the file has `GROUP`, the invocations of a workgroup.

// Whether each invocation has a group of its own.
override ALONE: bool = false;

struct Part {
    // The group, and whether there is such a one.
    group: u32,
    is_there: bool,
    // Where the group begins, and its elements: none of a group that is not there, since barriers must be reached by all.
    start: u32,
    len: u32,
    // The invocation's elements: the first, and how far it is to the next.
    first: u32,
    step: u32,
}

fn part_of(workgroup: vec3<u32>, workgroups: vec3<u32>, me: u32) -> Part {
    let team = workgroup.y * workgroups.x + workgroup.x;
    let group = select(team, team * GROUP + me, ALONE);
    let is_there = group < p.groups.count;
    let len = select(0u, p.groups.len, is_there);
    return Part(group, is_there, start_of(group), len, select(me, 0u, ALONE), select(GROUP, 1u, ALONE));
}
