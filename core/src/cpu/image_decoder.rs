//! ImageDecoder on the CPU: JPEG by [`jpeg`](super::jpeg), the rest by the crates `image` and
//! `hayro-jpeg2000`.

use super::{Io, Kernel, jpeg};
use crate::ops::image_decoder::{ImageDecoder, Pixels};
use crate::{DType, Result};
use image::{DynamicImage, ImageError, ImageReader, Limits};
use std::io::Cursor;

/// What a model may ask for: pixels along a side, pixels, and bytes while they are decoded.
const MAX_SIDE: u32 = 1 << 16;
const MAX_PIXELS: usize = 1 << 26;
const MAX_BYTES: u64 = 1 << 30;

impl Kernel for ImageDecoder {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        ensure!(x.dtype() == DType::U8, InvalidInput, "an encoded picture must be of u8, got {x:?}");
        let Some(Rgb { width, height, mut bytes }) = decode(x.bytes())? else {
            io.make(0, DType::U8, &[0, 0, self.channels()])?;
            return Ok(());
        };
        match self.pixels {
            Pixels::Rgb => {}
            Pixels::Bgr => bytes.chunks_exact_mut(3).for_each(|p| p.swap(0, 2)),
            Pixels::Gray => bytes = bytes.chunks_exact(3).map(|p| luma(p[0], p[1], p[2])).collect(),
        }
        let y = io.make(0, DType::U8, &[height, width, self.channels()])?;
        y.into_slice::<u8>()?.copy_from_slice(&bytes);
        Ok(())
    }
}

/// Three bytes per pixel.
struct Rgb {
    width: usize,
    height: usize,
    bytes: Vec<u8>,
}

/// The weights of ITU-R 601 in 16 fractional bits; what is gray stays as it is.
fn luma(r: u8, g: u8, b: u8) -> u8 {
    ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 0x8000) >> 16) as u8
}

/// `None` where the bytes are no picture.
fn decode(bytes: &[u8]) -> Result<Option<Rgb>> {
    if is_jpeg2000(bytes) {
        return jpeg2000(bytes);
    }
    if jpeg::is_jpeg(bytes) {
        return match jpeg::decode(bytes, MAX_PIXELS) {
            Ok(jpeg::Picture { width, height, rgb }) => Ok(Some(Rgb { width, height, bytes: rgb })),
            Err(jpeg::Failure::NoPicture) => Ok(None),
            Err(jpeg::Failure::TooLarge) => Err(err!(LimitExceeded, "the picture is too large")),
        };
    }
    let mut reader = ImageReader::new(Cursor::new(bytes));
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits);
    match reader.with_guessed_format().map_err(ImageError::IoError).and_then(ImageReader::decode) {
        Ok(picture) => Ok(Some(rgb(picture))),
        Err(ImageError::Limits(e)) => Err(err!(LimitExceeded, "the picture is too large: {e}")),
        Err(_) => Ok(None),
    }
}

fn rgb(picture: DynamicImage) -> Rgb {
    let picture = picture.into_rgb8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    Rgb { width, height, bytes: picture.into_raw() }
}

/// A box with the signature, or a bare code stream.
fn is_jpeg2000(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0\0\0\x0cjP  \r\n\x87\n") || bytes.starts_with(b"\xff\x4f\xff\x51")
}

fn jpeg2000(bytes: &[u8]) -> Result<Option<Rgb>> {
    use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};
    let Ok(picture) = Image::new(bytes, &DecodeSettings::default()) else { return Ok(None) };
    let (width, height) = (picture.width(), picture.height());
    ensure!(
        width <= MAX_SIDE && height <= MAX_SIDE && width as usize <= MAX_PIXELS / height.max(1) as usize,
        LimitExceeded,
        "the picture is too large: {width}×{height}"
    );
    let mut cx = DecoderContext::default();
    let Ok(decoded) = picture.decode(&mut cx) else { return Ok(None) };
    let channels = decoded.components().len();
    // Fewer than three are gray, with or without transparency.
    let rgb = |p: &[u8]| if channels < 3 { [p[0]; 3] } else { [p[0], p[1], p[2]] };
    let bytes = decoded.data_u8().chunks_exact(channels.max(1)).flat_map(rgb).collect();
    Ok(Some(Rgb { width: width as usize, height: height as usize, bytes }))
}
