// use element
// use math
// use activate
// Matrix products by tiles, with what may follow them: alpha, a row added, a tensor added, an activation.
//
// A group computes a tile of 64 by 64; an invocation 4 by 4 of it. Factors are read by steps, so that they may
// lie either way.

override KIND: u32 = 1u;
override HAS_ROW: bool = false;
override HAS_ADDEND: bool = false;
override ACTIVATION: u32 = 0u;

const TILE: u32 = 64u;
const DEPTH: u32 = 16u;

struct Parameters {
    rows: u32,
    cols: u32,
    depth: u32,
    batches: u32,
    // From row to row and from column to column, of each factor and of what is added.
    left: vec2<u32>,
    right: vec2<u32>,
    addend: vec2<u32>,
    alpha: f32,
    beta: f32,
    of_function: vec4<f32>,
    axes: vec4<u32>,
    // Of the batch: size, and steps of both factors and of what is added.
    axis: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read> row: array<u32>;
@group(0) @binding(3) var<storage, read> addend: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> p: Parameters;

// Both tiles lie depth by depth.
var<workgroup> shared_left: array<f32, 1024>;
var<workgroup> shared_right: array<f32, 1024>;

fn starts(batch: u32) -> vec3<u32> {
    var rest = batch;
    var at = vec3<u32>(0u);
    for (var k = p.axes.x; k > 1u; k--) {
        let axis = p.axis[k - 1u];
        let outer = rest / axis.x;
        at += (rest - outer * axis.x) * axis.yzw;
        rest = outer;
    }
    return at + rest * p.axis[0].yzw;
}

fn finished(sum: f32, start: u32, m: u32, n: u32) -> f32 {
    let per = per_word(KIND);
    var result = sum * p.alpha;
    if HAS_ROW {
        result += to_float(bits_of(row[n / per], n, KIND), KIND);
    }
    if HAS_ADDEND {
        let at = start + m * p.addend.x + n * p.addend.y;
        result += p.beta * to_float(bits_of(addend[at / per], at, KIND), KIND);
    }
    return activate(ACTIVATION, result, p.of_function);
}

@compute @workgroup_size(16, 16)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let per = per_word(KIND);
    let first_col = group.x * TILE;
    let first_row = group.y * TILE;
    for (var batch = group.z; batch < p.batches; batch += groups.z) {
        let start = starts(batch);
        var sums: array<vec4<f32>, 4>;
        for (var i = 0u; i < 4u; i++) {
            sums[i] = vec4<f32>(0.0);
        }
        for (var first = 0u; first < p.depth; first += DEPTH) {
            for (var i = me; i < TILE * DEPTH; i += 256u) {
                // Neighbors in memory are read by neighbors.
                let by_depth = p.left.y == 1u;
                let k = select(i / TILE, i % DEPTH, by_depth);
                let m = select(i % TILE, i / DEPTH, by_depth);
                var e = 0.0;
                if first + k < p.depth && first_row + m < p.rows {
                    let at = start.x + (first_row + m) * p.left.x + (first + k) * p.left.y;
                    e = to_float(bits_of(a[at / per], at, KIND), KIND);
                }
                shared_left[k * TILE + m] = e;
            }
            for (var i = me; i < TILE * DEPTH; i += 256u) {
                let by_depth = p.right.x == 1u;
                let k = select(i / TILE, i % DEPTH, by_depth);
                let n = select(i % TILE, i / DEPTH, by_depth);
                var e = 0.0;
                if first + k < p.depth && first_col + n < p.cols {
                    let at = start.y + (first + k) * p.right.x + (first_col + n) * p.right.y;
                    e = to_float(bits_of(b[at / per], at, KIND), KIND);
                }
                shared_right[k * TILE + n] = e;
            }
            workgroupBarrier();
            for (var k = 0u; k < DEPTH; k++) {
                let at = k * TILE + local.x * 4u;
                let right = vec4<f32>(
                    shared_right[at], shared_right[at + 1u], shared_right[at + 2u], shared_right[at + 3u],
                );
                let left = k * TILE + local.y * 4u;
                for (var i = 0u; i < 4u; i++) {
                    sums[i] += shared_left[left + i] * right;
                }
            }
            workgroupBarrier();
        }
        for (var i = 0u; i < 4u; i++) {
            let m = first_row + local.y * 4u + i;
            for (var j = 0u; j < 4u; j++) {
                let n = first_col + local.x * 4u + j;
                if m < p.rows && n < p.cols {
                    y[(batch * p.rows + m) * p.cols + n] = finished(sums[i][j], start.z, m, n);
                }
            }
        }
    }
}
