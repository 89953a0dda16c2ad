//! Depthwise convolutions of 8-bit integers with the channels last: each channel by itself, windows of any
//! shape.
//!
//! Four taps of a window are zipped into quads, so that one dot product adds four taps of a channel. Zipping
//! leaves the channels in another order (see [`Simd::zip4`]), and narrowing the results restores it; what is
//! known by channel is therefore brought into that order before the first pixel.

use crate::gemm_i8::{Reading, Requantize, Sums};
use crate::{Isa, MatrixMut, OUTSIDE, Simd, Task, dispatch};
use std::collections::TryReserveError;

/// Channels come in blocks of so many at most: four vectors of the widest set.
const BLOCK: usize = 64;

/// The weights of a depthwise convolution: a window for each channel.
#[derive(Debug)]
pub struct DepthwiseI8 {
    /// Quads of taps × channels in whole blocks × 4.
    weights: Vec<[i8; 4]>,
    channels: usize,
    taps: usize,
    /// Σ w of each channel.
    sums: Vec<i32>,
    /// Zero points of the stored bytes by channel; empty where all are zero.
    zeros: Vec<i32>,
}

impl DepthwiseI8 {
    /// Packs `channels` windows of `taps` bytes, one after the other, i8 where `signed`, else u8; `zeros` has
    /// the zero point of all, or of each channel.
    ///
    /// # Panics
    /// If there are fewer bytes.
    pub fn new(
        weights: &[u8],
        signed: bool,
        [taps, channels]: [usize; 2],
        zeros: &[i32],
    ) -> Result<DepthwiseI8, TryReserveError> {
        let padded = channels.next_multiple_of(BLOCK);
        // Stored bytes are i8: u8 moves by 128, and its zero point with it.
        let (flip, shift) = if signed { (0, 0) } else { (0x80, 128) };
        let mut packed = Vec::new();
        packed.try_reserve_exact(taps.div_ceil(4) * padded)?;
        packed.resize(taps.div_ceil(4) * padded, [0; 4]);
        let (mut sums, mut moved) = (vec![0; padded], vec![0; padded]);
        for (channel, window) in weights[..taps * channels].chunks_exact(taps.max(1)).enumerate() {
            for (tap, &w) in window.iter().enumerate() {
                let w = (w ^ flip) as i8;
                packed[tap / 4 * padded + channel][tap % 4] = w;
                sums[channel] += i32::from(w);
            }
        }
        for (channel, zero) in moved.iter_mut().enumerate().take(channels) {
            *zero = zeros[if zeros.len() == 1 { 0 } else { channel }].wrapping_sub(shift);
        }
        let zeros = if moved.iter().all(|&zero| zero == 0) { Vec::new() } else { moved };
        Ok(DepthwiseI8 { weights: packed, channels, taps, sums, zeros })
    }

    /// How many channels there are.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Channels in whole blocks: as many as everything that is given by channel must have.
    pub fn padded_channels(&self) -> usize {
        self.sums.len()
    }
}

/// A depthwise convolution.
#[derive(Clone, Copy, Debug)]
pub struct Depthwise<'a> {
    /// The image, all channels of a pixel side by side.
    pub image: &'a [u8],
    /// Where each tap of each window begins in it, or [`OUTSIDE`].
    pub offsets: &'a [u32],
    /// Whether its bytes are i8.
    pub signed: bool,
    /// Its zero point, which also lies outside it.
    pub zero: i32,
    /// The windows.
    pub weights: &'a DepthwiseI8,
    /// What is added to the sums of each channel, for channels in whole blocks.
    pub bias: Option<&'a [i32]>,
}

/// What becomes of the sums of a block of channels.
pub trait Finish: Sync {
    /// An element of the output.
    type Out: Copy;

    /// What it has by channel.
    fn by_channel(&self) -> Option<&[f32]>;

    /// The convolution with this end: a call of `convolve` and nothing else. Where that is written, the loops are
    /// compiled; users of this crate may be compiled for size.
    fn convolve(&self, isa: Isa, job: &Depthwise<'_>, out: MatrixMut<'_, Self::Out>);

