//! From the planes of components to pixels.

use super::{Component, Failure, Frame, NO_PICTURE, Parsed};

/// What the components mean.
#[derive(Clone, Copy)]
pub enum Space {
    /// Luminance alone.
    Gray,
    /// The colors themselves.
    Rgb,
    /// Luminance and two color differences.
    Ycc,
    /// Inks.
    Cmyk {
        /// 0 is full ink, as Adobe writes it.
        inverted: bool,
    },
    /// Inverted inks, the first three as luminance and color differences.
    Ycck,
}

/// A component's samples for every pixel of the picture.
///
/// A factor of two is interpolated, three parts of the nearer and one of the farther sample, with the rounding
/// alternating from pixel to pixel; other factors repeat samples.
pub fn upsample(frame: &Frame, c: &Component, samples: Vec<u8>) -> Parsed<Vec<u8>> {
    if !frame.max_h.is_multiple_of(c.h) || !frame.max_v.is_multiple_of(c.v) {
        return Err(NO_PICTURE);
    }
    let (across, down) = (frame.max_h / c.h, frame.max_v / c.v);
    let mut full = Vec::new();
    full.try_reserve_exact(frame.width * frame.height).map_err(|_| Failure::TooLarge)?;
    let row = |y: usize| &samples[y.min(c.height - 1) * c.blocks * 8..][..c.width];
    let wide = c.width > 2;
    for y in 0..frame.height {
        let near = row(y / down);
        // The row above for the upper, the row below for the lower half of a sample.
        let far = || if y % 2 == 0 { row((y / 2).saturating_sub(1)) } else { row(y / 2 + 1) };
        match (across, down) {
            (2, 1) if wide => {
                let line: Vec<u32> = near.iter().map(|&x| x.into()).collect();
                widen(&line, 2, [1, 2], frame.width, &mut full);
            }
            (2, 2) if wide => {
                let line: Vec<u32> =
                    near.iter().zip(far()).map(|(&n, &f)| 3 * u32::from(n) + u32::from(f)).collect();
                widen(&line, 4, [8, 7], frame.width, &mut full);
            }
            (1, 2) => {
                let round = if y % 2 == 0 { 1 } else { 2 };
                let line = near.iter().zip(far());
                full.extend(line.map(|(&n, &f)| ((3 * u32::from(n) + u32::from(f) + round) >> 2) as u8));
            }
            _ => full.extend((0..frame.width).map(|x| near[x / across])),
        }
    }
    Ok(full)
}

/// Twice as many samples, `shift` fractional bits fewer; `round` is added to the left and the right half.
fn widen(line: &[u32], shift: u32, round: [u32; 2], width: usize, out: &mut Vec<u8>) {
    let last = line.len() - 1;
    out.extend((0..width).map(|x| {
        let i = x / 2;
        let (far, round) = match x % 2 {
            0 => (line[i.saturating_sub(1)], round[0]),
            _ => (line[(i + 1).min(last)], round[1]),
        };
        ((3 * line[i] + far + round) >> shift) as u8
    }));
}

/// The pixels of planes that all have one sample per pixel.
pub fn to_rgb(planes: Vec<Vec<u8>>, space: Space) -> Parsed<Vec<u8>> {
    let count = planes[0].len();
    let mut rgb = Vec::new();
    rgb.try_reserve_exact(3 * count).map_err(|_| Failure::TooLarge)?;
    let at = |plane: usize, i: usize| planes[plane][i];
    for i in 0..count {
        rgb.extend(match space {
            Space::Gray => [at(0, i); 3],
            Space::Rgb => [at(0, i), at(1, i), at(2, i)],
            Space::Ycc => ycc([at(0, i), at(1, i), at(2, i)]),
            Space::Cmyk { inverted } => {
                let flip = if inverted { 0 } else { 255 };
                ink([at(0, i) ^ flip, at(1, i) ^ flip, at(2, i) ^ flip], at(3, i) ^ flip)
            }
            Space::Ycck => ink(ycc([at(0, i), at(1, i), at(2, i)]), at(3, i)),
        });
    }
    Ok(rgb)
}

/// With 16 fractional bits; green's two parts are rounded together.
fn ycc([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = y + ((91881 * cr + HALF) >> 16);
    let green = y + ((-22554 * cb - 46802 * cr + HALF) >> 16);
    let blue = y + ((116130 * cb + HALF) >> 16);
    [red, green, blue].map(|x| x.clamp(0, 255) as u8)
}

/// What shines through the inks: all numbers are the part of the light that is left.
fn ink(colors: [u8; 3], black: u8) -> [u8; 3] {
    colors.map(|c| ((u32::from(c) * u32::from(black) + 127) / 255) as u8)
}
