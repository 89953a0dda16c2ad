// use index
// use element
// Means of bytes. A sum is exact, and the host has told from which sum on each result is reached: so no rounding is
// left to do. An invocation owns a word of the result.

override KIND: u32 = 2u;

struct Parameters {
    words: u32,
    len: u32,
    // How many axes stay, and how many are added up.
    kept: u32,
    summed: u32,
    // Elements that are added up.
    each: u32,
    zero: i32,
    low: i32,
    spare: u32,
    // Size and step: of the axes that stay, then of the others.
    walk: array<vec4<u32>, 8>,
    // The least sum that gives low + 1, low + 2 and so on, in order.
    limits: array<vec4<i32>, 64>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Parameters;

fn place(number: u32, first: u32, axes: u32) -> u32 {
    var rest = number;
    var at = 0u;
    for (var i = first + axes; i > first; i--) {
        let axis = p.walk[i - 1u];
        at += (rest % axis.x) * axis.y;
        rest /= axis.x;
    }
    return at;
}

fn result_of(i: u32) -> u32 {
    let begin = place(i, 0u, p.kept);
    var sum = 0;
    for (var k = 0u; k < p.each; k++) {
        let at = begin + place(k, p.kept, p.summed);
        sum += bitcast<i32>(to_int(bits_of(x[at / 4u], at, KIND), KIND)) - p.zero;
    }
    // How many limits the sum has reached.
    var reached = 0u;
    for (var step = 128u; step > 0u; step /= 2u) {
        let limit = reached + step - 1u;
        if sum >= p.limits[limit / 4u][limit % 4u] {
            reached += step;
        }
    }
    return bitcast<u32>(p.low + i32(reached)) & 0xffu;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let word = linear(id, groups);
    if word >= p.words {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < 4u; lane++) {
        result |= result_of(min(word * 4u + lane, p.len - 1u)) << (8u * lane);
    }
    y[word] = result;
}
