// use dot
// use element
// use wide
// use exact
// use product
// A product of bytes of few rows: B is read once, and what there is to wait for is memory. A group makes 16
// columns of one row; 16 invocations share a column, each takes a vector of 16 bytes at a time.

const COLUMNS: u32 = 16u;
const SHARES: u32 = 16u;

var<workgroup> partial: array<vec3<i32>, 256>;

fn word_of_a(base: u32, k: u32) -> u32 {
    if k >= p.words {
        return 0u;
    }
    return a[base + k] ^ TURN;
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) me: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let at = places(group.z);
    let row = group.y;
    let base = at.x + row * p.a_row;
    let b_matrix = at.y * p.steps * p.columns;
    // Neighbors read neighbors: four vectors of a column, then the next column's.
    let part = me % 4u;
    let line = (me / 4u) % COLUMNS;
    let column = group.x * COLUMNS + line;
    let ones = vec4<u32>(0x01010101u);
    var sums = vec3<i32>(0);
    if column < p.columns {
        for (var step = me / 64u; step < p.steps; step += 4u) {
            let k = step * 16u + part * 4u;
            let x = vec4<u32>(
                word_of_a(base, k),
                word_of_a(base, k + 1u),
                word_of_a(base, k + 2u),
                word_of_a(base, k + 3u),
            );
            let w = b[(b_matrix + step * p.columns + column) * 4u + part];
            sums.x += dot_of_16(x, w);
            if ROW_SUMS {
                sums.y += dot_of_16(x, ones);
            }
            if COLUMN_SUMS {
                sums.z += dot_of_16(w, ones);
            }
        }
    }
    partial[me] = sums;
    workgroupBarrier();
    // An invocation finishes a word of bytes: four columns. Those that share a column differ in the lowest two and
    // in the highest two bits of their number.
    if me >= COLUMNS / 4u {
        return;
    }
    let zero = zero_of_a();
    var word = 0u;
    let first = group.x * COLUMNS + me * 4u;
    for (var j = 0u; j < 4u; j++) {
        let c = first + j;
        if c < p.columns {
            var all = vec3<i32>(0);
            for (var share = 0u; share < SHARES; share++) {
                all += partial[(share / 4u) * 64u + (me * 4u + j) * 4u + share % 4u];
            }
            let of_column = scaled_column(at.y, c);
            let result = finished(without_zeros(all.x, zero, all.y, all.z, of_column), of_column);
            if GIVES == 1u {
                word |= result << (8u * j);
            } else {
                y[at.z + row * p.y_row + c] = result;
            }
        }
    }
    if GIVES == 1u && first < p.columns {
        y[(at.z + row * p.y_row + first) / 4u] = word;
    }
}
