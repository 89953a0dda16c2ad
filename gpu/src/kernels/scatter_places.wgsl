// use index
// use walk
// use indices
// use status
// use checked_indices
// use picks
// Where updates go. An invocation finds the place of one.

// Whether updates claim their place, of which the last one has it then; otherwise each writes its own down.
override CLAIM: bool = true;

struct Parameters {
    walk: Walk,
    picks: Picks,
}

@group(0) @binding(0) var<storage, read> indices: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<atomic<u32>>;
@group(0) @binding(2) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(3) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let update = linear(id, groups);
    if update >= p.walk.len {
        return;
    }
    let place = start_of(update);
    if CLAIM {
        atomicMax(&y[place], update + 1u);
    } else {
        atomicStore(&y[update], place);
    }
}
