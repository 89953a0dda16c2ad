//! Normalization of one row, for the operators of transformers.

use crate::Float;

/// What a row was divided by and what was subtracted from it.
pub(super) struct Moments<W> {
    pub mean: W,
    pub inverse_deviation: W,
}

/// Makes the mean square of a row 1 and, unless `simplified`, its mean 0.
pub(super) fn normalize<W: Float>(row: &mut [W], simplified: bool, epsilon: f32) -> Moments<W> {
    let count = W::from_i64(row.len().max(1) as i64);
    let mut mean = W::zero();
    if !simplified {
        mean = row.iter().fold(W::zero(), |sum, &x| sum.add(x)).div(count);
        row.iter_mut().for_each(|x| *x = x.sub(mean));
    }
    let square = row.iter().fold(W::zero(), |sum, &x| sum.add(x.mul(x))).div(count);
    let inverse_deviation = W::one().div(square.add(W::from_f32(epsilon)).map(f32::sqrt, f64::sqrt));
    row.iter_mut().for_each(|x| *x = x.mul(inverse_deviation));
    Moments { mean, inverse_deviation }
}
