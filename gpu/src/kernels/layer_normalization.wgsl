// use element
// use normalized
// Rows without their mean, divided by their deviation, with a scale and a bias of their own; before that, a skip
// connection may be added. A group owns a row.

override CENTERED: bool = true;
override HAS_BIAS: bool = false;

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> scale: array<u32>;
@group(0) @binding(2) var<storage, read> bias: array<u32>;
@group(0) @binding(3) var<storage, read> skip: array<u32>;
@group(0) @binding(4) var<storage, read> skip_bias: array<u32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read_write> kept: array<f32>;
@group(0) @binding(7) var<uniform> p: Parameters;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let row = group.y * groups.x + group.x;
    if row >= p.rows {
        return;
    }
    var mean = 0.0;
    if CENTERED {
        var mine = 0.0;
        for (var k = me; k < p.len; k += GROUP) {
            mine += element(row, k);
        }
        mean = total(me, mine) / f32(p.len);
    }
    let factor = factor_of(row, me, mean);
    for (var k = me; k < p.len; k += GROUP) {
        let e = element(row, k);
        var result = (e - mean) * factor * scale_of(k);
        if HAS_BIAS {
            let at = k % p.bias_len;
            result += to_float(bits_of(bias[at / per_word(SCALE_KIND)], at, SCALE_KIND), SCALE_KIND);
        }
        y[row * p.len + k] = result;
        if p.keep == 1u {
            kept[row * p.len + k] = e;
        }
    }
}
