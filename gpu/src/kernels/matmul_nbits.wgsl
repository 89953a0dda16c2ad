// use element
// use nbits
// A product with weights of 2, 4 or 8 bits in blocks, of few rows: what there is to wait for is the weights, and
// each is read once. A group makes 16 columns of a row; 16 invocations share a column, word by word.

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
@group(0) @binding(3) var<storage, read> zeros: array<u32>;
@group(0) @binding(4) var<storage, read> bias: array<u32>;
@group(0) @binding(5) var<storage, read_write> y: array<u32>;
@group(0) @binding(6) var<uniform> p: Parameters;

const COLUMNS: u32 = 16u;
const SHARES: u32 = 16u;

var<workgroup> partial: array<f32, 256>;

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

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) me: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let share = me % SHARES;
    let column = group.x * COLUMNS + me / SHARES;
    let row = group.y;
    let codes = 32u / BITS;
    var sum = 0.0;
    if column < p.columns {
        for (var word = share; word < p.words; word += SHARES) {
            let first = word * codes;
            let block = first / p.block;
            let at = column * p.blocks + block;
            let scale = float_at(scales[at / per_word(SCALE)], at, SCALE);
            let zero = zero_of(column, block);
            var packed = b[column * p.words + word];
            // Blocks hold whole words, so what a word shares is multiplied once.
            var part = 0.0;
            let end = min(codes, max(p.depth, first) - first);
            for (var i = 0u; i < end; i++) {
                let k = row * p.depth + first + i;
                part += (f32(packed & ((1u << BITS) - 1u)) - zero) * float_at(a[k / per_word(KIND)], k, KIND);
                packed >>= BITS;
            }
            sum += part * scale;
        }
    }
    partial[me] = sum;
    workgroupBarrier();
    // An invocation finishes a word of the result.
    let first = group.x * COLUMNS + me * per_word(KIND);
    if me >= COLUMNS / per_word(KIND) || first >= p.columns {
        return;
    }
    var result = 0u;
    for (var lane = 0u; lane < per_word(KIND); lane++) {
        let c = first + lane;
        if c < p.columns {
            var whole = 0.0;
            for (var i = 0u; i < SHARES; i++) {
                whole += partial[(me * per_word(KIND) + lane) * SHARES + i];
            }
            if BIAS {
                whole += float_at(bias[c / per_word(KIND)], c, KIND);
            }
            result |= placed(from_float(whole, KIND), c, KIND);
        }
    }
    y[row * p.y_row + first / per_word(KIND)] = result;
}