    /// Finishes zipped sums of as many channels as `to` has room for, up to four vectors. `by_channel` is as
    /// [`by_channel`](Finish::by_channel), zipped, from the first of these channels on.
    ///
    /// # Safety
    /// `by_channel` must be there for four vectors, where it is there at all.
    unsafe fn finish<S: Simd>(&self, s: S, sums: [S::I; 4], by_channel: &[f32], to: &mut [Self::Out]);
}

impl Finish for Sums {
    type Out = i32;

    fn by_channel(&self) -> Option<&[f32]> {
        None
    }

    #[inline(never)]
    fn convolve(&self, isa: Isa, job: &Depthwise<'_>, out: MatrixMut<'_, i32>) {
        convolve(isa, job, self, out)
    }

    #[inline(always)]
    unsafe fn finish<S: Simd>(&self, s: S, sums: [S::I; 4], _: &[f32], to: &mut [i32]) {
        let mut zipped = [0; BLOCK];
        for (v, sums) in sums.into_iter().enumerate() {
            s.store_i(sums, &mut zipped[v * S::LANES..]);
        }
        for (i, to) in to.iter_mut().enumerate() {
            *to = zipped[zipped_place(i, S::LANES)];
        }
    }
}

impl Finish for Requantize<'_> {
    type Out = u8;

    fn by_channel(&self) -> Option<&[f32]> {
        Some(self.factors())
    }

    #[inline(never)]
    fn convolve(&self, isa: Isa, job: &Depthwise<'_>, out: MatrixMut<'_, u8>) {
        convolve(isa, job, self, out)
    }

    #[inline(always)]
    unsafe fn finish<S: Simd>(&self, s: S, sums: [S::I; 4], by_channel: &[f32], to: &mut [u8]) {
        let zipped = self.with_factors(by_channel);
        // SAFETY: the caller has looked at the length of what is by channel, and `to` is looked at here.
        unsafe {
            let mut x = sums;
            for (v, x) in x.iter_mut().enumerate() {
                *x = zipped.of(s, *x, v * S::LANES);
            }
            let bytes = self.narrow::<S, true>(s, x);
            if to.len() >= 4 * S::LANES {
                return s.store_i_at(bytes, to.as_mut_ptr().cast());
            }
            let mut all = [0i32; 16];
            s.store_i(bytes, &mut all);
            std::ptr::copy_nonoverlapping(all.as_ptr().cast(), to.as_mut_ptr(), to.len());
        }
    }
}

/// Where in a zipped block of four vectors channel `i` of the block is.
fn zipped_place(i: usize, lanes: usize) -> usize {
    if lanes < 4 { i } else { i / 4 % 4 * lanes + i / 16 * 4 + i % 4 }
}

/// What is by channel, in the order of zipped blocks.
fn zip<T: Copy + Default>(natural: &[T], lanes: usize) -> Vec<T> {
    let mut zipped = vec![T::default(); natural.len()];
    for (from, to) in natural.chunks(4 * lanes).zip(zipped.chunks_mut(4 * lanes)) {
        for (i, &x) in from.iter().enumerate() {
            to[zipped_place(i, lanes)] = x;
        }
    }
    zipped
}

/// Computes the windows of `out`'s rows, for all channels.
///
/// # Panics
/// If what the job holds is too short for that.
pub fn depthwise_i8<E: Finish>(isa: Isa, job: &Depthwise<'_>, epilogue: &E, out: MatrixMut<'_, E::Out>) {
    epilogue.convolve(isa, job, out);
}

/// The same; each [`Finish::convolve`] compiles its own.
fn convolve<E: Finish>(isa: Isa, job: &Depthwise<'_>, epilogue: &E, out: MatrixMut<'_, E::Out>) {
    let weights = job.weights;
    if out.rows().is_empty() || out.cols().is_empty() {
        return;
    }
    let padded = weights.padded_channels();
    assert!(out.cols() == (0..weights.channels) && job.offsets.len() >= out.rows().end * weights.taps);
    assert!(job.bias.is_none_or(|bias| bias.len() >= padded));
    assert!(epilogue.by_channel().is_none_or(|values| values.len() >= padded));
    dispatch(isa, Convolve { job, epilogue, out });
}

struct Convolve<'a, 'b, E: Finish> {
    job: &'a Depthwise<'b>,
    epilogue: &'a E,
    out: MatrixMut<'a, E::Out>,
}

