// use index
// use element
// use math
// Each element over a power of the squares around it, along the channels. An invocation owns a word.

override KIND: u32 = 1u;

struct Parameters {
    // Elements, channels, positions of a channel.
    sizes: vec4<u32>,
    // Channels before and after.
    around: vec4<u32>,
    // Weight of a square, power, bias.
    weights: vec4<f32>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Parameters;

fn element(i: u32) -> f32 {
    return to_float(bits_of(x[i / per_word(KIND)], i, KIND), KIND);
}

fn normalized(i: u32) -> f32 {
    let channel = i / p.sizes.z % p.sizes.y;
    let first = channel - min(channel, p.around.x);
    let end = channel + min(p.sizes.y - channel, p.around.y + 1u);
    var at = i - (channel - first) * p.sizes.z;
    var squares = 0.0;
    for (var c = first; c < end; c++) {
        let v = element(at);
        squares += v * v;
        at += p.sizes.z;
    }
    return element(i) / power(p.weights.z + p.weights.x * squares, p.weights.y);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let word = linear(id, groups);
    let each = per_word(KIND);
    if word * each >= p.sizes.x {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < each && word * each + lane < p.sizes.x; lane++) {
        result |= placed(from_float(normalized(word * each + lane), KIND), lane, KIND);
    }
    y[word] = result;
}
