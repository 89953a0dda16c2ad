// Rows that are normalized, with a skip connection added to them before. `element` comes before; the file declares `x`,
// `scale`, `skip`, `skip_bias` and `kept`.

override KIND: u32 = 1u;
override SCALE_KIND: u32 = 1u;
override HAS_SKIP: bool = false;
override HAS_SKIP_BIAS: bool = false;

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
    // Numbers of a block in 8 bits.
    block: u32,
}

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

// What a row without its mean is multiplied by; kept beside the mean where that is asked for.
fn factor_of(row: u32, me: u32, mean: f32) -> f32 {
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
    return factor;
}

fn scale_of(k: u32) -> f32 {
    let at = k % p.scale_len;
    return to_float(bits_of(scale[at / per_word(SCALE_KIND)], at, SCALE_KIND), SCALE_KIND);
}
