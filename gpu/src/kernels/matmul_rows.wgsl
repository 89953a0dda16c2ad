// use element
// use math
// use activate
// use vectors
// use finish
// use factors
// Matrix products with few rows on the left, which are bound by reading the right factor: every element of it is
// read once for four rows, and each group's 32 slices of the depth are summed in the end.
//
// A slice takes vectors along what lies side by side: with the depth, a unit is a column, and a vector's four
// products are summed last; with the columns, a unit is four of them.

@group(0) @binding(0) var<storage, read> left: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> right: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> addend: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> residual: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> p: Product;

const UNITS: u32 = 8u;
const SLICES: u32 = 32u;
const ROWS: u32 = 4u;

var<workgroup> partial: array<vec4<f32>, 256>;

// What row `row` has for the elements of a vector of the right factor.
fn left_factor(at: u32, row: u32, k: u32) -> vec4<f32> {
    let depth = select(0u, p.sizes.z, row < p.sizes.x);
    if RIGHT_DEEP == 1u && LEFT_DEEP == 1u {
        return left_vector(at + row * p.steps.x, k, depth);
    }
    if RIGHT_DEEP == 1u {
        let i = at + row + (k + vec4<u32>(0u, 1u, 2u, 3u)) * p.steps.x;
        let v = vec4<f32>(left_one(i.x), left_one(i.y), left_one(i.z), left_one(i.w));
        return select(vec4<f32>(), v, k + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(depth));
    }
    let i = at + select(row + k * p.steps.x, row * p.steps.x + k, LEFT_DEEP == 1u);
    return vec4<f32>(select(0.0, left_one(i), k < depth));
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let work = group.y * groups.x + group.x;
    if work >= p.sizes.w {
        return;
    }
    let deep = RIGHT_DEEP == 1u;
    let cols_of_unit = select(4u, 1u, deep);
    let wide = (p.sizes.y + UNITS * cols_of_unit - 1u) / (UNITS * cols_of_unit);
    let high = (p.sizes.x + ROWS - 1u) / ROWS;
    let row = (work / wide) % high * ROWS;
    let number = work / (wide * high);
    let at = matrices(number);

    // Neighbors read what lies side by side.
    let unit = select(local % UNITS, local / SLICES, deep);
    let slice = select(local / UNITS, local % SLICES, deep);
    let apart = select(UNITS, 1u, deep);
    let col = (work % wide * UNITS + unit) * cols_of_unit;

    var sums = array<vec4<f32>, 4>();
    if col < p.sizes.y {
        let each = select(1u, 4u, deep);
        for (var k = slice * each; k < p.sizes.z; k += SLICES * each) {
            var w: vec4<f32>;
            if deep {
                w = right_vector(at.y + col * p.steps.y, k, p.sizes.z);
            } else {
                w = right_vector(at.y + k * p.steps.y, col, p.sizes.y);
            }
            sums[0] += left_factor(at.x, row, k) * w;
            sums[1] += left_factor(at.x, row + 1u, k) * w;
            sums[2] += left_factor(at.x, row + 2u, k) * w;
            sums[3] += left_factor(at.x, row + 3u, k) * w;
        }
    }

    for (var i = 0u; i < ROWS; i++) {
        var sum = sums[0];
        switch i {
            case 1u: { sum = sums[1]; }
            case 2u: { sum = sums[2]; }
            case 3u: { sum = sums[3]; }
            default: {}
        }
        partial[local] = sum;
        workgroupBarrier();
        for (var half = SLICES / 2u; half > 0u; half /= 2u) {
            if slice < half {
                partial[local] += partial[local + half * apart];
            }
            workgroupBarrier();
        }
        // The first slice has the sums: of a column, or of four.
        let r = row + i;
        if slice == 0u && r < p.sizes.x {
            let v = partial[local];
            for (var c = 0u; c < cols_of_unit && col + c < p.sizes.y; c++) {
                let x = select(component(v, c), v.x + v.y + v.z + v.w, deep);
                let cell = (number * p.sizes.x + r) * p.sizes.y + col + c;
                finish(p.last, x, r * p.addend.x + (col + c) * p.addend.y, cell);
            }
        }
        workgroupBarrier();
    }
}
