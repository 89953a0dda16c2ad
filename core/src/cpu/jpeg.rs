//! JPEG pictures, decoded bit for bit as libjpeg-turbo does by default: ImageDecoder's specification names
//! its "fancy" upsampling, and decoders that round otherwise differ in every fourth byte.
//!
//! Baseline and progressive Huffman coding with 8 bits per sample; no arithmetic coding. What is broken or
//! cut off is no picture.

mod color;
mod entropy;
mod idct;
mod scan;

use entropy::Table;

/// The pixels of a picture, three bytes each.
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green and blue, row by row.
    pub rgb: Vec<u8>,
}

/// A component: luminance, a color difference, …
struct Component {
    id: u8,
    /// Sampling factors.
    h: usize,
    v: usize,
    /// Which quantization table it uses.
    quantizer: usize,
    /// Samples in a row and rows, without padding.
    width: usize,
    height: usize,
    /// Blocks in a row, padded to whole MCUs.
    blocks: usize,
    /// 64 coefficients per block, in natural order.
    coefficients: Vec<i16>,
}

/// What the headers have said so far.
#[derive(Default)]
struct Decoder {
    quantizers: [Option<[u16; 64]>; 4],
    dc_tables: [Option<Table>; 4],
    ac_tables: [Option<Table>; 4],
    restart_interval: usize,
    frame: Option<Frame>,
    jfif: bool,
    /// The transform that Adobe's marker names.
    adobe: Option<u8>,
}

struct Frame {
    progressive: bool,
    width: usize,
    height: usize,
    /// The largest sampling factors.
    max_h: usize,
    max_v: usize,
    /// MCUs in a row and in a column.
    mcus: (usize, usize),
    components: Vec<Component>,
}

/// Why nothing was decoded.
pub enum Failure {
    /// The bytes are no picture that we can decode.
    NoPicture,
    /// It would be larger than allowed.
    TooLarge,
}

/// For the innermost functions, in which only one thing can go wrong.
type Parsed<T> = Result<T, Failure>;

/// Progressive pictures have about ten; each one costs a walk over the whole picture, however short it is.
const MAX_SCANS: usize = 200;

const NO_PICTURE: Failure = Failure::NoPicture;

/// Whether the bytes begin as a JPEG picture does.
pub fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xd8\xff")
}

/// Decodes a picture of at most `max_pixels`.
pub fn decode(bytes: &[u8], max_pixels: usize) -> Parsed<Picture> {
    let mut decoder = Decoder::default();
    let (mut at, mut scans) = (2, 0);
    loop {
        let (marker, next) = next_marker(bytes, at).ok_or(NO_PICTURE)?;
        at = next;
        match marker {
            0xd9 => break,
            // Markers without a segment.
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let len = usize::from(u16::from_be_bytes([
            *bytes.get(at).ok_or(NO_PICTURE)?,
            *bytes.get(at + 1).ok_or(NO_PICTURE)?,
        ]));
        let segment = bytes.get(at + 2..at + len).ok_or(NO_PICTURE)?;
        at += len;
        match marker {
            0xc0..=0xc2 => decoder.start_frame(segment, marker == 0xc2, max_pixels)?,
            0xc4 => decoder.huffman_tables(segment)?,
            0xc3 | 0xc5..=0xcf => return Err(NO_PICTURE),
            0xda => {
                scans += 1;
                if scans > MAX_SCANS {
                    return Err(NO_PICTURE);
                }
                at += decoder.scan(segment, &bytes[at..])?;
            }
            0xdb => decoder.quantization_tables(segment)?,
            0xdd => decoder.restart_interval = usize::from(u16_at(segment, 0)?),
            0xe0 => decoder.jfif |= segment.starts_with(b"JFIF\0"),
            0xee if segment.starts_with(b"Adobe") => decoder.adobe = segment.get(11).copied(),
            _ => {}
        }
    }
    let quantizers = decoder.quantizers;
    let frame = decoder.frame.as_ref().ok_or(NO_PICTURE)?;
    let planes: Vec<Vec<u8>> =
        frame.components.iter().map(|c| c.samples(&quantizers)).collect::<Parsed<_>>()?;
    let full = frame.components.iter().zip(planes);
    let full = full.map(|(c, plane)| color::upsample(frame, c, plane)).collect::<Parsed<Vec<_>>>()?;
    let rgb = color::to_rgb(full, decoder.color_space(frame))?;
    Ok(Picture { width: frame.width, height: frame.height, rgb })
}

/// The next marker at or after `at`, and where its segment begins.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&b| b == 0xff)?;
        match *bytes.get(at + 1)? {
            0xff => at += 1,
            0x00 => at += 2,
            marker => return Some((marker, at + 2)),
        }
    }
}

fn u16_at(segment: &[u8], at: usize) -> Parsed<u16> {
    match segment.get(at..at + 2) {
        Some(&[high, low]) => Ok(u16::from_be_bytes([high, low])),
        _ => Err(NO_PICTURE),
    }
}

