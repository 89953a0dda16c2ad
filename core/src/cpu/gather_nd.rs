//! GatherND on the CPU, and the places that rows of indices name.

use super::gather::position;
use super::movable::{Movable, for_movable};
use super::{Io, Kernel};
use crate::ops::gather_nd::GatherNd;
use crate::{Result, View, strides};

impl Kernel for GatherNd {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, indices) = (io.input(0)?, io.input(1)?);
        let y = io.output(0)?;
        let places = slice_places(x.shape(), indices, self.batch)?;
        io.check()?;
        if y.is_empty() {
            return Ok(());
        }
        let len = y.len() / places.len().max(1);
        for_movable!(x.dtype(), T => {
            let x = T::read(x)?;
            T::write(y, |y| {
                for (y, &at) in y.chunks_mut(len).zip(&places) {
                    y.clone_from_slice(&x[at..at + len]);
                }
                Ok(())
            })
        })
    }
}

/// Where in data of `shape` the slices begin that the rows of `indices` name, the first `batch` axes
/// walked in step.
pub fn slice_places(shape: &[usize], indices: View<'_>, batch: usize) -> Result<Vec<usize>> {
    let Some((&row, outer)) = indices.shape().split_last() else {
        bail!(InvalidModel, "the indices must have at least one axis");
    };
    ensure!(batch + row <= shape.len(), InvalidModel, "rows of {row} indices are too long for {shape:?}");
    let steps = strides(shape);
    let rows: usize = outer.iter().product();
    let per_batch: usize = outer.iter().skip(batch).product();
    let batch_step = if batch == 0 { 0 } else { steps[batch - 1] };
    let indices = indices.to_i64s()?;
    (0..rows)
        .map(|r| {
            let row = indices[r * row..][..row].iter().zip(&shape[batch..]).zip(&steps[batch..]);
            row.map(|((&i, &d), step)| Ok(position(i, d)? * step))
                .try_fold(r / per_batch * batch_step, |at, place: Result<usize>| Ok(at + place?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn gather(shape: &[usize], indices: &[i64], batch: i64) -> Result<Vec<i32>> {
        let x = Tensor::new(&[2, 2, 2], &[0i32, 1, 2, 3, 4, 5, 6, 7])?;
        let inputs = [x, Tensor::new(shape, indices)?].map(|t| Some(t.into()));
        let y = run(("", "GatherND", 13), &[("batch_dims", Attr::Int(batch))], &inputs, 1)?;
        Ok(y[0].tensor()?.slice()?.to_vec())
    }

    #[test]
    fn rows_name_slices() {
        assert_eq!(gather(&[1, 1], &[-1], 0).unwrap(), [4, 5, 6, 7]);
        assert_eq!(gather(&[2, 3], &[0, 1, 0, 1, 0, 1], 0).unwrap(), [2, 5]);
        assert_eq!(gather(&[2, 1], &[1, 0], 1).unwrap(), [2, 3, 4, 5]);
        assert_eq!(gather(&[1, 0], &[], 0).unwrap().len(), 8);
        assert!(gather(&[0, 2], &[], 0).unwrap().is_empty());
        assert!(gather(&[1, 1], &[2], 0).is_err());
        assert!(gather(&[1, 4], &[0; 4], 0).is_err());
        assert!(gather(&[3, 1], &[0; 3], 1).is_err());
        assert!(gather(&[1], &[0], -1).is_err());
    }
}
