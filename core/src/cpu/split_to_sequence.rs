//! SplitToSequence on the CPU.

use super::{Io, Kernel};
use crate::graph::normalize_axis;
use crate::ops::split_to_sequence::SplitToSequence;
use crate::{Kind, Result, Shape, Tensor, Value, View};

/// More items than this in one sequence are a mistake or an attack.
const MAX_PIECES: usize = 1 << 24;

impl Kernel for SplitToSequence {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let axis = normalize_axis(self.axis, x.rank())?;
        let split = io.optional(1)?;
        let sizes = sizes(split, x.shape()[axis])?;
        let mut items = Vec::new();
        let mut start = 0;
        for size in sizes {
            io.check()?;
            let mut piece = piece(x, axis, start, size)?;
            if split.is_none() && !self.keepdims {
                let mut shape = Shape::from(x.shape());
                shape.remove(axis);
                piece = piece.reshaped(&shape)?;
            }
            items.push(piece.into());
            start += size;
        }
        io.set(0, Value::Sequence(Kind::Tensor(x.dtype()), items))
    }
}

/// The sizes of the pieces of an axis of `len`.
fn sizes(split: Option<View<'_>>, len: usize) -> Result<Vec<usize>> {
    let Some(split) = split.filter(|s| s.rank() > 0) else {
        let size = split.map_or(Ok(1), |s| s.scalar_i64())?;
        ensure!(size > 0, InvalidInput, "pieces must have a positive size, got {size}");
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        // An axis may be long without any elements behind it.
        let count = len.div_ceil(size);
        ensure!(count <= MAX_PIECES, LimitExceeded, "{count} pieces are more than {MAX_PIECES}");
        return Ok((0..len).step_by(size).map(|start| size.min(len - start)).collect());
    };
    let sizes = split.to_i64s()?;
    let total = sizes.iter().try_fold(0i64, |sum, &s| if s < 0 { None } else { sum.checked_add(s) });
    ensure!(
        total == Some(len as i64),
        InvalidInput,
        "sizes {sizes:?} must not be negative and must add up to {len}"
    );
    Ok(sizes.into_iter().map(|s| s as usize).collect())
}

/// Entries `start..start + size` of an axis.
fn piece(x: View<'_>, axis: usize, start: usize, size: usize) -> Result<Tensor> {
    let mut shape = Shape::from(x.shape());
    let len = std::mem::replace(&mut shape[axis], size);
    let inner: usize = shape[axis + 1..].iter().product();
    let mut piece = Tensor::zeros(x.dtype(), &shape)?;
    if let Ok(strings) = x.strings() {
        copy(strings, piece.view_mut().into_strings()?, len * inner, start * inner, size * inner);
        return Ok(piece);
    }
    ensure!(!x.dtype().is_packed(), Unsupported, "elements of type {} cannot be split", x.dtype());
    let inner = inner * (x.dtype().bits() / 8);
    copy(x.bytes(), piece.view_mut().into_units()?, len * inner, start * inner, size * inner);
    Ok(piece)
}

/// Fills `to` with `size` entries from `start` on of every row of `from`.
fn copy<T: Clone>(from: &[T], to: &mut [T], row: usize, start: usize, size: usize) {
    for (from, to) in from.chunks(row.max(1)).zip(to.chunks_mut(size.max(1))) {
        to.clone_from_slice(&from[start..start + size]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    const SPLIT: (&str, &str, i64) = ("", "SplitToSequence", 24);

    fn strings() -> Option<Value> {
        let x = ["a", "b", "c", "d", "e", "f"].map(String::from).to_vec();
        Some(Tensor::from_strings(&[2, 3], x).unwrap().into())
    }

    #[test]
    fn the_last_piece_may_be_smaller() {
        let y = run(SPLIT, &[("axis", Attr::Int(-1))], &[strings(), Some(Tensor::scalar(2i64).into())], 1)
            .unwrap();
        let items = y[0].sequence().unwrap();
        assert_eq!(items[0].tensor().unwrap().view().strings().unwrap(), ["a", "b", "d", "e"]);
        assert_eq!(items[1].tensor().unwrap().shape(), [2, 1]);
        assert_eq!(items.len(), 2);
    }

    #[test]
    fn bad_sizes_are_refused() {
        for sizes in [&[1i64, 1][..], &[-1, 4], &[i64::MAX, i64::MAX]] {
            let sizes = Tensor::new(&[2], sizes).unwrap();
            assert!(run(SPLIT, &[("axis", Attr::Int(1))], &[strings(), Some(sizes.into())], 1).is_err());
        }
        assert!(run(SPLIT, &[], &[strings(), Some(Tensor::scalar(0i64).into())], 1).is_err());
    }

    #[test]
    fn without_sizes_the_axis_may_go() {
        let y = run(SPLIT, &[("keepdims", Attr::Int(0))], &[strings()], 1).unwrap();
        assert_eq!(y[0].sequence().unwrap()[1].tensor().unwrap().shape(), [3]);
    }
}
