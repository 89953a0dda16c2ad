//! TopK on the CPU.

use super::movable::filled;
use super::{Io, Kernel};
use crate::graph::normalize_axis;
use crate::ops::top_k::TopK;
use crate::{DType, Num, Result, Shape};
use std::cmp::Ordering;

impl Kernel for TopK {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let axis = normalize_axis(self.axis, x.rank())?;
        let len = x.shape()[axis];
        let inner: usize = x.shape()[axis + 1..].iter().product();
        let k = self.read_k(io, len)?;
        let mut shape = Shape::from_slice(x.shape());
        shape[axis] = k;
        let values = if io.wants(0) { Some(io.make(0, x.dtype(), &shape)?) } else { None };
        let places = if io.wants(1) { Some(io.make(1, DType::I64, &shape)?) } else { None };
        let cx = io.context();
        for_num!(x.dtype(), T => {
            let x = x.slice::<T>()?;
            let mut values = values.map(|y| y.into_slice::<T>()).transpose()?;
            let mut places = places.map(|y| y.into_slice::<i64>()).transpose()?;
            let mut order = filled((0, 0), len)?;
            let outer = x.len().checked_div(len * inner).unwrap_or(0);
            for (o, i) in (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i))) {
                cx.check()?;
                let at = |j: usize| x[(o * len + j) * inner + i];
                for (j, to) in order.iter_mut().enumerate() {
                    let key = key(at(j));
                    *to = (if self.largest { !key } else { key }, j);
                }
                first(&mut order, k);
                for (j, &(_, place)) in order[..k].iter().enumerate() {
                    let to = (o * k + j) * inner + i;
                    if let Some(values) = &mut values {
                        values[to] = at(place);
                    }
                    if let Some(places) = &mut places {
                        places[to] = place as i64;
                    }
                }
            }
            Ok(())
        })
    }
}

/// Brings the first `k` of all to the front, in order.
fn first(all: &mut [(u64, usize)], k: usize) {
    if 0 < k && k < all.len() {
        all.select_nth_unstable(k - 1);
    }
    all[..k].sort_unstable();
}

/// A number that is ordered as [`compare`] orders them; so one sort does for every type.
fn key<T: Num>(x: T) -> u64 {
    const SIGN: u64 = 1 << 63;
    if T::DTYPE == DType::U64 {
        return x.to_i64() as u64;
    }
    if !T::FLOAT {
        return x.to_i64() as u64 ^ SIGN;
    }
    if x.is_nan() {
        return u64::MAX;
    }
    // A zero less than zero is no other zero.
    let bits = (x.to_f64() + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// The order of numbers in which NaN is larger than everything.
pub fn compare<T: Num>(a: T, b: T) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::{compare, key};
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn top(x: &[f32], k: i64, largest: i64) -> Result<Vec<i64>> {
        let inputs = [Tensor::new(&[x.len()], x)?, Tensor::new(&[1], &[k])?].map(|t| Some(t.into()));
        let y = run(("", "TopK", 11), &[("largest", Attr::Int(largest))], &inputs, 2)?;
        Ok(y[1].tensor()?.slice()?.to_vec())
    }

    #[test]
    fn keys_are_ordered_as_numbers() {
        let floats =
            [f64::NEG_INFINITY, -1e300, -1.0, -1e-310, -0.0, 0.0, 1e-310, 2.0, f64::INFINITY, f64::NAN];
        for (a, b) in floats.into_iter().flat_map(|a| floats.map(|b| (a, b))) {
            assert_eq!(key(a).cmp(&key(b)), compare(a, b), "{a} and {b}");
        }
        let wholes = [i64::MIN, -1, 0, 1, i64::MAX];
        for (a, b) in wholes.into_iter().flat_map(|a| wholes.map(|b| (a, b))) {
            assert_eq!(key(a).cmp(&key(b)), a.cmp(&b), "{a} and {b}");
            let (a, b) = (a as u64, b as u64);
            assert_eq!(key(a).cmp(&key(b)), a.cmp(&b), "{a} and {b}");
        }
    }

    #[test]
    fn ties_keep_their_order_and_nan_is_largest() {
        assert_eq!(top(&[1., 3., 3., 2.], 3, 1).unwrap(), [1, 2, 3]);
        assert_eq!(top(&[1., f32::NAN, f32::INFINITY, 1.], 4, 0).unwrap(), [0, 3, 2, 1]);
        assert_eq!(top(&[1., f32::NAN, f32::INFINITY], 2, 1).unwrap(), [1, 2]);
        assert!(top(&[1.], 0, 1).unwrap().is_empty());
        assert!(top(&[], 0, 1).unwrap().is_empty());
        assert!(top(&[1.], 2, 1).is_err());
        assert!(top(&[1.], -1, 1).is_err());
    }
}
