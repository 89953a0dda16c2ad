//! From a picture to a model's input, in integers up to one division, so that every implementation of the
//! rule gets the same bits. `edgewise.toml` of the digits package writes the rule out.

use crate::manifest::{Color, Invert, Preprocess, Resize};
use edgewise_core::{Result, Tensor, ensure, err};

/// A decoded picture: one byte each of red, green, blue and alpha per pixel, row by row.
#[derive(Clone, Debug)]
pub struct Rgba {
    /// Pixels in a column.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// The pixels.
    pub pixels: Vec<[u8; 4]>,
}

/// Larger pictures are refused before they are decoded.
#[cfg(feature = "image")]
const MAX_SIDE: u32 = 1 << 15;
/// What decoding may allocate.
#[cfg(feature = "image")]
const MAX_DECODED_BYTES: u64 = 512 << 20;

/// Decodes a picture file; the format is told from its first bytes. More than 8 bits per channel is refused.
#[cfg(feature = "image")]
pub fn decode(file: &[u8]) -> Result<Rgba> {
    use image::ColorType;
    let reader = image::ImageReader::new(std::io::Cursor::new(file)).with_guessed_format();
    let mut reader = reader.map_err(edgewise_core::Error::from)?;
    ensure!(
        reader.format().is_some(),
        InvalidInput,
        "the picture's format is not known; PNG, JPEG, GIF, BMP and WebP are"
    );
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    let picture = reader.decode().map_err(|e| err!(InvalidInput, "the picture cannot be decoded: {e}"))?;
    let color = picture.color();
    ensure!(
        matches!(color, ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8),
        InvalidInput,
        "the picture has more than 8 bits per channel ({color:?})"
    );
    let rgba = picture.into_rgba8();
    let (width, height) = (rgba.width() as usize, rgba.height() as usize);
    Ok(Rgba { height, width, pixels: rgba.pixels().map(|p| p.0).collect() })
}

/// Decodes a picture file, in builds that have decoders.
#[cfg(not(feature = "image"))]
pub fn decode(_file: &[u8]) -> Result<Rgba> {
    Err(err!(Unsupported, "this build has no picture decoders; build it with the feature 'image'"))
}

/// The model's input: f32[1, 1, height, width].
pub fn prepare(picture: &Rgba, rule: &Preprocess) -> Result<Tensor> {
    let (h, w) = (picture.height, picture.width);
    let whole = h > 0 && w > 0 && h.checked_mul(w) == Some(picture.pixels.len());
    ensure!(whole, InvalidInput, "a picture of {h} × {w} pixels has {} of them", picture.pixels.len());
    let mut gray: Vec<u8> = match rule.color {
        Color::GrayRec601 => picture.pixels.iter().map(|p| gray_rec601(*p)).collect(),
    };
    if rule.invert == Some(Invert::IfLightBorder) && has_light_border(&gray, h, w) {
        gray.iter_mut().for_each(|g| *g = 255 - *g);
    }
    let totals = match rule.resize {
        Resize::Area => area_totals(&gray, (h, w), (rule.height, rule.width)),
    };
    let white = (255 * h * w) as f64;
    let [low, high] = rule.range;
    let cells: Vec<f32> = totals.iter().map(|&t| (low + (t as f64 / white) * (high - low)) as f32).collect();
    Tensor::new(&[1, 1, rule.height, rule.width], &cells)
}

