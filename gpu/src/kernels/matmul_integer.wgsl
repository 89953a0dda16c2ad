// use element
// use bytes
// Products of matrices of bytes by tiles, summed in 32 bits, less their zero points. A group computes a tile of 64
// by 64, an invocation 4 by 4 of it, four steps of depth at a time.

override A_KIND: u32 = 2u;
override B_KIND: u32 = 3u;
override HAS_A_ZERO: bool = false;
override HAS_B_ZERO: bool = false;

const TILE: u32 = 64u;
// Words of four bytes.
const DEPTH: u32 = 8u;

struct Parameters {
    rows: u32,
    cols: u32,
    depth: u32,
    batches: u32,
    // From row to row and from column to column of each factor, and from line to line of the zero points.
    left: vec2<u32>,
    right: vec2<u32>,
    zeros: vec2<u32>,
    axes: u32,
    unused: u32,
    // Of the batch: size, and steps of both factors.
    axis: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read> a_zero: array<u32>;
@group(0) @binding(3) var<storage, read> b_zero: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<i32>;
@group(0) @binding(5) var<uniform> p: Parameters;

var<workgroup> shared_left: array<u32, 512>;
var<workgroup> shared_right: array<u32, 512>;

fn starts(batch: u32) -> vec2<u32> {
    var rest = batch;
    var at = vec2<u32>(0u);
    for (var k = p.axes; k > 1u; k--) {
        let axis = p.axis[k - 1u];
        let outer = rest / axis.x;
        at += (rest - outer * axis.x) * axis.yz;
        rest = outer;
    }
    return at + rest * p.axis[0].yz;
}

// Four bytes of a row of `a` from `start` on, `step` apart, as far as there are any.
fn left_word(start: u32, k: u32, step: u32) -> u32 {
    if step == 1u && (start & 3u) == 0u && k + 4u <= p.depth {
        return signed_bytes(a[start / 4u], A_KIND);
    }
    var word = 0u;
    for (var i = 0u; i < 4u; i++) {
        if k + i < p.depth {
            let at = start + i * step;
            word |= signed_byte(bits_of(a[at / 4u], at, A_KIND), A_KIND) << (8u * i);
        }
    }
    return word;
}

fn right_word(start: u32, k: u32, step: u32) -> u32 {
    if step == 1u && (start & 3u) == 0u && k + 4u <= p.depth {
        return signed_bytes(b[start / 4u], B_KIND);
    }
    var word = 0u;
    for (var i = 0u; i < 4u; i++) {
        if k + i < p.depth {
            let at = start + i * step;
            word |= signed_byte(bits_of(b[at / 4u], at, B_KIND), B_KIND) << (8u * i);
        }
    }
    return word;
}

@compute @workgroup_size(16, 16)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let first_col = group.x * TILE;
    let first_row = group.y * TILE;
    for (var batch = group.z; batch < p.batches; batch += groups.z) {
        let start = starts(batch);
        var sums: array<vec4<i32>, 4>;
        var of_rows = vec4<i32>(0);
        var of_cols = vec4<i32>(0);
        for (var i = 0u; i < 4u; i++) {
            sums[i] = vec4<i32>(0);
        }
        for (var first = 0u; first < p.depth; first += 4u * DEPTH) {
            for (var i = me; i < TILE * DEPTH; i += 256u) {
                let line = i % TILE;
                let k = first + 4u * (i / TILE);
                var left = 0u;
                if first_row + line < p.rows && k < p.depth {
                    left = left_word(start.x + (first_row + line) * p.left.x + k * p.left.y, k, p.left.y);
                }
                shared_left[i] = left;
                var right = 0u;
                if first_col + line < p.cols && k < p.depth {
                    right = right_word(start.y + (first_col + line) * p.right.y + k * p.right.x, k, p.right.x);
                }
                shared_right[i] = right;
            }
            workgroupBarrier();
            for (var k = 0u; k < DEPTH; k++) {
                let at_left = k * TILE + local.y * 4u;
                let at_right = k * TILE + local.x * 4u;
                for (var j = 0u; j < 4u; j++) {
                    let right = shared_right[at_right + j];
                    of_cols[j] += dot4I8Packed(right, 0x01010101u);
                    of_rows[j] += dot4I8Packed(shared_left[at_left + j], 0x01010101u);
                    for (var i = 0u; i < 4u; i++) {
                        sums[i][j] += dot4I8Packed(shared_left[at_left + i], right);
                    }
                }
            }
            workgroupBarrier();
        }
        for (var i = 0u; i < 4u; i++) {
            let m = first_row + local.y * 4u + i;
            for (var j = 0u; j < 4u; j++) {
                let n = first_col + local.x * 4u + j;
                if m < p.rows && n < p.cols {
                    var left_zero = signed_zero(0u, A_KIND);
                    if HAS_A_ZERO {
                        let at = m * p.zeros.x;
                        left_zero = signed_zero(bits_of(a_zero[at / 4u], at, A_KIND), A_KIND);
                    }
                    var right_zero = signed_zero(0u, B_KIND);
                    if HAS_B_ZERO {
                        let at = n * p.zeros.y;
                        right_zero = signed_zero(bits_of(b_zero[at / 4u], at, B_KIND), B_KIND);
                    }
                    y[(batch * p.rows + m) * p.cols + n] =
                        without_zeros(sums[i][j], of_rows[i], of_cols[j], p.depth, left_zero, right_zero);
                }
            }
        }
    }
}
