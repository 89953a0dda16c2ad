// What products of bytes share: their operands, and what becomes of a sum. `element`, `wide` and `exact` come
// before.
//
// All bytes are signed here: those that are not have their top bit turned, which takes 128 off them and off their
// zero point. A sum of (a - za)(b - zb) is one of a·b, less za·(sum of b - depth·zb), less zb·(sum of a): so the
// products themselves know nothing of zero points. Sums wrap, as they do everywhere.

// Whether A is a window over an image, and the four words of a vector then lie in one cell of it.
override WINDOWS: bool = false;
override WHOLE: bool = false;
// Whether windows look backward, through the strides, as a transposed convolution's do.
override TRANSPOSED: bool = false;
// What turns the top bits of A, if anything.
override TURN: u32 = 0u;
// Whether the sums of A's rows and of B's columns are needed and not known.
override ROW_SUMS: bool = false;
override COLUMN_SUMS: bool = false;
// Whether A's scale and zero point come in buffers.
override DYNAMIC: bool = false;
// What becomes of sums: they stay, become bytes, or floats.
override GIVES: u32 = 0u;
// What is added: nothing, an integer to the sum, or a float to what becomes of it.
override BIAS: u32 = 0u;
override RELU: bool = false;

struct Product {
    rows: u32,
    columns: u32,
    // Steps of 64 bytes along the depth, and words of a row of A that there are.
    steps: u32,
    words: u32,
    // Words between rows (cells, of an image) of A, elements between rows of the result.
    a_row: u32,
    y_row: u32,
    // Entries of `columns` for one matrix of B, or 0 where all share them.
    columns_step: u32,
    axes: u32,
    a_zero: i32,
    y_zero: i32,
    // The lowest byte.
    low: i32,
    nothing: u32,
    // Products that a sum is of, and whether every column has an entry of its own.
    depth: i32,
    each: u32,
    spare: vec2<u32>,
    // Of an image: its size and its channels in words, and the size of the result; the last word's bytes that
    // are channels.
    image: vec4<u32>,
    result: vec4<u32>,
    kernel: vec4<u32>,
    stride: vec4<u32>,
    dilation: vec4<u32>,
    before: vec4<u32>,
    // Matrices: how many along an axis, then steps in words of A, in matrices of B, in elements of the result.
    matrices: array<vec4<u32>, 8>,
}

@group(0) @binding(0) var<storage, read> a: array<u32>;
// For every 64 bytes of the depth, those of all columns.
@group(0) @binding(1) var<storage, read> b: array<vec4<u32>>;
// For every column: the sum of B where it is known, its zero point, what is added, the factor.
@group(0) @binding(2) var<storage, read> columns: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> a_scale: array<u32>;
@group(0) @binding(4) var<storage, read> a_zero: array<u32>;
@group(0) @binding(5) var<storage, read_write> y: array<u32>;
@group(0) @binding(6) var<uniform> p: Product;

// Where the matrices of a product begin: words of A, the matrix of B, elements of the result.
fn places(product: u32) -> vec3<u32> {
    var at = vec3<u32>(0u);
    var rest = product;
    for (var i = p.axes; i > 0u; i--) {
        let axis = p.matrices[i - 1u];
        at += (rest % axis.x) * axis.yzw;
        rest /= axis.x;
    }
    return at;
}

fn zero_of_a() -> i32 {
    if DYNAMIC {
        return bitcast<i32>((a_zero[0] ^ TURN) << 24u) >> 24u;
    }
    return p.a_zero;
}

fn column_of(matrix: u32, column: u32) -> vec4<u32> {
    if column >= p.columns {
        return vec4<u32>(0u);
    }
    return columns[matrix * p.columns_step + column * p.each];
}

// The same, with A's scale in its factor.
fn scaled_column(matrix: u32, column: u32) -> vec4<u32> {
    let entry = column_of(matrix, column);
    if DYNAMIC && GIVES == 2u {
        let factor = multiplied(bitcast<f32>(a_scale[0]), bitcast<f32>(entry.w));
        return vec4<u32>(entry.xyz, bitcast<u32>(factor));
    }
    return entry;
}

fn without_zeros(sum: i32, zero: i32, row_sum: i32, column_sum: i32, column: vec4<u32>) -> i32 {
    let of_column = bitcast<i32>(column.x) + column_sum - p.depth * bitcast<i32>(column.y);
    return sum - zero * of_column - bitcast<i32>(column.y) * row_sum;
}

// The bits of what a sum becomes, with an entry that has been scaled.
fn finished(products: i32, column: vec4<u32>) -> u32 {
    var sum = products;
    if BIAS == 1u {
        sum += bitcast<i32>(column.z);
    }
    if GIVES == 0u {
        return bitcast<u32>(sum);
    }
    let factor = bitcast<f32>(column.w);
    if GIVES == 1u {
        return byte_of(product_of(to_nearest(sum), factor), p.y_zero, p.low);
    }
    var real = multiplied(to_nearest(sum), factor);
    if BIAS == 2u {
        real = added(kept_apart(real, p.nothing), bitcast<f32>(column.z));
    }
    // NaN is kept.
    if RELU && real < 0.0 {
        real = 0.0;
    }
    return bitcast<u32>(real);
}
