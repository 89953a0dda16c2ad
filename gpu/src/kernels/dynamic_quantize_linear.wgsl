// use element
// use wide
// use exact
// The smallest and the largest of 0 and all numbers, and what follows of them: the scale and the zero point of
// bytes that cover them. Groups find their share's limits, or invocations alone do; a group of its own then does so
// with theirs.

// Whether limits are what is read, two by two, and the scale is what is written.
override LAST: bool = false;
override ALONE: bool = false;

const GROUP: u32 = 256u;

@group(0) @binding(0) var<storage, read> x: array<u32>;
// Limits, or the scale.
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<storage, read_write> zero: array<u32>;
// How many numbers there are.
@group(0) @binding(3) var<uniform> len: vec4<u32>;

var<workgroup> lows: array<u32, GROUP>;
var<workgroup> highs: array<u32, GROUP>;

// A number that is as large as 0 at least, by its bits, which compare as it does; 0 for others and for NaN.
fn positive(bits: u32) -> u32 {
    return select(bits, 0u, bits > 0x7f800000u);
}

// (high + low) / 255, where neither sum nor quotient vanishes: both are taken 2^64 times as large if they are
// small.
fn scale_for(low: u32, high: u32) -> f32 {
    if low == 0u && high == 0u {
        return 1.0;
    }
    let large = max(low, high) >= 0x40000000u;
    let factor = select(18446744073709551616.0, 1.0, large);
    let sum = added(multiplied(bitcast<f32>(low), factor), multiplied(bitcast<f32>(high), factor));
    if large {
        return divided(sum, 255.0);
    }
    // Rounded once: the quotient's exponent is brought back before it is.
    return divided(sum, 255.0 * factor);
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(local_invocation_index) me: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    var low = 0u;
    var high = 0u;
    for (var i = group.x * GROUP + me; i < len.x; i += groups.x * GROUP) {
        if LAST {
            low = max(low, x[2u * i]);
            high = max(high, x[2u * i + 1u]);
        } else {
            low = max(low, positive(x[i] ^ 0x80000000u));
            high = max(high, positive(x[i]));
        }
    }
    if ALONE && !LAST {
        let at = 2u * (group.x * GROUP + me);
        y[at] = low;
        y[at + 1u] = high;
        return;
    }
    lows[me] = low;
    highs[me] = high;
    workgroupBarrier();
    for (var half = GROUP / 2u; half > 0u; half /= 2u) {
        if me < half {
            lows[me] = max(lows[me], lows[me + half]);
            highs[me] = max(highs[me], highs[me + half]);
        }
        workgroupBarrier();
    }
    if me > 0u {
        return;
    }
    if LAST {
        let scale = scale_for(lows[0], highs[0]);
        y[0] = bitcast<u32>(scale);
        zero[0] = bitcast<u32>(stepped(divided(bitcast<f32>(lows[0]), scale), 0, 0, 255));
    } else {
        y[2u * group.x] = lows[0];
        y[2u * group.x + 1u] = highs[0];
    }
}
