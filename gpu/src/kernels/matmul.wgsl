// use element
// use math
// use activate
// use vectors
// use finish
// use factors
// use tile
// Matrix products. A group makes a tile of 64 × 64, an invocation 8 rows and 4 columns of it.
//
// What comes next is fetched into registers before the tiles at hand are multiplied, and put down after.

@group(0) @binding(0) var<storage, read> left: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> right: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> addend: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> residual: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> p: Product;

// Vector `i` of a piece: a line of the depth, or a row of depth along the lines.
fn left_part(at: u32, line: u32, k: u32, i: u32) -> vec4<f32> {
    let outer = select(k, line, LEFT_DEEP == 1u) + i;
    let outers = select(p.sizes.z, p.sizes.x, LEFT_DEEP == 1u);
    let inner = select(line, k, LEFT_DEEP == 1u);
    // Of what there is not, nothing.
    let inners = select(0u, select(p.sizes.x, p.sizes.z, LEFT_DEEP == 1u), outer < outers);
    return left_vector(at + outer * p.steps.x, inner, inners);
}

fn right_part(at: u32, line: u32, k: u32, i: u32) -> vec4<f32> {
    let outer = select(k, line, RIGHT_DEEP == 1u) + i;
    let outers = select(p.sizes.z, p.sizes.y, RIGHT_DEEP == 1u);
    let inner = select(line, k, RIGHT_DEEP == 1u);
    let inners = select(0u, select(p.sizes.y, p.sizes.z, RIGHT_DEEP == 1u), outer < outers);
    return right_vector(at + outer * p.steps.y, inner, inners);
}

fn fetched(side: u32, at: vec2<u32>, lines: vec2<u32>, k: u32) -> mat4x4<f32> {
    var piece: mat4x4<f32>;
    if side == 0u {
        piece = mat4x4<f32>(
            left_part(at.x, lines.x, k, 0u),
            left_part(at.x, lines.x, k, 1u),
            left_part(at.x, lines.x, k, 2u),
            left_part(at.x, lines.x, k, 3u),
        );
        if LEFT_DEEP == 1u {
            piece = transpose(piece);
        }
    } else {
        piece = mat4x4<f32>(
            right_part(at.y, lines.y, k, 0u),
            right_part(at.y, lines.y, k, 1u),
            right_part(at.y, lines.y, k, 2u),
            right_part(at.y, lines.y, k, 3u),
        );
        if RIGHT_DEEP == 1u {
            piece = transpose(piece);
        }
    }
    return piece;
}

// By tiles that a group shares, from their first row and column on.
fn add_tiles(
    sums: ptr<function, array<vec4<f32>, 8>>,
    at: vec2<u32>,
    first: vec2<u32>,
    begin: u32,
    end: u32,
    local: u32,
) {
    // Neighbors fetch what lies side by side.
    let side = local / 64u;
    let piece_number = local % 64u;
    let deep = select(RIGHT_DEEP, LEFT_DEEP, side == 0u) == 1u;
    let vector = select(piece_number % 16u, piece_number / 4u, deep);
    let depth = 4u * select(piece_number / 16u, piece_number % 4u, deep);
    let lines = first + 4u * vector;

    var piece: mat4x4<f32>;
    for (var k = begin; k < end + TILE_DEPTH; k += TILE_DEPTH) {
        if k < end {
            piece = fetched(side, at, lines, k + depth);
        }
        if k > begin {
            multiply_tiles(sums, local / 16u, local % 16u);
        }
        workgroupBarrier();
        put_piece(side, vector, depth, piece);
        workgroupBarrier();
    }
}

// 4 rows and 4 columns by an invocation alone.
fn sum_alone(at: vec2<u32>, first: vec2<u32>, begin: u32, end: u32) -> mat4x4<f32> {
    var sums: mat4x4<f32>;
    for (var k = begin; k < end; k += 4u) {
        sums = with_products(sums, transpose(fetched(0u, at, first, k)), fetched(1u, at, first, k));
    }
    return sums;
}

// What has been summed up for so many rows.
fn write(
    sums: ptr<function, array<vec4<f32>, 8>>,
    rows: u32,
    first: vec2<u32>,
    number: u32,
    slice: u32,
) {
    for (var i = 0u; i < 4u * rows; i++) {
        let r = first.x + i / 4u;
        let c = first.y + i % 4u;
        if r < p.sizes.x && c < p.sizes.y {
            let cell = (number * p.sizes.x + r) * p.sizes.y + c;
            let addend_at = r * p.addend.x + c * p.addend.y;
            finish_slice(p.last, sum_of(sums, i / 4u, i % 4u), slice, addend_at, cell);
        }
    }
}

@compute @workgroup_size(TILE_GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let tile = group.y * groups.x + group.x;
    if tile >= p.sizes.w {
        return;
    }
    let wide = (p.sizes.y + TILE - 1u) / TILE;
    let high = (p.sizes.x + TILE - 1u) / TILE;
    let first = vec2<u32>((tile / wide) % high, tile % wide) * TILE;
    let number = tile / (wide * high) % p.addend.z;
    let slice = tile / (wide * high) / p.addend.z;
    let begin = slice * p.last.split.x;
    let end = min(begin + p.last.split.x, p.sizes.z);
    let at = matrices(number);

    let mine = first + vec2<u32>(8u * (local / 16u), 4u * (local % 16u));
    var sums = array<vec4<f32>, 8>();
    if ALONE {
        // One half after the other: less code, which takes a driver in software much less time to compile.
        for (var half = 0u; half < 8u; half += 4u) {
            let own = mine + vec2<u32>(half, 0u);
            if own.x < p.sizes.x && own.y < p.sizes.y {
                put_sums(&sums, sum_alone(at, own, begin, end));
                write(&sums, 4u, own, number, slice);
            }
        }
    } else {
        add_tiles(&sums, at, first, begin, end, local);
        write(&sums, 8u, mine, number, slice);
    }
}
