// Which scale, and which zero point, an element of a quantized tensor has.

struct Scales {
    // Elements behind one of the axis along which scales lie, and elements of that axis.
    inner: u32,
    axis: u32,
    // Neighbors along the axis that share a scale.
    block: u32,
    // Steps between scales: of what is before the axis, of blocks, and of what is behind.
    outer_step: u32,
    block_step: u32,
    inner_step: u32,
    spare: vec2<u32>,
}

fn scale_of(i: u32, s: Scales) -> u32 {
    let line = i / s.inner;
    let along = line % s.axis;
    return (line / s.axis) * s.outer_step + (along / s.block) * s.block_step + (i % s.inner) * s.inner_step;
}
