//! The product of two rows, in one order of summation whatever surrounds it.

use crate::Num;

/// How many partial sums are kept side by side.
const LANES: usize = 8;

/// The sum of the products of two rows of equal length.
pub(super) fn dot<T: Num>(a: &[T], b: &[T]) -> T {
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [T::zero(); LANES];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for i in 0..LANES {
            sums[i] = sums[i].add(a[i].mul(b[i]));
        }
    }
    let rest = a_rest.iter().zip(b_rest).fold(T::zero(), |sum, (&a, &b)| sum.add(a.mul(b)));
    sums.into_iter().fold(rest, T::add)
}
