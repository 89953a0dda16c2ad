// use element
// Rows without their mean, divided by their deviation, with a scale and a bias of their own; before that, a skip
// connection may be added. A group owns a row.

override KIND: u32 = 1u;
override SCALE_KIND: u32 = 1u;
override CENTERED: bool = true;
override HAS_SKIP: bool = false;
override HAS_SKIP_BIAS: bool = false;
override HAS_BIAS: bool = false;

const GROUP: u32 = 64u;

struct Parameters {
    rows: u32,
    len: u32,
    // Elements after which scale, bias and skip begin again.
    scale_len: u32,
    bias_len: u32,
    skip_len: u32,
    // What is kept: nothing, the sums with the skip connection, or each row's mean, and behind all of these what
    // each row is multiplied by.
    keep: u32,
    epsilon: f32,
    unused: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> scale: array<u32>;
@group(0) @binding(2) var<storage, read> bias: array<u32>;
@group(0) @binding(3) var<storage, read> skip: array<u32>;
@group(0) @binding(4) var<storage, read> skip_bias: array<u32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read_write> kept: array<f32>;
@group(0) @binding(7) var<uniform> p: Parameters;

var<workgroup> shared_floats: array<f32, GROUP>;

fn element(row: u32, k: u32) -> f32 {
    let i = row * p.len + k;
    let per = per_word(KIND);
    var e = to_float(bits_of(x[i / per], i, KIND), KIND);
    if HAS_SKIP {
        let at = i % p.skip_len;
        e += to_float(bits_of(skip[at / per], at, KIND), KIND);
    }
    if HAS_SKIP_BIAS {
        e += to_float(bits_of(skip_bias[k / per], k, KIND), KIND);
    }
    return e;
}

// The sum of one number of each invocation.
fn total(me: u32, mine: f32) -> f32 {
    shared_floats[me] = mine;
    workgroupBarrier();
    for (var half = GROUP / 2u; half > 0u; half = half / 2u) {
        if me < half {
            shared_floats[me] += shared_floats[me + half];
        }
        workgroupBarrier();
    }
    let result = shared_floats[0];
    workgroupBarrier();
    return result;
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let row = group.y * groups.x + group.x;
    if row >= p.rows {
        return;
    }
    var mean = 0.0;
    if CENTERED {
        var mine = 0.0;
        for (var k = me; k < p.len; k += GROUP) {
            mine += element(row, k);
        }
        mean = total(me, mine) / f32(p.len);
    }
    var squares = 0.0;
    for (var k = me; k < p.len; k += GROUP) {
        let distance = element(row, k) - mean;
        squares += distance * distance;
    }
    let factor = 1.0 / sqrt(total(me, squares) / f32(p.len) + p.epsilon);
    if p.keep == 2u && me == 0u {
        kept[row] = mean;
        kept[p.rows + row] = factor;
    }
    let per = per_word(SCALE_KIND);
    for (var k = me; k < p.len; k += GROUP) {
        let e = element(row, k);
        let at = k % p.scale_len;
        var result = (e - mean) * factor * to_float(bits_of(scale[at / per], at, SCALE_KIND), SCALE_KIND);
        if HAS_BIAS {
            let of_bias = k % p.bias_len;
            result += to_float(bits_of(bias[of_bias / per], of_bias, SCALE_KIND), SCALE_KIND);
        }
        y[row * p.len + k] = result;
        if p.keep == 1u {
            kept[row * p.len + k] = e;
        }
    }
}
