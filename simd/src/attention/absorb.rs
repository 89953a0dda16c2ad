//! What rows of the result have so far: the largest score, the sum of e^(score - largest), and the values by
//! these shares. A larger score scales all of it down.

use super::KEYS;
use crate::math::exp;
use crate::{Isa, Simd, Task, dispatch_plain};

/// Rows of a result that is under way.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Floats of a row of values.
    width: usize,
    largest: Vec<f32>,
    sums: Vec<f32>,
    /// [rows, width].
    values: Vec<f32>,
}

impl Rows {
    /// So many rows that have absorbed nothing; `sinks` are scores that take part and have no value.
    pub fn new(width: usize, sinks: impl Iterator<Item = Option<f32>>) -> Rows {
        let largest: Vec<f32> = sinks.map(|sink| sink.unwrap_or(f32::NEG_INFINITY)).collect();
        let sums = largest.iter().map(|&x| if x == f32::NEG_INFINITY { 0.0 } else { 1.0 }).collect();
        Rows { width, values: vec![0.0; largest.len() * width], largest, sums }
    }

    /// Adds a block of keys to the rows from `first` on: their scores [rows, KEYS], -inf for keys that a row
    /// does not see or that there are not, and the values of the keys that there are. A row sees none from its
    /// place in `ends` on. The scores become the shares, unscaled.
    pub fn absorb(&mut self, isa: Isa, first: usize, scores: &mut [f32], ends: &[usize], values: &[&[f32]]) {
        let (scores, rest) = scores.as_chunks_mut::<KEYS>();
        assert!(ends.len() == scores.len() && ends.iter().all(|&end| end <= KEYS));
        assert!(rest.is_empty() && first + scores.len() <= self.sums.len() && values.len() <= KEYS);
        assert!(values.iter().all(|value| value.len() == self.width));
        let (rows, width) = (first..first + scores.len(), self.width);
        let sums = self.largest[rows.clone()].iter_mut().zip(&mut self.sums[rows.clone()]);
        let sums: Vec<(&mut f32, &mut f32)> = sums.collect();
        let so_far = &mut self.values[rows.start * width..rows.end * width];
        dispatch_plain(isa, Absorb { width, sums, so_far, scores, ends, values });
    }

    /// Row `row`, finished: zeros where it saw nothing. Zeros have no sign, as the last keys with a share of
    /// zero may have been added or left out.
    pub fn finished(&self, row: usize) -> impl Iterator<Item = f32> {
        let sum = self.sums[row];
        let nothing = sum == 0.0;
        self.values[row * self.width..][..self.width]
            .iter()
            .map(move |x| if nothing { 0.0 } else { (x + 0.0) / sum })
    }
}

struct Absorb<'a> {
    width: usize,
    /// Of each row: the largest score, and the sum of shares.
    sums: Vec<(&'a mut f32, &'a mut f32)>,
    so_far: &'a mut [f32],
    scores: &'a mut [[f32; KEYS]],
    ends: &'a [usize],
    values: &'a [&'a [f32]],
}

impl Task for Absorb<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        if self.width == 0 {
            return;
        }
        let rows = self.sums.iter_mut().zip(self.scores.iter_mut().zip(self.ends));
        for ((sums, (scores, &end)), so_far) in rows.zip(self.so_far.chunks_exact_mut(self.width)) {
            let (seen, unseen) = scores.split_at_mut(end.next_multiple_of(2 * S::LANES));
            unseen.fill(0.0);
            let scaled_down = shares(s, seen, sums);
            if scaled_down != 1.0 {
                for x in so_far.chunks_mut(S::LANES) {
                    s.store_some(s.mul(s.load_some(x), s.splat(scaled_down)), x);
                }
            }
        }
        if !finite(s, self.values) {
            return self.add_with_care();
        }
        let mut row = 0;
        while row < self.scores.len() {
            row += match (self.scores.len() - row, S::REGISTERS >= 32) {
                (6.., true) => self.add::<S, 6, 4>(s, row),
                (3.., true) => self.add::<S, 3, 4>(s, row),
                (_, true) => self.add::<S, 1, 4>(s, row),
                (4.., false) => self.add::<S, 4, 2>(s, row),
                (_, false) => self.add::<S, 1, 4>(s, row),
            };
        }
    }
}

