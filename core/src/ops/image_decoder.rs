//! ImageDecoder: the pixels of an encoded picture, as [height, width, channels] of u8.
//!
//! Opset 20, unchanged since. BMP, JPEG, JPEG 2000, PNG, PNM, TIFF and WebP. What cannot be decoded becomes
//! an empty tensor, as the specification says; a picture beyond the limits is an error.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Dim, Result};

/// The channels of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Pixels {
    Rgb,
    Bgr,
    Gray,
}

/// ImageDecoder.
#[derive(Clone, Debug)]
pub struct ImageDecoder {
    /// The channels of a pixel.
    pub pixels: Pixels,
}

impl Operator for ImageDecoder {
    fn parse(a: &mut Attrs) -> Result<ImageDecoder> {
        a.arity(1..=1, 1..=1)?;
        let formats = [("RGB", Pixels::Rgb), ("BGR", Pixels::Bgr), ("Grayscale", Pixels::Gray)];
        Ok(ImageDecoder { pixels: a.choice("pixel_format", &formats)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        ensure!(dtype == DType::U8, InvalidModel, "an encoded picture must be of u8, got {dtype}");
        let dims = [cx.unknown_dim(), cx.unknown_dim(), Dim::from(self.channels())];
        cx.set_tensor(0, DType::U8, Some(Dims::from_iter(dims)));
        Ok(())
    }
}

impl ImageDecoder {
    /// How many channels there are.
    pub fn channels(&self) -> usize {
        if self.pixels == Pixels::Gray { 1 } else { 3 }
    }
}
