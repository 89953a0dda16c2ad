// The product of two tiles in workgroup memory, 64 × 16 and 16 × 64, by 128 invocations.
//
// A tile holds 16 rows of depth, and in each 64 lines: rows of the left factor, or columns of the right one,
// as 16 vectors. Vector `i` of depth `k` lies at `i ^ (k / 4 * 2)`: those who write neighbors along the depth,
// and those who write neighbors along the lines, both find banks of their own, and readers go on evenly.
//
// What a reader would get wrong: the first 64 invocations fetch one factor and the others the other one, each a
// piece of 4 lines and 4 rows of depth, whose columns are vectors of lines.

// Whether every invocation makes its part of the tile by itself, without barriers.
override ALONE: bool = false;

const TILE: u32 = 64u;
const TILE_DEPTH: u32 = 16u;
const TILE_GROUP: u32 = 128u;

var<workgroup> tiles: array<vec4<f32>, 512>;

fn tile_at(side: u32, k: u32, vector: u32) -> u32 {
    return side * 256u + k * 16u + (vector ^ ((k >> 2u) << 1u));
}

// Puts down a piece: lines from `4 * vector`, depth from `k`.
fn put_piece(side: u32, vector: u32, k: u32, piece: mat4x4<f32>) {
    tiles[tile_at(side, k, vector)] = piece[0];
    tiles[tile_at(side, k + 1u, vector)] = piece[1];
    tiles[tile_at(side, k + 2u, vector)] = piece[2];
    tiles[tile_at(side, k + 3u, vector)] = piece[3];
}

// Adds what one row of depth makes of two vectors on the left and one on the right.
fn multiply_depth(sums: ptr<function, array<vec4<f32>, 8>>, left: u32, right: u32) {
    let a = tiles[left];
    let b = tiles[left + 1u];
    let cols = tiles[right];
    (*sums)[0] += a.x * cols;
    (*sums)[1] += a.y * cols;
    (*sums)[2] += a.z * cols;
    (*sums)[3] += a.w * cols;
    (*sums)[4] += b.x * cols;
    (*sums)[5] += b.y * cols;
    (*sums)[6] += b.z * cols;
    (*sums)[7] += b.w * cols;
}

// Adds what the tiles make of 8 rows, from `8 * row`, and 4 columns, from `4 * col`. Four rows of depth lie by the
// same exchange of vectors, and are written out: loops that a driver guards are not unrolled.
fn multiply_tiles(sums: ptr<function, array<vec4<f32>, 8>>, row: u32, col: u32) {
    for (var k = 0u; k < TILE_DEPTH; k += 4u) {
        let left = tile_at(0u, k, 2u * row);
        let right = tile_at(1u, k, col);
        multiply_depth(sums, left, right);
        multiply_depth(sums, left + 16u, right + 16u);
        multiply_depth(sums, left + 32u, right + 32u);
        multiply_depth(sums, left + 48u, right + 48u);
    }
}

// The products of four rows, each of four steps of the depth, with four columns in each of these steps: added one step
// after the other, as tiles are.
fn with_products(sums: mat4x4<f32>, rows: mat4x4<f32>, columns: mat4x4<f32>) -> mat4x4<f32> {
    let depth = transpose(rows);
    return sums + outer(depth[0], columns[0]) + outer(depth[1], columns[1]) + outer(depth[2], columns[2])
        + outer(depth[3], columns[3]);
}

fn outer(rows: vec4<f32>, columns: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(rows.x * columns, rows.y * columns, rows.z * columns, rows.w * columns);
}

// What an invocation has summed up alone: four rows.
fn put_sums(sums: ptr<function, array<vec4<f32>, 8>>, rows: mat4x4<f32>) {
    (*sums)[0] = rows[0];
    (*sums)[1] = rows[1];
    (*sums)[2] = rows[2];
    (*sums)[3] = rows[3];
}

// One of the sums. An index that the compiler does not know would move them all out of registers.
fn sum_of(sums: ptr<function, array<vec4<f32>, 8>>, row: u32, col: u32) -> f32 {
    var v = (*sums)[0];
    switch row {
        case 1u: { v = (*sums)[1]; }
        case 2u: { v = (*sums)[2]; }
        case 3u: { v = (*sums)[3]; }
        case 4u: { v = (*sums)[4]; }
        case 5u: { v = (*sums)[5]; }
        case 6u: { v = (*sums)[6]; }
        case 7u: { v = (*sums)[7]; }
        default: {}
    }
    return component(v, col);
}
