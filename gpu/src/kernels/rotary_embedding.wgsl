// use element
// use wide
// use span
// use status
// Rows of heads as attention wants them: with a bias, normalized, and turned by the angles of their positions, each
// where that is asked for. A group owns a row. The rows of two tensors can go together, if they only turn.

override KIND: u32 = 1u;
// Of a bias, to which the sum is rounded, as a cache would keep it; 0: there is none.
override BIAS_KIND: u32 = 0u;
// Of the weights of a norm; 0: there is none. Nobody asks for both.
override WEIGHT_KIND: u32 = 0u;
// Whether there are rows of a second tensor in place of either.
override PAIRED: bool = false;
override TURNED: bool = false;
override INTERLEAVED: bool = false;
// Of the tables of cosines and sines, and of position ids: 0 where a row's own number is its position.
override TABLE_KIND: u32 = 1u;
override POSITION_KIND: u32 = 0u;

const GROUP: u32 = 64u;

// First element, then steps from batch to batch, head to head, position to position: of what is read, and of what is
// written.
struct Rows {
    x: vec4<u32>,
    y: vec4<u32>,
}

struct Parameters {
    rows: array<Rows, 2>,
    extent: Extent,
    // Positions, elements of a row, heads, and heads of a second tensor.
    sizes: vec4<u32>,
    // Where the bias of these heads begins; angles of a position; positions that have some; how ids are taken.
    tables: vec4<u32>,
    epsilon: f32,
    // Of the cache: positions continue those of its rows.
    continued: u32,
    // Of the status.
    word: u32,
    // Of the first tensor.
    batches: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
// A bias, weights, or rows of a second tensor.
@group(0) @binding(1) var<storage, read> factors: array<u32>;
@group(0) @binding(2) var<storage, read> cosines: array<u32>;
@group(0) @binding(3) var<storage, read> sines: array<u32>;
@group(0) @binding(4) var<storage, read> positions: array<u32>;
@group(0) @binding(5) var<storage, read> lengths: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(8) var<uniform> p: Parameters;

var<workgroup> shared_floats: array<f32, GROUP>;

struct Row {
    // The tensor, and where the row begins in it and in the result.
    tensor: u32,
    x: u32,
    y: u32,
    batch: u32,
    head: u32,
    position: u32,
}

// Those of the first tensor come first.
fn row_of(i: u32, of_first: u32) -> Row {
    let tensor = select(0u, 1u, PAIRED && i >= of_first);
    let among = i - select(0u, of_first, tensor == 1u);
    let heads = select(p.sizes.z, p.sizes.w, tensor == 1u);
    let at = vec3<u32>(among / (heads * p.sizes.x), among % heads, among / heads % p.sizes.x);
    let rows = p.rows[tensor];
    return Row(tensor, rows.x.x + dot(at, rows.x.yzw), rows.y.x + dot(at, rows.y.yzw), at.x, at.y, at.z);
}

fn biased(row: Row, d: u32) -> f32 {
    let i = row.x + d;
    if PAIRED && row.tensor == 1u {
        return to_float(bits_of(factors[i / per_word(KIND)], i, KIND), KIND);
    }
    var e = to_float(bits_of(x[i / per_word(KIND)], i, KIND), KIND);
    if BIAS_KIND != 0u {
        let b = p.tables.x + row.head * p.sizes.y + d;
        let added = to_float(bits_of(factors[b / per_word(BIAS_KIND)], b, BIAS_KIND), BIAS_KIND);
        e = to_float(from_float(e + added, BIAS_KIND), BIAS_KIND);
    }
    return e;
}

// With its row divided by the row's size.
fn element(row: Row, d: u32, factor: f32) -> f32 {
    let e = biased(row, d);
    if WEIGHT_KIND == 0u {
        return e;
    }
    return e * factor * to_float(bits_of(factors[d / per_word(WEIGHT_KIND)], d, WEIGHT_KIND), WEIGHT_KIND);
}

// The position of a row, in 64 bits.
fn position_of(batch: u32, position: u32) -> vec2<u32> {
    let at = batch * p.sizes.x + position;
    if POSITION_KIND != 0u {
        // Of all rows, or of the first one.
        let id = select(0u, at, p.tables.w == 0u);
        let behind = vec2<u32>(select(0u, position, p.tables.w != 0u), 0u);
        if POSITION_KIND == I64 {
            return wide_add(vec2<u32>(positions[2u * id], positions[2u * id + 1u]), behind);
        }
        return wide_add(spread(positions[id]), behind);
    }
    if p.continued != 0u {
        return vec2<u32>(span_of(p.extent, batch).past + position, 0u);
    }
    return vec2<u32>(at, 0u);
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let i = group.y * groups.x + group.x;
    let of_one_head = p.batches * p.sizes.x;
    if i >= of_one_head * (p.sizes.z + p.sizes.w) {
        return;
    }
    let row = row_of(i, of_one_head * p.sizes.z);
    let width = p.sizes.y;

    var factor = 1.0;
    if WEIGHT_KIND != 0u {
        var squares = 0.0;
        for (var d = me; d < width; d += GROUP) {
            let e = biased(row, d);
            squares += e * e;
        }
        shared_floats[me] = squares;
        workgroupBarrier();
        for (var half = GROUP / 2u; half > 0u; half /= 2u) {
            if me < half {
                shared_floats[me] += shared_floats[me + half];
            }
            workgroupBarrier();
        }
        factor = 1.0 / sqrt(shared_floats[0] / f32(width) + p.epsilon);
    }
    let angles = select(0u, p.tables.y, TURNED);
    var row_of_table = 0u;
    if angles > 0u {
        row_of_table = checked(position_of(row.batch, row.position), 0u, p.tables.z - 1u, p.word);
    }
    for (var a = me; a < angles; a += GROUP) {
        let here = select(a, 2u * a, INTERLEAVED);
        let there = select(a + angles, 2u * a + 1u, INTERLEAVED);
        let of_table = row_of_table * angles + a;
        let per = per_word(TABLE_KIND);
        let cosine = to_float(bits_of(cosines[of_table / per], of_table, TABLE_KIND), TABLE_KIND);
        let sine = to_float(bits_of(sines[of_table / per], of_table, TABLE_KIND), TABLE_KIND);
        let re = element(row, here, factor);
        let im = element(row, there, factor);
        y[row.y + here] = re * cosine - im * sine;
        y[row.y + there] = re * sine + im * cosine;
    }
    for (var d = 2u * angles + me; d < width; d += GROUP) {
        y[row.y + d] = element(row, d, factor);
    }
}
