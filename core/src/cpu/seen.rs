//! Images with their channels last as the windows of a convolution see them, for edgewise-simd's kernels.

use super::conv::Convolution;
use super::stem;
use super::window::NOWHERE;
use crate::ops::conv::ConvWindows;
use crate::{Result, Shape};
use edgewise_simd::OUTSIDE;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Tables of at most so many offsets are kept.
const KEPT: usize = 1 << 22;

/// The view of images of the size that came last; kernels keep one.
#[derive(Default)]
pub struct Seen(Mutex<Option<Arc<View>>>);

/// What windows see of images of one size.
pub struct View {
    image: Shape,
    /// The convolution.
    pub conv: Convolution,
    /// Whether windows and cells are the same.
    pub identity: bool,
    channels: usize,
    /// Made when they are first asked for.
    offsets: OnceLock<Vec<u32>>,
    stem: OnceLock<Vec<u32>>,
}

impl Seen {
    /// Of an image of that shape, its channels first in it.
    pub fn view(&self, windows: &ConvWindows, image: &[usize], weights: &[usize]) -> Result<Arc<View>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = kept.as_ref().filter(|view| view.image[..] == *image) {
            return Ok(view.clone());
        }
        let conv = Convolution::new(windows, image, weights)?;
        let (channels, cells) = (image[1], conv.windows.cells());
        ensure!(
            cells.checked_mul(channels).is_some_and(|n| n < OUTSIDE as usize),
            LimitExceeded,
            "an image of {cells} × {channels} elements, of which offsets of 32 bits cannot tell"
        );
        let (identity, offsets, stem) = (conv.windows.is_identity(), OnceLock::new(), OnceLock::new());
        let view = View { image: image.into(), identity, conv, channels, offsets, stem };
        Ok(kept.insert(Arc::new(view)).clone())
    }
}

impl View {
    /// Where each tap of the windows of `pixels` begins; nothing where windows and cells are the same.
    pub fn offsets(&self, pixels: Range<usize>) -> Result<Cow<'_, [u32]>> {
        let taps = self.conv.windows.taps();
        if self.identity {
            return Ok(Cow::Borrowed(&[]));
        }
        if !self.is_kept() {
            return self.find(pixels).map(Cow::Owned);
        }
        let all = kept(&self.offsets, || self.find(0..self.conv.windows.pixels()))?;
        Ok(Cow::Borrowed(&all[pixels.start * taps..pixels.end * taps]))
    }

    /// Where each row of taps begins in an image of which the padding is written out; see [`stem`].
    pub fn stem_offsets(&self) -> Result<Cow<'_, [u32]>> {
        if !self.is_kept() {
            return stem::offsets(self.conv.windows.axes(), self.channels).map(Cow::Owned);
        }
        kept(&self.stem, || stem::offsets(self.conv.windows.axes(), self.channels))
            .map(|all| Cow::Borrowed(&all[..]))
    }

    fn is_kept(&self) -> bool {
        let windows = &self.conv.windows;
        windows.pixels().checked_mul(windows.taps()).is_some_and(|n| n <= KEPT)
    }

    /// How many pixels to ask for at a time, so that what is not kept stays small.
    pub fn most(&self) -> usize {
        if self.identity || self.is_kept() {
            usize::MAX
        } else {
            (KEPT / 16 / self.conv.windows.taps().max(1)).max(1)
        }
    }

    fn find(&self, pixels: Range<usize>) -> Result<Vec<u32>> {
        let taps = self.conv.windows.taps();
        let no_memory = || err!(OutOfMemory, "no memory for the windows of {} pixels", pixels.len());
        let mut offsets = Vec::new();
        offsets.try_reserve_exact(taps * pixels.len()).map_err(|_| no_memory())?;
        offsets.resize(taps * pixels.len(), OUTSIDE);
        let mut cells = vec![0; pixels.len()];
        for tap in 0..taps {
            self.conv.windows.offsets(tap, pixels.clone(), &mut cells);
            for (to, &cell) in offsets.iter_mut().skip(tap).step_by(taps).zip(&cells) {
                if cell != NOWHERE {
                    *to = (cell * self.channels) as u32;
                }
            }
        }
        Ok(offsets)
    }
}

/// What is in there, made if it is not. Where several threads come at once, each makes it.
pub fn kept<T>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    match cell.get() {
        Some(all) => Ok(all),
        None => {
            let all = make()?;
            Ok(cell.get_or_init(|| all))
        }
    }
}
