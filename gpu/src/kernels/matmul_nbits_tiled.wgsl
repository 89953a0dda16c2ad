// use element
// use nbits
// The same product of many rows. A group makes 32 rows and 64 columns, an invocation 4 of each; 16 steps along the
// depth are brought to where all of the group see them, as floats.

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
@group(0) @binding(3) var<storage, read> zeros: array<u32>;
@group(0) @binding(4) var<storage, read> bias: array<u32>;
@group(0) @binding(5) var<storage, read_write> y: array<u32>;
@group(0) @binding(6) var<uniform> p: Parameters;

const ROWS: u32 = 32u;
const COLUMNS: u32 = 64u;
const DEPTH: u32 = 16u;

var<workgroup> a_tile: array<array<f32, 32>, 16>;
var<workgroup> b_tile: array<array<f32, 64>, 16>;

fn zero_of(column: u32, block: u32) -> f32 {
    if ZEROS == 1u {
        let byte = column * p.zero_bytes + block / (8u / BITS);
        return f32(code_of_zero(zeros[byte / 4u], byte, block));
    }
    if ZEROS == 2u {
        let at = column * p.blocks + block;
        return float_at(zeros[at / per_word(SCALE)], at, SCALE);
    }
    return f32(1u << (BITS - 1u));
}

@compute @workgroup_size(128)
fn main(@builtin(local_invocation_index) me: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let first_row = group.y * ROWS;
    let first_column = group.x * COLUMNS;
    let my_row = (me / 16u) * 4u;
    let my_column = (me % 16u) * 4u;
    let codes = 32u / BITS;
    var sums: array<vec4<f32>, 4>;
    for (var i = 0u; i < 4u; i++) {
        sums[i] = vec4<f32>(0.0);
    }
    for (var step = 0u; step < p.depth; step += DEPTH) {
        // Four numbers of A: neighbors along the depth.
        let line = me / 4u;
        for (var i = 0u; i < 4u; i++) {
            let k = (me % 4u) * 4u + i;
            var x = 0.0;
            if first_row + line < p.rows && step + k < p.depth {
                let at = (first_row + line) * p.depth + step + k;
                x = float_at(a[at / per_word(KIND)], at, KIND);
            }
            a_tile[k][line] = x;
        }
        // Half of what a column has in this step: within one block, as no block is shorter.
        let column = me / 2u;
        let half = (me % 2u) * 8u;
        var scale = 0.0;
        var zero = 0.0;
        if first_column + column < p.columns {
            let block = step / p.block;
            let at = (first_column + column) * p.blocks + block;
            scale = float_at(scales[at / per_word(SCALE)], at, SCALE);
            zero = zero_of(first_column + column, block);
        }
        for (var i = 0u; i < 8u; i++) {
            let k = step + half + i;
            var w = 0.0;
            if first_column + column < p.columns && k < p.depth {
                let packed = b[(first_column + column) * p.words + k / codes];
                w = (f32((packed >> (BITS * (k % codes))) & ((1u << BITS) - 1u)) - zero) * scale;
            }
            b_tile[half + i][column] = w;
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            let w = vec4<f32>(
                b_tile[k][my_column],
                b_tile[k][my_column + 1u],
                b_tile[k][my_column + 2u],
                b_tile[k][my_column + 3u],
            );
            for (var i = 0u; i < 4u; i++) {
                sums[i] += a_tile[k][my_row + i] * w;
            }
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i++) {
        let row = first_row + my_row + i;
        if row >= p.rows {
            return;
        }
        var result = 0u;
        for (var j = 0u; j < 4u; j++) {
            let c = first_column + my_column + j;
            if c >= p.columns {
                break;
            }
            var x = sums[i][j];
            if BIAS {
                x += float_at(bias[c / per_word(KIND)], c, KIND);
            }
            result |= placed(from_float(x, KIND), c, KIND);
            if (c + 1u) % per_word(KIND) == 0u {
                y[row * p.y_row + c / per_word(KIND)] = result;
                result = 0u;
            }
        }
    }
}
