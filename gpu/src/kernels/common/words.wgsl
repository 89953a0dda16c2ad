// The elements of the result one by one, where an invocation owns a word. `index` and `element` come before.
//
// The file has a function `element` that gives an element's bits, an override `KIND` and a buffer `y`; its uniform
// buffer is called `p` and has members `len` and `words`.

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.words {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < per_word(KIND); lane++) {
        let at = i * per_word(KIND) + lane;
        if at < p.len {
            result |= placed(element(at), lane, KIND);
        }
    }
    y[i] = result;
}