impl<E: Finish> Task for Convolve<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Convolve { job, epilogue, mut out } = self;
        let weights = job.weights;
        let (padded, quads) = (weights.padded_channels(), weights.taps.div_ceil(4));
        let Reading { flip, zero, .. } = Reading::new::<S>(job.signed, job.zero);
        let start: Vec<i32> = (0..padded)
            .map(|i| job.bias.map_or(0, |b| b[i]).wrapping_sub(zero.wrapping_mul(weights.sums[i])))
            .collect();
        let by_quad = weights.weights.chunks(padded).map(|quad| zip(quad, S::LANES));
        let layer = Layer {
            epilogue,
            quads: by_quad.collect::<Vec<_>>().concat(),
            start: zip(&start, S::LANES),
            zeros: zip(&weights.zeros, S::LANES),
            by_channel: epilogue.by_channel().map(|v| zip(&v[..padded], S::LANES)).unwrap_or_default(),
            zero_sum: zero.wrapping_mul(weights.taps as i32),
            flip: i32::from_le_bytes([flip; 4]),
        };
        // Rows for what lies outside, and for taps that there are not.
        let outside = vec![job.zero as u8; padded];
        let none = vec![flip; padded];
        let mut rows = vec![none.as_ptr(); 4 * quads];
        let mut copies = Vec::new();
        for row in out.rows() {
            let offsets = &job.offsets[row * weights.taps..][..weights.taps];
            copies.clear();
            let last = offsets.iter().filter(|&&offset| offset != OUTSIDE).max().map_or(0, |&o| o as usize);
            assert!(last + weights.channels <= job.image.len() || offsets.iter().all(|&o| o == OUTSIDE));
            if last + padded > job.image.len() {
                // Whole blocks would reach past the end.
                copies.reserve(weights.taps * padded);
            }
            for (&offset, to) in offsets.iter().zip(&mut rows) {
                *to = match offset {
                    OUTSIDE => outside.as_ptr(),
                    offset if copies.capacity() > 0 && last + padded > job.image.len() => {
                        let at = copies.len();
                        copies.extend_from_slice(&job.image[offset as usize..][..weights.channels]);
                        copies.resize(at + padded, 0);
                        copies[at..].as_ptr()
                    }
                    offset => job.image[offset as usize..].as_ptr(),
                };
            }
            let at = row - out.rows().start;
            // SAFETY: every row can be read for whole blocks.
            unsafe { layer.pixel(s, &rows, out.row(at)) };
        }
    }
}

/// All that the pixels share, zipped.
struct Layer<'a, E: Finish> {
    epilogue: &'a E,
    quads: Vec<[i8; 4]>,
    start: Vec<i32>,
    zeros: Vec<i32>,
    by_channel: Vec<f32>,
    /// The image's zero point for every tap.
    zero_sum: i32,
    flip: i32,
}

