//! Weights that keep two neighboring products within 16 bits, and what that leaves out.
//!
//! Where engines of WebAssembly have no VNNI to use, the shortest way to a dot product of bytes adds two
//! neighboring products in 16 bits, and saturates: 255 · 127 + 255 · 127 is too much. Neighbors that large are few. So the panels hold weights of
//! which no two pass the bound, and the rest of those that would, the excess, is multiplied
//! [aside](super::aside::Aside).

use super::packed::{Line, PANEL};
use std::collections::TryReserveError;

/// What positive neighbors may add up to, and negative ones: 255 · 128 fits 16 bits.
const BOUND: i16 = 128;
/// How many weights a line may leave out, on average, where there are panels enough to share the turned rows.
const MOST: usize = 3;

/// What a column leaves out at four depths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Four {
    /// The column in the panel.
    pub col: usize,
    /// The depths, counted through all taps, each as wide as its quads.
    pub depths: [u32; 4],
    /// The weights there. Zeros fill up.
    pub weights: [i8; 4],
}

/// What bounded panels leave out.
#[derive(Debug)]
pub struct Excess {
    fours: Vec<Four>,
    /// Where each panel's end.
    ends: Vec<usize>,
}

impl Excess {
    /// Bounds the lines of so many panels; says what that leaves out. Not where it would be too much: lines are
    /// then as they were.
    pub fn split(lines: &mut [Line], panels: usize) -> Result<Option<Excess>, TryReserveError> {
        let over: usize = lines.iter().map(|line| over(line).count_ones() as usize).sum();
        if over > MOST.min(panels.saturating_sub(1)) * lines.len() {
            return Ok(None);
        }
        let mut excess = Excess { fours: Vec::new(), ends: Vec::new() };
        excess.ends.try_reserve_exact(panels)?;
        let depth = lines.len() / panels.max(1);
        for panel in 0..panels {
            if over > 0 {
                excess.split_panel(&mut lines[panel * depth..][..depth])?;
            }
            excess.ends.push(excess.fours.len());
        }
        Ok(Some(excess))
    }

    fn split_panel(&mut self, lines: &mut [Line]) -> Result<(), TryReserveError> {
        let mut open = [const { Four { col: 0, depths: [0; 4], weights: [0; 4] } }; PANEL];
        let mut held = [0; PANEL];
        for (i, line) in lines.iter_mut().enumerate() {
            let mut over = over(line);
            self.fours.try_reserve(over.count_ones() as usize)?;
            while over != 0 {
                let at = over.trailing_zeros() as usize;
                over &= over - 1;
                let (col, depth) = (at / 2, 4 * i + at % 2 * 2);
                let weight = bound(&mut line.0.as_chunks_mut().0[at]);
                let (four, held) = (&mut open[col], &mut held[col]);
                four.col = col;
                (four.depths[*held], four.weights[*held]) = (depth as u32, weight);
                *held += 1;
                if *held == 4 {
                    self.fours.push(*four);
                    (four.weights, *held) = ([0; 4], 0);
                }
            }
        }
        self.fours.try_reserve(PANEL)?;
        self.fours.extend(open.iter().zip(held).filter(|&(_, held)| held > 0).map(|(four, _)| *four));
        Ok(())
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.fours[..]) + size_of_val(&self.ends[..])
    }

    /// Whether nothing was left out.
    pub fn is_empty(&self) -> bool {
        self.fours.is_empty()
    }

    /// What a panel leaves out.
    pub fn of_panel(&self, panel: usize) -> &[Four] {
        let start = panel.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.fours[start..self.ends[panel]]
    }
}

/// By how much two neighbors pass the bound.
#[inline(always)]
fn excess(pair: [i8; 2]) -> i16 {
    let [a, b] = pair.map(i16::from);
    (a.max(0) + b.max(0) - BOUND).max(0) + (a.min(0) + b.min(0) + BOUND).min(0)
}

/// Which neighbors of a line pass the bound: a bit for every two.
fn over(Line(line): &Line) -> u32 {
    #[cfg(target_arch = "wasm32")]
    {
        use std::arch::wasm32::*;
        line.as_chunks::<16>().0.iter().rev().fold(0, |bits, bytes| {
            // SAFETY: 16 bytes are there.
            let bytes = unsafe { v128_load(bytes.as_ptr().cast()) };
            let positive = i16x8_extadd_pairwise_i8x16(i8x16_max(bytes, i8x16_splat(0)));
            let negative = i16x8_extadd_pairwise_i8x16(i8x16_min(bytes, i8x16_splat(0)));
            let (high, low) = (i16x8_splat(BOUND), i16x8_splat(-BOUND));
            bits << 8 | u32::from(i16x8_bitmask(v128_or(i16x8_gt(positive, high), i16x8_lt(negative, low))))
        })
    }
    #[cfg(not(target_arch = "wasm32"))]
    line.as_chunks().0.iter().rev().fold(0, |bits, &pair| bits << 1 | u32::from(excess(pair) != 0))
}

/// Takes what is too much from the first of two neighbors.
fn bound(pair: &mut [i8; 2]) -> i8 {
    let excess = excess(*pair);
    // Both have its sign, and neither is smaller.
    pair[0] = (i16::from(pair[0]) - excess) as i8;
    excess as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_two_neighbors_are_bounded_and_nothing_is_lost() {
        for a in i8::MIN..=i8::MAX {
            for b in i8::MIN..=i8::MAX {
                let mut pair = [a, b];
                let left_out = bound(&mut pair);
                let [x, y] = pair.map(i32::from);
                assert_eq!([x + i32::from(left_out), y], [a.into(), b.into()]);
                let sums = [0, 255].map(|p| [0, 255].map(|q| p * x + q * y));
                assert!(
                    sums.as_flattened().iter().all(|&sum| i16::try_from(sum).is_ok()),
                    "{a} {b}: {pair:?}"
                );
            }
        }
    }

    #[test]
    fn weights_that_are_mostly_large_stay_as_they_are() {
        let mut lines = vec![Line([127; 4 * PANEL]); 6];
        assert!(Excess::split(&mut lines, 2).unwrap().is_none());
        assert!(lines.iter().all(|line| line.0 == [127; 4 * PANEL]));
    }

    #[test]
    fn each_panel_knows_what_it_leaves_out() {
        let mut lines = vec![Line([1; 4 * PANEL]); 12];
        for i in [6, 7, 8, 9, 11] {
            (lines[i].0[62], lines[i].0[63]) = (-100, -100);
        }
        let excess = Excess::split(&mut lines, 2).unwrap().unwrap();
        assert!(excess.of_panel(0).is_empty());
        let four = |depths, weights| Four { col: 15, depths, weights };
        let [first, second] = excess.of_panel(1) else { panic!("{excess:?}") };
        assert_eq!(*first, four([2, 6, 10, 14], [-72; 4]));
        assert_eq!((second.depths[0], second.weights), (22, [-72, 0, 0, 0]));
        assert_eq!(lines[7].0[62], -28);
    }
}
