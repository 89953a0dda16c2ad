// use index
// use element
// use indices
// use status
// How unlikely the right class of every sample is, and what the sample weighs. An invocation takes a sample.

override KIND: u32 = 1u;
override WEIGHT_KIND: u32 = 1u;
override WEIGHTED: bool = false;
override IGNORES: bool = false;

struct Parameters {
    samples: u32,
    classes: u32,
    // Samples of an entry of the batch.
    positions: u32,
    // Of the status.
    word: u32,
    // The class of samples that do not count.
    ignored: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> likelihood: array<u32>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<u32>;
// The losses of all samples, then their weights.
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(5) var<uniform> p: Parameters;

fn is_ignored(i: u32) -> bool {
    if !IGNORES {
        return false;
    }
    if WIDE_INDICES {
        return indices[2u * i] == p.ignored.x && indices[2u * i + 1u] == p.ignored.y;
    }
    return indices[i] == p.ignored.x;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.samples {
        return;
    }
    if is_ignored(i) {
        y[i] = 0.0;
        y[p.samples + i] = 0.0;
        return;
    }
    let right = checked(index_at(i), 0u, p.classes - 1u, p.word);
    let at = (i / p.positions * p.classes + right) * p.positions + i % p.positions;
    let loss = -to_float(bits_of(likelihood[at / per_word(KIND)], at, KIND), KIND);
    var weight = 1.0;
    if WEIGHTED {
        weight = to_float(bits_of(weights[right / per_word(WEIGHT_KIND)], right, WEIGHT_KIND), WEIGHT_KIND);
    }
    y[i] = loss * weight;
    y[p.samples + i] = weight;
}
