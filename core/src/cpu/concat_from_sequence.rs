//! ConcatFromSequence on the CPU.

use super::{Io, Kernel};
use crate::graph::normalize_axis;
use crate::ops::concat_from_sequence::ConcatFromSequence;
use crate::{Result, Shape, Tensor, View};

impl Kernel for ConcatFromSequence {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let items = io.compound(0)?.sequence()?;
        let items = items.iter().map(|v| v.tensor()).collect::<Result<Vec<&Tensor>>>()?;
        let Some(first) = items.first() else {
            bail!(InvalidInput, "an empty sequence cannot be concatenated")
        };
        let dtype = first.dtype();
        ensure!(!dtype.is_packed(), Unsupported, "elements of type {dtype} cannot be concatenated here");
        let (shape, axis) = self.shape(&items)?;
        let y = io.make(0, dtype, &shape)?;
        let outer: usize = shape[..axis].iter().product();
        let views: Vec<View<'_>> = items.iter().map(|t| t.view()).collect();
        if first.view().strings().is_ok() {
            let parts = views.iter().map(View::strings).collect::<Result<Vec<_>>>()?;
            interleave(&parts, y.into_strings()?, outer);
        } else {
            interleave(&views.iter().map(View::bytes).collect::<Vec<_>>(), y.into_units()?, outer);
        }
        Ok(())
    }
}

impl ConcatFromSequence {
    /// The shape of the result, and the axis counted from the front.
    fn shape(&self, items: &[&Tensor]) -> Result<(Shape, usize)> {
        let first = items[0];
        let mut shape = Shape::from(first.shape());
        let axis = normalize_axis(self.axis, shape.len() + self.new_axis as usize)?;
        let same = |a: &[usize], b: &[usize]| {
            a.len() == b.len() && (0..a.len()).all(|i| a[i] == b[i] || (i == axis && !self.new_axis))
        };
        for item in items {
            ensure!(
                item.dtype() == first.dtype() && same(item.shape(), first.shape()),
                InvalidInput,
                "{item:?} and {first:?} cannot be concatenated along axis {axis}"
            );
        }
        if self.new_axis {
            shape.insert(axis, items.len());
        } else {
            shape[axis] = items
                .iter()
                .try_fold(0usize, |sum, t| sum.checked_add(t.shape()[axis]))
                .ok_or_else(|| {
                    err!(LimitExceeded, "axis {axis} of the result is longer than this machine can address")
                })?;
        }
        Ok((shape, axis))
    }
}

/// Row by row, of which every part has `rows`: the row of the first part, of the second, and so on.
fn interleave<T: Clone>(parts: &[&[T]], mut to: &mut [T], rows: usize) {
    for row in 0..rows {
        for part in parts {
            let len = part.len() / rows;
            let (head, tail) = std::mem::take(&mut to).split_at_mut(len);
            head.clone_from_slice(&part[row * len..][..len]);
            to = tail;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{DType, Kind, Value};

    fn concat(axis: i64, new_axis: i64, items: &[(&[usize], &[i64])]) -> Result<Vec<Value>> {
        let items = items.iter().map(|(s, x)| Tensor::new(s, x).unwrap().into()).collect();
        let x = Value::Sequence(Kind::Tensor(DType::I64), items);
        let attrs = [("axis", Attr::Int(axis)), ("new_axis", Attr::Int(new_axis))];
        run(("", "ConcatFromSequence", 11), &attrs, &[Some(x)], 1)
    }

    #[test]
    fn items_are_stacked_along_a_new_last_axis() {
        let y = concat(-1, 1, &[(&[2], &[1, 2]), (&[2], &[3, 4])]).unwrap();
        let y = y[0].tensor().unwrap();
        assert_eq!((y.shape(), y.slice::<i64>().unwrap()), (&[2, 2][..], &[1, 3, 2, 4][..]));
    }

    #[test]
    fn lengths_along_the_axis_may_differ_and_be_zero() {
        let y = concat(1, 0, &[(&[2, 1], &[1, 2]), (&[2, 0], &[]), (&[2, 2], &[3, 4, 5, 6])]).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i64>().unwrap(), [1, 3, 4, 2, 5, 6]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(concat(0, 0, &[]).is_err());
        assert!(concat(0, 0, &[(&[], &[1])]).is_err());
        assert!(concat(0, 1, &[(&[1], &[1]), (&[2], &[1, 2])]).is_err());
        assert!(concat(2, 0, &[(&[1], &[1])]).is_err());
    }
}
