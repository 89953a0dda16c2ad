// use index
// use element
// use wide
// use exact
// Maxima and means of bytes in windows. An invocation owns a word: bytes of one window where the channels are
// whole words, of up to four windows elsewhere.

override KIND: u32 = 2u;
override MEAN: bool = false;

struct Parameters {
    words: u32,
    len: u32,
    // Channels that lie side by side.
    inner: u32,
    count_pads: u32,
    x_scale: f32,
    y_scale: f32,
    x_zero: i32,
    y_zero: i32,
    image: vec4<u32>,
    result: vec4<u32>,
    kernel: vec4<u32>,
    stride: vec4<u32>,
    dilation: vec4<u32>,
    before: vec4<u32>,
    after: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Parameters;

fn lowest() -> i32 {
    return select(0, -128, is_signed(KIND));
}

fn unpacked(word: u32) -> vec4<i32> {
    if is_signed(KIND) {
        return unpack4xI8(word);
    }
    return vec4<i32>(unpack4xU8(word));
}

// What becomes of so many cells of the window whose first cell is `corner`.
fn finished(found: i32, cells: u32, corner: vec3<i32>) -> u32 {
    if !MEAN {
        return bitcast<u32>(found) & 0xffu;
    }
    var n = max(cells, 1u);
    if p.count_pads == 1u {
        let room = vec3<u32>(max(vec3<i32>(p.image.xyz + p.after.xyz) - corner, vec3<i32>(0)));
        let taps = min((room + p.dilation.xyz - 1u) / p.dilation.xyz, p.kernel.xyz);
        n = taps.x * taps.y * taps.z;
    }
    let factor = divided(p.x_scale, multiplied(p.y_scale, to_nearest_unsigned(n)));
    let sum = found - p.x_zero * i32(cells);
    return bitcast<u32>(stepped(multiplied(to_nearest(sum), factor), p.y_zero, lowest(), lowest() + 255)) & 0xffu;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let word = linear(id, groups);
    if word >= p.words {
        return;
    }
    let whole = p.inner % 4u == 0u;
    var result = 0u;
    for (var lane = 0u; lane < select(4u, 1u, whole); lane++) {
        let i = min(word * 4u + lane, p.len - 1u);
        let channel = i % p.inner;
        let window = i / p.inner;
        let plane = window / (p.result.x * p.result.y * p.result.z);
        let pixel = vec3<u32>(
            (window / (p.result.y * p.result.z)) % p.result.x,
            (window / p.result.z) % p.result.y,
            window % p.result.z,
        );
        let corner = vec3<i32>(pixel * p.stride.xyz) - vec3<i32>(p.before.xyz);
        var found = vec4<i32>(select(lowest(), 0, MEAN));
        var cells = 0u;
        for (var u = 0u; u < p.kernel.x; u++) {
            for (var v = 0u; v < p.kernel.y; v++) {
                for (var w = 0u; w < p.kernel.z; w++) {
                    let at = corner + vec3<i32>(vec3<u32>(u, v, w) * p.dilation.xyz);
                    if any(at < vec3<i32>(0)) || any(at >= vec3<i32>(p.image.xyz)) {
                        continue;
                    }
                    let cell = vec3<u32>(at);
                    let offset = ((plane * p.image.x + cell.x) * p.image.y + cell.y) * p.image.z + cell.z;
                    let source = offset * p.inner + channel;
                    var bytes = vec4<i32>(0);
                    if whole {
                        bytes = unpacked(x[source / 4u]);
                    } else {
                        bytes.x = bitcast<i32>(to_int(bits_of(x[source / 4u], source, KIND), KIND));
                    }
                    cells++;
                    found = select(max(found, bytes), found + bytes, MEAN);
                }
            }
        }
        if whole {
            for (var j = 0u; j < 4u; j++) {
                result |= finished(found[j], cells, corner) << (8u * j);
            }
        } else {
            result |= finished(found.x, cells, corner) << (8u * lane);
        }
    }
    y[word] = result;
}
