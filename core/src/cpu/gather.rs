//! Gather on the CPU, and indices that may count from the end.

use super::movable::{Movable, for_movable};
use super::strided::CHUNK;
use super::{Io, Kernel, RunContext};
use crate::Result;
use crate::graph::normalize_axis;
use crate::ops::gather::Gather;

impl Kernel for Gather {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, indices) = (io.input(0)?, io.input(1)?);
        let y = io.output(0)?;
        let axis = normalize_axis(self.axis, x.rank())?;
        let len = x.shape()[axis];
        let picked =
            indices.to_i64s()?.into_iter().map(|i| position(i, len)).collect::<Result<Vec<usize>>>()?;
        let inner: usize = x.shape()[axis + 1..].iter().product();
        let cx = io.context();
        for_movable!(x.dtype(), T => T::write(y, |y| take(cx, &T::read(x)?, (len, inner), &picked, y)))
    }
}

/// `y` is the `picked` slices of `x`, which has slices of `inner` elements along an axis of size `len`.
pub fn take<T: Clone + Send + Sync>(
    cx: &RunContext<'_>,
    x: &[T],
    (len, inner): (usize, usize),
    picked: &[usize],
    y: &mut [T],
) -> Result<()> {
    if y.is_empty() {
        return Ok(());
    }
    let per_chunk = CHUNK.div_ceil(inner);
    cx.pool.chunks(y, per_chunk * inner, |c, y| {
        cx.check()?;
        for (k, y) in y.chunks_mut(inner).enumerate() {
            let row = c * per_chunk + k;
            let (outer, i) = (row / picked.len(), row % picked.len());
            y.clone_from_slice(&x[(outer * len + picked[i]) * inner..][..inner]);
        }
        Ok(())
    })
}

/// Index `i` along an axis of that size; negative ones count from the end.
pub fn position(i: i64, len: usize) -> Result<usize> {
    let at = if i < 0 { i.saturating_add(len as i64) } else { i };
    usize::try_from(at)
        .ok()
        .filter(|&at| at < len)
        .ok_or_else(|| err!(InvalidInput, "index {i} is outside -{len}..{len}"))
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn gather(axis: i64, indices: Tensor) -> Result<(Vec<usize>, Vec<f32>)> {
        let x = Tensor::new(&[2, 3], &[0f32, 1., 2., 3., 4., 5.])?;
        let attrs = [("axis", Attr::Int(axis))];
        let y = run(("", "Gather", 13), &attrs, &[Some(x.into()), Some(indices.into())], 1)?;
        let y = y[0].tensor()?;
        Ok((y.shape().to_vec(), y.slice()?.to_vec()))
    }

    #[test]
    fn scalars_negatives_and_nothing() {
        assert_eq!(gather(-1, Tensor::scalar(-1i32)).unwrap(), (vec![2], vec![2., 5.]));
        let twice = Tensor::new(&[1, 2], &[1i64, -2]).unwrap();
        assert_eq!(gather(0, twice).unwrap(), (vec![1, 2, 3], vec![3., 4., 5., 0., 1., 2.]));
        assert_eq!(gather(1, Tensor::new::<i64>(&[0], &[]).unwrap()).unwrap().0, [2, 0]);
        assert!(gather(1, Tensor::scalar(3i64)).is_err());
        assert!(gather(1, Tensor::scalar(i64::MIN)).is_err());
        assert!(gather(2, Tensor::scalar(0i64)).is_err());
    }

    #[test]
    fn strings_and_packed_elements_move_too() {
        let x = Tensor::from_strings(&[2], vec!["a".into(), "b".into()]).unwrap();
        let i = Tensor::new(&[3], &[1i64, 1, 0]).unwrap();
        let y = run(("", "Gather", 13), &[], &[Some(x.into()), Some(i.clone().into())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().view().strings().unwrap(), ["b", "b", "a"]);
        let x = Tensor::from_bytes(crate::DType::I4, &[2], &[0x8f]).unwrap();
        let y = run(("", "Gather", 13), &[], &[Some(x.into()), Some(i.into())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().view().unpacked().unwrap(), [-8, -8, -1]);
    }
}
