// use element
// use math
// Slices become distributions. A group owns a slice.

override KIND: u32 = 1u;
// Soft, Log, Hard.
override MODE: u32 = 0u;

const GROUP: u32 = 64u;

struct Parameters {
    slices: u32,
    // Elements of a slice, and from one to the next.
    len: u32,
    step: u32,
    unused: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Parameters;

var<workgroup> shared_floats: array<f32, GROUP>;
var<workgroup> shared_places: array<u32, GROUP>;

fn element(i: u32) -> f32 {
    return to_float(bits_of(x[i / per_word(KIND)], i, KIND), KIND);
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let slice = group.y * groups.x + group.x;
    if slice >= p.slices {
        return;
    }
    let start = (slice / p.step) * p.len * p.step + slice % p.step;

    // The maximum of what is a number, and its first place. NaN is remembered as a place beyond all.
    var best = -infinity();
    var place = 0xfffffffeu;
    for (var k = me; k < p.len; k += GROUP) {
        let e = element(start + k * p.step);
        if is_nan(e) {
            place = 0xffffffffu;
        } else if place != 0xffffffffu && (e > best || place == 0xfffffffeu) {
            best = e;
            place = k;
        }
    }
    shared_floats[me] = best;
    shared_places[me] = place;
    workgroupBarrier();
    for (var half = GROUP / 2u; half > 0u; half = half / 2u) {
        if me < half {
            let other = shared_floats[me + half];
            let other_place = shared_places[me + half];
            let mine = shared_places[me];
            if other_place == 0xffffffffu || mine == 0xffffffffu {
                shared_places[me] = 0xffffffffu;
            } else if other_place != 0xfffffffeu
                && (mine == 0xfffffffeu || other > shared_floats[me]
                    || (other == shared_floats[me] && other_place < mine)) {
                shared_floats[me] = other;
                shared_places[me] = other_place;
            }
        }
        workgroupBarrier();
    }
    let most = shared_floats[0];
    let first = shared_places[0];
    workgroupBarrier();

    if MODE == 2u {
        for (var k = me; k < p.len; k += GROUP) {
            y[start + k * p.step] = select(0.0, 1.0, k == first);
        }
        return;
    }
    var sum = 0.0;
    for (var k = me; k < p.len; k += GROUP) {
        sum += exponential(element(start + k * p.step) - most);
    }
    shared_floats[me] = sum;
    workgroupBarrier();
    for (var half = GROUP / 2u; half > 0u; half = half / 2u) {
        if me < half {
            shared_floats[me] += shared_floats[me + half];
        }
        workgroupBarrier();
    }
    let total = shared_floats[0];
    let log_total = logarithm(total);
    // From an infinite maximum no distance is a number.
    let is_broken = first == 0xffffffffu || is_infinite(most);
    for (var k = me; k < p.len; k += GROUP) {
        let distance = element(start + k * p.step) - most;
        if is_broken {
            y[start + k * p.step] = not_a_number();
        } else if MODE == 1u {
            y[start + k * p.step] = distance - log_total;
        } else {
            y[start + k * p.step] = exponential(distance) / total;
        }
    }
}