impl<E: Finish> Layer<'_, E> {
    /// # Safety
    /// There must be four rows for each quad, readable for channels in whole blocks.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    unsafe fn pixel<S: Simd>(&self, s: S, rows: &[*const u8], out: &mut [E::Out]) {
        let padded = self.start.len();
        for (block, to) in out.chunks_mut(4 * S::LANES).enumerate() {
            let first = block * 4 * S::LANES;
            // SAFETY: everything by channel is there in whole blocks, and so are the rows.
            unsafe {
                let mut sums = [s.splat_i(0); 4];
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = s.load_i_at(self.start.as_ptr().add(first + v * S::LANES));
                }
                let mut ones = [s.splat_i(0); 4];
                let mut weights = self.quads.as_ptr().add(first);
                for quad in rows.chunks_exact(4) {
                    let mut taps = [s.splat_i(0); 4];
                    for (tap, row) in taps.iter_mut().zip(quad) {
                        *tap = s.load_i_at(row.add(first).cast());
                        if self.flip != 0 {
                            *tap = s.xor(*tap, s.splat_i(self.flip));
                        }
                    }
                    let zipped = s.zip4(taps);
                    for v in 0..4 {
                        let weights = s.load_i_at(weights.add(v * S::LANES).cast());
                        sums[v] = s.dot_native(sums[v], zipped[v], weights);
                        if !self.zeros.is_empty() {
                            ones[v] = s.dot_native(ones[v], zipped[v], s.splat_i(0x0101_0101));
                        }
                    }
                    weights = weights.add(padded);
                }
                if !self.zeros.is_empty() {
                    for v in 0..4 {
                        let zeros = s.load_i_at(self.zeros.as_ptr().add(first + v * S::LANES));
                        let x = s.sub_i(ones[v], s.splat_i(self.zero_sum));
                        sums[v] = s.sub_i(sums[v], s.mul_i(zeros, x));
                    }
                }
                let by_channel = self.by_channel.get(first..).unwrap_or_default();
                self.epilogue.finish(s, sums, by_channel, to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of pixels, channels, taps.
    const SIZES: [[usize; 3]; 9] = [
        [1, 1, 9],
        [5, 3, 9],
        [20, 16, 9],
        [9, 64, 25],
        [7, 70, 9],
        [4, 144, 3],
        [30, 33, 1],
        [3, 200, 4],
        [0, 5, 9],
    ];

    #[test]
    fn windows_are_those_of_plain_loops() {
        for [rows, channels, taps] in SIZES {
            for variant in 0..12 {
                let (x_signed, w_signed) = (variant & 1 != 0, variant & 2 != 0);
                let byte = |i: usize| [0, 255, 128, 127, (i * 7919 / 8) as u8][i * 31 % 5];
                let wide = |b: u8, signed: bool| if signed { i32::from(b as i8) } else { i32::from(b) };
                let image: Vec<u8> = (0..(rows + 3) * channels).map(byte).collect();
                let weights: Vec<u8> = (0..channels * taps).map(|i| byte(i + 11)).collect();
                let offsets: Vec<u32> = (0..rows * taps)
                    .map(|i| if i % 7 == 3 { OUTSIDE } else { (i * 13 % (rows + 3) * channels) as u32 })
                    .collect();
                let zeros: Vec<i32> = match variant % 3 {
                    0 => vec![if w_signed { 0 } else { 128 }],
                    1 => vec![5],
                    _ => (0..channels as i32).collect(),
                };
                let zero = if x_signed { -100 } else { 77 };
                let packed = DepthwiseI8::new(&weights, w_signed, [taps, channels], &zeros).unwrap();
                let bias: Vec<i32> = (0..packed.padded_channels() as i32).map(|i| i * 100 - 999).collect();
                let factor: Vec<f32> = (0..packed.padded_channels()).map(|i| 1e-4 * i as f32).collect();
                let sum = |row: usize, channel: usize| {
                    (0..taps).fold(bias[channel], |sum, tap| {
                        let x = match offsets[row * taps + tap] {
                            OUTSIDE => 0,
                            offset => wide(image[offset as usize + channel], x_signed) - zero,
                        };
                        let zero = zeros[if zeros.len() == 1 { 0 } else { channel }];
                        sum + x * (wide(weights[channel * taps + tap], w_signed) - zero)
                    })
                };
                let sums: Vec<i32> = (0..rows * channels).map(|i| sum(i / channels, i % channels)).collect();
                let round = |(i, &sum): (usize, &i32)| {
                    let x = (sum as f32 * factor[i % channels]).round_ties_even() + 9.0;
                    x.clamp(0.0, 255.0) as u8
                };
                let bytes: Vec<u8> = sums.iter().enumerate().map(round).collect();
                let (image, offsets, bias) = (&image[..], &offsets[..], Some(&bias[..]));
                let job = Depthwise { image, offsets, signed: x_signed, zero, weights: &packed, bias };
                for isa in Isa::supported() {
                    let mut out = vec![0; rows * channels];
                    depthwise_i8(isa, &job, &Sums, MatrixMut::dense(&mut out, channels));
                    assert_eq!(out, sums, "{rows} {channels} {taps} {variant} {isa:?}");
                    let mut out = vec![0; rows * channels];
                    let epilogue = Requantize::new(&factor, 9, [0, 255]);
                    depthwise_i8(isa, &job, &epilogue, MatrixMut::dense(&mut out, channels));
                    assert_eq!(out, bytes, "{rows} {channels} {taps} {variant} {isa:?}");
                }
            }
        }
    }
}