impl Decoder {
    fn start_frame(&mut self, segment: &[u8], progressive: bool, max_pixels: usize) -> Parsed<()> {
        let (height, width) = (usize::from(u16_at(segment, 1)?), usize::from(u16_at(segment, 3)?));
        let (bits, count) = (segment[0], usize::from(*segment.get(5).ok_or(NO_PICTURE)?));
        let specs = segment.get(6..6 + 3 * count).ok_or(NO_PICTURE)?;
        if self.frame.is_some() || bits != 8 || width == 0 || height == 0 || !matches!(count, 1 | 3 | 4) {
            return Err(NO_PICTURE);
        }
        if width * height > max_pixels {
            return Err(Failure::TooLarge);
        }
        let factors = || specs.chunks(3).map(|c| (usize::from(c[1] >> 4), usize::from(c[1] & 15)));
        if factors().any(|(h, v)| !(1..=4).contains(&h) || !(1..=4).contains(&v)) {
            return Err(NO_PICTURE);
        }
        let max_h = factors().map(|(h, _)| h).max().unwrap_or(1);
        let max_v = factors().map(|(_, v)| v).max().unwrap_or(1);
        let mcus = (width.div_ceil(8 * max_h), height.div_ceil(8 * max_v));
        let mut components: Vec<Component> = Vec::new();
        for (spec, (h, v)) in specs.chunks(3).zip(factors()) {
            let blocks = mcus.0 * h;
            let mut coefficients = Vec::new();
            let len = blocks * mcus.1 * v * 64;
            coefficients.try_reserve_exact(len).map_err(|_| Failure::TooLarge)?;
            coefficients.resize(len, 0);
            let (width, height) = ((width * h).div_ceil(max_h), (height * v).div_ceil(max_v));
            let quantizer = usize::from(spec[2]);
            if quantizer > 3 || components.iter().any(|c| c.id == spec[0]) {
                return Err(NO_PICTURE);
            }
            components.push(Component { id: spec[0], h, v, quantizer, width, height, blocks, coefficients });
        }
        self.frame = Some(Frame { progressive, width, height, max_h, max_v, mcus, components });
        Ok(())
    }

    fn quantization_tables(&mut self, mut segment: &[u8]) -> Parsed<()> {
        while let Some((&spec, rest)) = segment.split_first() {
            let wide = usize::from(spec >> 4 != 0);
            let values = rest.get(..64 << wide).ok_or(NO_PICTURE)?;
            let table = self.quantizers.get_mut(usize::from(spec & 15)).ok_or(NO_PICTURE)?;
            let mut natural = [0; 64];
            for (&place, value) in entropy::ZIGZAG.iter().zip(values.chunks(1 << wide)) {
                natural[place] = value.iter().fold(0, |n, &b| n << 8 | u16::from(b));
            }
            *table = Some(natural);
            segment = &rest[64 << wide..];
        }
        Ok(())
    }

    fn huffman_tables(&mut self, mut segment: &[u8]) -> Parsed<()> {
        while let Some((&spec, rest)) = segment.split_first() {
            let counts = rest.get(..16).ok_or(NO_PICTURE)?;
            let total: usize = counts.iter().map(|&c| usize::from(c)).sum();
            let symbols = rest.get(16..16 + total).ok_or(NO_PICTURE)?;
            let tables = if spec >> 4 == 0 { &mut self.dc_tables } else { &mut self.ac_tables };
            let table = tables.get_mut(usize::from(spec & 15)).ok_or(NO_PICTURE)?;
            *table = Some(Table::new(counts, symbols).ok_or(NO_PICTURE)?);
            segment = &rest[16 + total..];
        }
        Ok(())
    }

    fn color_space(&self, frame: &Frame) -> color::Space {
        let ids: Vec<u8> = frame.components.iter().map(|c| c.id).collect();
        match (ids.len(), self.adobe) {
            (1, _) => color::Space::Gray,
            (3, _) if self.jfif => color::Space::Ycc,
            (3, Some(0)) => color::Space::Rgb,
            (3, None) if ids == *b"RGB" => color::Space::Rgb,
            (3, _) => color::Space::Ycc,
            (_, Some(2)) => color::Space::Ycck,
            (_, adobe) => color::Space::Cmyk { inverted: adobe.is_some() },
        }
    }
}

impl Component {
    /// The samples, in rows of whole blocks.
    fn samples(&self, quantizers: &[Option<[u16; 64]>; 4]) -> Parsed<Vec<u8>> {
        let quantizer = quantizers[self.quantizer].as_ref().ok_or(NO_PICTURE)?;
        let stride = self.blocks * 8;
        let mut samples = Vec::new();
        samples.try_reserve_exact(self.coefficients.len()).map_err(|_| Failure::TooLarge)?;
        samples.resize(self.coefficients.len(), 0);
        for (i, block) in self.coefficients.as_chunks::<64>().0.iter().enumerate() {
            let (x, y) = (i % self.blocks * 8, i / self.blocks * 8);
            for (row, pixels) in idct::inverse(block, quantizer).chunks(8).enumerate() {
                samples[(y + row) * stride + x..][..8].copy_from_slice(pixels);
            }
        }
        Ok(samples)
    }
}

#[cfg(test)]
mod tests;
