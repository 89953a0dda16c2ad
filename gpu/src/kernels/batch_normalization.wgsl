// use index
// use element
// Every channel with its own mean, variance, scale and shift. An invocation owns a word.

override KIND: u32 = 1u;
override SCALE_KIND: u32 = 1u;
override MEAN_KIND: u32 = 1u;

struct Parameters {
    // Elements, channels, positions of a channel.
    sizes: vec4<u32>,
    epsilon: vec4<f32>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> scale: array<u32>;
@group(0) @binding(2) var<storage, read> shift: array<u32>;
@group(0) @binding(3) var<storage, read> mean: array<u32>;
@group(0) @binding(4) var<storage, read> variance: array<u32>;
@group(0) @binding(5) var<storage, read_write> y: array<u32>;
@group(0) @binding(6) var<uniform> p: Parameters;

fn normalized(element: f32, c: u32) -> f32 {
    let s = to_float(bits_of(scale[c / per_word(SCALE_KIND)], c, SCALE_KIND), SCALE_KIND);
    let b = to_float(bits_of(shift[c / per_word(SCALE_KIND)], c, SCALE_KIND), SCALE_KIND);
    let m = to_float(bits_of(mean[c / per_word(MEAN_KIND)], c, MEAN_KIND), MEAN_KIND);
    let v = to_float(bits_of(variance[c / per_word(MEAN_KIND)], c, MEAN_KIND), MEAN_KIND);
    return (element - m) * (s / sqrt(v + p.epsilon.x)) + b;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let word = linear(id, groups);
    let each = per_word(KIND);
    if word * each >= p.sizes.x {
        return;
    }
    let elements = x[word];
    var result = 0u;
    for (var lane = 0u; lane < each; lane++) {
        let c = (word * each + lane) / p.sizes.z % p.sizes.y;
        let element = to_float(bits_of(elements, lane, KIND), KIND);
        result |= placed(from_float(normalized(element, c), KIND), lane, KIND);
    }
    y[word] = result;
}
