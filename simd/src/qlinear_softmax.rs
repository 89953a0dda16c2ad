//! Softmax of quantized rows by tables: sums of integers, one division per element, one rounding.

use crate::Isa;
use crate::quantize::Bytes;
use crate::vector::{Simd, Task, dispatch_plain};

/// What every row is computed with.
#[derive(Clone, Copy, Debug)]
pub struct Shares<'a> {
    /// The exponential of each number of steps below the largest, as an integer; the sum over a row must fit
    /// into 64 bits.
    pub table: &'a [u32; 256],
    /// Each of them in steps of the result.
    pub steps: &'a [f32; 256],
    /// The zero point of the result.
    pub zero: i32,
    /// Whether bytes are from -128 to 127.
    pub signed: bool,
}

/// Every row of `len` bytes of `x` to the same place of `y`: `saturate(round(steps / sum) + zero)`. Panics
/// where the two have different lengths.
pub fn qlinear_softmax(isa: Isa, shares: Shares<'_>, x: &[u8], y: &mut [u8], len: usize) {
    assert_eq!(x.len(), y.len());
    dispatch_plain(isa, Rows { shares, x, y, len });
}

struct Rows<'a> {
    shares: Shares<'a>,
    x: &'a [u8],
    y: &'a mut [u8],
    len: usize,
}

impl Task for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Shares { table, steps, zero, signed } = self.shares;
        // Flipping the top bit turns signed bytes into unsigned ones of the same order.
        let (flip, low, high) = if signed { (0x80, -128, 127) } else { (0, 0, 255) };
        let to = Bytes::new(s, s.splat_i(zero), s.splat_i(low), s.splat_i(high));
        let len = self.len.max(1);
        for (x, y) in self.x.chunks(len).zip(self.y.chunks_mut(len)) {
            let max = x.iter().fold(0, |max, x| max.max(x ^ flip));
            let below = |x: u8| usize::from(max - (x ^ flip));
            let sum: u64 = x.iter().map(|&x| u64::from(table[below(x)])).sum();
            let sum = s.splat(sum as f32);
            for (x, y) in x.chunks(S::LANES).zip(y.chunks_mut(S::LANES)) {
                let mut lanes = [0f32; 16];
                lanes.iter_mut().zip(x).for_each(|(lane, &x)| *lane = steps[below(x)]);
                s.store_bytes(to.round(s, s.div(s.load(&lanes[..S::LANES]), sum)), y);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_every_length_and_sign() {
        let table: [u32; 256] = std::array::from_fn(|i| (8e6 * (-0.05 * i as f64).exp()) as u32);
        let steps = table.map(|share| share as f32 * 255.0);
        for (isa, signed) in Isa::supported().flat_map(|isa| [false, true].map(|signed| (isa, signed))) {
            let (flip, low, high) = if signed { (0x80, -128, 127) } else { (0, 0, 255) };
            let shares = Shares { table: &table, steps: &steps, zero: low, signed };
            for len in (1..50).chain([197]) {
                let x: Vec<u8> = (0..2 * len).map(|i| (i * 37 + len) as u8).collect();
                let mut y = vec![0; x.len()];
                qlinear_softmax(isa, shares, &x, &mut y, len);
                for (x, y) in x.chunks(len).zip(y.chunks(len)) {
                    let max = x.iter().map(|x| x ^ flip).max().unwrap();
                    let share = |x: u8| usize::from(max - (x ^ flip));
                    let sum: u64 = x.iter().map(|&x| u64::from(table[share(x)])).sum();
                    for (&x, &y) in x.iter().zip(y) {
                        let steps = (steps[share(x)] / sum as f32).round_ties_even() as i32;
                        assert_eq!(y, (steps + low).clamp(low, high) as u8, "{isa:?} {len}");
                    }
                }
            }
        }
    }
}