/// Luma, laid on white paper where the pixel is transparent.
fn gray_rec601([r, g, b, a]: [u8; 4]) -> u8 {
    let [r, g, b, a] = [r, g, b, a].map(u32::from);
    let luma = (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
    ((luma * a + 255 * (255 - a) + 127) / 255) as u8
}

fn has_light_border(gray: &[u8], h: usize, w: usize) -> bool {
    let (mut sum, mut count) = (0u64, 0u64);
    for (y, row) in gray.chunks(w).enumerate() {
        for (x, &g) in row.iter().enumerate() {
            if y == 0 || y == h - 1 || x == 0 || x == w - 1 {
                sum += g as u64;
                count += 1;
            }
        }
    }
    sum > 127 * count
}

/// For each cell of the result: the sum of the pixels that it covers, weighted by how much of each it does.
/// Weights are whole numbers that add up to h·w for every cell.
fn area_totals(gray: &[u8], (h, w): (usize, usize), (rows, columns): (usize, usize)) -> Vec<u64> {
    let across = overlaps(w, columns);
    let mut totals = vec![0u64; rows * columns];
    for (i, down) in overlaps(h, rows).into_iter().enumerate() {
        for (y, wy) in down {
            let row = &gray[y * w..(y + 1) * w];
            for (j, cell) in across.iter().enumerate() {
                let sum: u64 = cell.iter().map(|&(x, wx)| wx * row[x] as u64).sum();
                totals[i * columns + j] += wy * sum;
            }
        }
    }
    totals
}

/// For each of `cells` along an axis of `pixels`: the pixels that it meets, and for how long, in units in
/// which a pixel is `cells` long and a cell is `pixels` long.
fn overlaps(pixels: usize, cells: usize) -> Vec<Vec<(usize, u64)>> {
    let cell = |i: usize| {
        let (from, to) = (pixels * i, pixels * (i + 1));
        let overlap = |k: usize| (to.min(cells * (k + 1)) - from.max(cells * k)) as u64;
        (from / cells..to.div_ceil(cells)).map(|k| (k, overlap(k))).collect()
    };
    (0..cells).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Preprocess = Preprocess {
        color: Color::GrayRec601,
        invert: Some(Invert::IfLightBorder),
        resize: Resize::Area,
        height: 8,
        width: 8,
        range: [0.0, 1.0],
    };

    fn flat(height: usize, width: usize, pixel: [u8; 4]) -> Rgba {
        Rgba { height, width, pixels: vec![pixel; height * width] }
    }

    fn cells(picture: &Rgba, rule: &Preprocess) -> Vec<f32> {
        prepare(picture, rule).unwrap().slice::<f32>().unwrap().to_vec()
    }

    #[test]
    fn weights_of_a_cell_add_up_whatever_the_size() {
        for (pixels, size) in [(1, 8), (7, 8), (8, 8), (9, 8), (64, 8), (100, 8), (3, 5)] {
            for cell in overlaps(pixels, size) {
                assert_eq!(cell.iter().map(|(_, w)| *w).sum::<u64>(), pixels as u64);
                assert!(cell.iter().all(|(k, w)| *k < pixels && *w > 0));
            }
        }
    }

    #[test]
    fn white_is_exactly_one_and_paper_is_white() {
        let keep = Preprocess { invert: None, ..RULE };
        for (h, w) in [(1, 1), (3, 5), (8, 8), (90, 110)] {
            assert!(cells(&flat(h, w, [255; 4]), &keep).iter().all(|&x| x == 1.0));
            assert!(cells(&flat(h, w, [7, 8, 9, 0]), &keep).iter().all(|&x| x == 1.0));
            assert!(cells(&flat(h, w, [255; 4]), &RULE).iter().all(|&x| x == 0.0), "the border is light");
        }
        let signed = Preprocess { range: [-1.0, 1.0], ..keep };
        assert!(cells(&flat(2, 2, [0, 0, 0, 255]), &signed).iter().all(|&x| x == -1.0));
    }

    #[test]
    fn no_picture_is_an_error() {
        assert!(prepare(&Rgba { height: 0, width: 5, pixels: vec![] }, &RULE).is_err());
        assert!(prepare(&Rgba { height: 2, width: 2, pixels: vec![[0; 4]] }, &RULE).is_err());
        assert!(decode(b"").is_err());
        assert!(decode(b"\x89PNG\r\n\x1a\n").is_err());
    }

    #[cfg(feature = "image")]
    #[test]
    fn the_examples_become_the_recorded_inputs_bit_for_bit() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let examples = root.join("../examples/digits");
        let expected = crate::npz::get(&std::fs::read(examples.join("expected.npz")).unwrap(), "inputs");
        let expected = expected.unwrap();
        let package = crate::Package::open(root.join("zoo/digits")).unwrap();
        let mut pictures: Vec<_> = std::fs::read_dir(&examples)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "png"))
            .collect();
        pictures.sort();
        assert_eq!(pictures.len(), 12);
        for (path, expected) in pictures.iter().zip(expected.slice::<f32>().unwrap().chunks(64)) {
            let input = package.picture(&std::fs::read(path).unwrap()).unwrap();
            let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(input.slice::<f32>().unwrap()), bits(expected), "{}", path.display());
        }
    }
}
