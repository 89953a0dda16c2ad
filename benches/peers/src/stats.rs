//! Medians and spreads.

use serde::Serialize;

/// A figure that was measured several times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    pub median: f64,
    pub p25: f64,
    pub p75: f64,
    pub min: f64,
}

impl Spread {
    /// Of at least one number.
    pub fn of(numbers: &[f64]) -> Option<Spread> {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let quantile = |q| quantile(&sorted, q);
        let min = *sorted.first()?;
        Some(Spread { median: quantile(0.5), p25: quantile(0.25), p75: quantile(0.75), min })
    }
}

/// The middle of some numbers.
pub fn median(numbers: &[f64]) -> Option<f64> {
    Spread::of(numbers).map(|spread| spread.median)
}

/// The number that a part `q` stays below; between two where it falls there.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(median(&[7.0]), Some(7.0));
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((spread.median, spread.p25, spread.p75, spread.min), (2.5, 1.75, 3.25, 1.0));
    }
}
