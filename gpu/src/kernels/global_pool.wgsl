// use element
// use math
// One window over the whole of every channel. A group makes some channels, each by slices whose results are put
// together in the end; neighbors read what lies side by side.

override KIND: u32 = 1u;
// 0 maximum, 1 mean, 3 norm.
override POOLING: u32 = 0u;
override CHANNELS_LAST: u32 = 0u;

struct Parameters {
    // Outputs, channels of an image, cells of an image, groups.
    sizes: vec4<u32>,
    // The p of the norm.
    power: vec4<f32>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Parameters;

var<workgroup> partial: array<f32, 256>;

fn element(i: u32) -> f32 {
    return to_float(bits_of(x[i / per_word(KIND)], i, KIND), KIND);
}

fn larger(a: f32, b: f32) -> f32 {
    return select(a, b, !is_nan(a) && (is_nan(b) || b > a));
}

// What of an element is summed: its part of a mean, since the sum of all might be infinite; in a norm, its power
// relative to the largest one, whose power alone might be infinite or nothing.
fn term(v: f32, most: f32, part: f32) -> f32 {
    if POOLING == 3u {
        return power_of(v / most, p.power.x);
    }
    return v * part;
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let group = id.y * groups.x + id.x;
    if group >= p.sizes.w {
        return;
    }
    let last = CHANNELS_LAST == 1u;
    let units = select(8u, 32u, last);
    let slices = 256u / units;
    let unit = select(local / slices, local % units, last);
    let slice = select(local % slices, local / units, last);
    let apart = select(1u, units, last);
    let output = group * units + unit;

    let cells = p.sizes.z;
    let channels = p.sizes.y;
    let first = select(output * cells, output / channels * cells * channels + output % channels, last);
    let step = select(1u, channels, last);
    let end = select(0u, cells, output < p.sizes.x);
    var most = 0.0;
    if POOLING == 0u || POOLING == 3u {
        most = select(0.0, -infinity(), POOLING == 0u);
        for (var cell = slice; cell < end; cell += slices) {
            let v = element(first + cell * step);
            most = larger(most, select(v, abs(v), POOLING == 3u));
        }
        partial[local] = most;
        workgroupBarrier();
        for (var half = slices / 2u; half > 0u; half /= 2u) {
            if slice < half {
                partial[local] = larger(partial[local], partial[local + half * apart]);
            }
            workgroupBarrier();
        }
        most = partial[local - slice * apart];
        workgroupBarrier();
    }
    var sum = 0.0;
    if POOLING != 0u {
        let part = 1.0 / f32(max(cells, 1u));
        for (var cell = slice; cell < end; cell += slices) {
            sum += term(element(first + cell * step), most, part);
        }
        partial[local] = sum;
        workgroupBarrier();
        for (var half = slices / 2u; half > 0u; half /= 2u) {
            if slice < half {
                partial[local] += partial[local + half * apart];
            }
            workgroupBarrier();
        }
        sum = partial[local];
    }
    if slice == 0u && output < p.sizes.x {
        var v = most;
        if POOLING == 1u {
            // Of no cells there is no mean.
            v = select(sum, not_a_number(), cells == 0u);
        }
        if POOLING == 3u && most > 0.0 && !is_nan(most) && !is_infinite(most) {
            v = most * root_of(sum, p.power.x);
        }
        y[output] = v;
    }
}