/// Makes scores shares; says what came before is to be multiplied with.
#[inline(always)]
fn shares<S: Simd>(s: S, scores: &mut [f32], (largest, sum): &mut (&mut f32, &mut f32)) -> f32 {
    let mut most = s.splat(f32::NEG_INFINITY);
    for x in scores.chunks_exact(S::LANES) {
        most = s.max(s.load(x), most);
    }
    let before = **largest;
    let most = s.largest(most);
    **largest = if before > most { before } else { most };
    // Where nothing was seen, or NaN alone, there is no largest; -inf has no share, and NaN stays.
    let by = if **largest == f32::NEG_INFINITY { 0.0 } else { **largest };
    let by_all = s.splat(by);
    let mut total = s.splat(0.0);
    // Two vectors at a time share what the exponential takes of constants.
    for x in scores.chunks_exact_mut(2 * S::LANES) {
        let two = [0, S::LANES].map(|at| s.sub(s.load(&x[at..]), by_all));
        let shares = [share(s, two[0]), share(s, two[1])];
        total = s.add(s.add(total, shares[0]), shares[1]);
        s.store(shares[0], x);
        s.store(shares[1], &mut x[S::LANES..]);
    }
    // Before anything was seen, there are zeros or NaN alone.
    let same = before == **largest || before == f32::NEG_INFINITY;
    let down = if same { 1.0 } else { scalar_exp(s, before - by) };
    **sum = **sum * down + s.sum(total);
    down
}

/// `e^x`. Machines take long to find out that what a masked key gives is too small, so it is not left to them.
#[inline(always)]
fn share<S: Simd>(s: S, x: S::F) -> S::F {
    let (zero, none) = (s.splat(0.0), s.lt(x, s.splat(-105.0)));
    s.select(none, zero, exp(s, s.select(none, zero, x)))
}

#[inline(always)]
fn scalar_exp<S: Simd>(s: S, x: f32) -> f32 {
    let mut first = [0.0];
    s.store_some(exp(s, s.splat(x)), &mut first);
    first[0]
}

/// Whether there is no infinity or NaN.
#[inline(always)]
fn finite<S: Simd>(s: S, values: &[&[f32]]) -> bool {
    let mut zeros = s.splat(0.0);
    for x in values.iter().flat_map(|value| value.chunks(S::LANES)) {
        zeros = s.mul_add(s.load_some(x), s.splat(0.0), zeros);
    }
    s.sum(zeros) == 0.0
}

impl Absorb<'_> {
    /// Adds all values to `R` rows, `V` vectors of them at a time; says how many rows.
    #[inline(always)]
    fn add<S: Simd, const R: usize, const V: usize>(&mut self, s: S, row: usize) -> usize {
        let width = self.width;
        // Past it, the shares of all rows are zeros.
        let end = self.ends[row..row + R].iter().fold(0, |most, &end| most.max(end));
        let values = &self.values[..end.min(self.values.len())];
        let whole = width / (V * S::LANES) * (V * S::LANES);
        for first in (0..whole).step_by(V * S::LANES) {
            let at = |r: usize, v: usize| (row + r) * width + first + v * S::LANES;
            let mut sums: [[S::F; V]; R] =
                std::array::from_fn(|r| std::array::from_fn(|v| s.load(&self.so_far[at(r, v)..])));
            for (key, value) in values.iter().enumerate() {
                let value: [S::F; V] = std::array::from_fn(|v| {
                    // SAFETY: every value has `width` floats, of which these are some.
                    unsafe { s.load_at(value.as_ptr().add(first + v * S::LANES)) }
                });
                for (r, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: there are as many rows of scores as of results, and no more values than keys.
                    let share = unsafe { *self.scores.get_unchecked(row + r).get_unchecked(key) };
                    for (sum, &value) in sums.iter_mut().zip(&value) {
                        *sum = s.mul_add(s.splat(share), value, *sum);
                    }
                }
            }
            for (r, sums) in sums.into_iter().enumerate() {
                sums.into_iter().enumerate().for_each(|(v, sum)| s.store(sum, &mut self.so_far[at(r, v)..]));
            }
        }
        for r in row..row + R {
            let so_far = &mut self.so_far[r * width..][..width];
            for (i, to) in so_far[whole..].chunks_mut(S::LANES).enumerate() {
                let first = whole + i * S::LANES;
                let mut sum = s.load_some(to);
                for (&share, value) in self.scores[r].iter().zip(values) {
                    sum = s.mul_add(s.splat(share), s.load_some(&value[first..first + to.len()]), sum);
                }
                s.store_some(sum, to);
            }
        }
        R
    }

    /// The same with values that may be infinite or NaN.
    fn add_with_care(&mut self) {
        for (shares, so_far) in self.scores.iter().zip(self.so_far.chunks_exact_mut(self.width)) {
            for (&share, value) in shares.iter().zip(self.values).filter(|(share, _)| **share != 0.0) {
                so_far.iter_mut().zip(*value).for_each(|(sum, &v)| *sum += share * v);
            }
        }
    }
}
