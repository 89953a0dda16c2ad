// use dot
// use index
// use element
// use wide
// use exact
// use product
// use byte_windows
// A convolution of bytes with a window for each channel. An invocation makes four channels of a pixel: a word of
// the image and one of the weights for every tap.

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    let row = i / p.words;
    let channel = i % p.words;
    if row >= p.rows {
        return;
    }
    let window = window_of(row);
    let zero = vec4<i32>(zero_of_a());
    var of_channels: array<vec4<u32>, 4>;
    var zeros: vec4<i32>;
    for (var j = 0u; j < 4u; j++) {
        of_channels[j] = scaled_column(0u, channel * 4u + j);
        zeros[j] = bitcast<i32>(of_channels[j].y);
    }
    var sums = vec4<i32>(0);
    let taps = p.kernel.x * p.kernel.y * p.kernel.z;
    var place = vec3<u32>();
    for (var tap = 0u; tap < taps; tap++) {
        let cell = cell_of(window, place);
        place = tap_after(place);
        // Padding is the zero point, and adds nothing.
        if cell != 0xffffffffu {
            let at = tap * p.words + channel;
            let x = bytes_of(a[cell + channel] ^ TURN) - zero;
            sums += x * (bytes_of(b[at / 4u][at % 4u]) - zeros);
        }
    }
    let to = row * p.y_row + channel * 4u;
    var word = 0u;
    for (var j = 0u; j < 4u; j++) {
        let result = finished(sums[j], of_channels[j]);
        if GIVES == 1u {
            word |= result << (8u * j);
        } else if channel * 4u + j < p.columns {
            y[to + j] = result;
        }
    }
    if GIVES == 1u {
        y[to / 4u] = word;
    }
}
