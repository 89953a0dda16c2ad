//! AffineGrid on the CPU; computed in f64 and rounded once.

use super::{Io, Kernel};
use crate::ops::affine_grid::AffineGrid;
use crate::{Num, Result};

impl Kernel for AffineGrid {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let theta = io.input(0)?;
        let y = io.output(0)?;
        let shape = crate::Shape::from(y.shape());
        let rank = shape.len() - 2;
        let dims = &shape[1..=rank];
        let places: usize = dims.iter().product();
        ensure!(
            theta.shape() == [shape[0], rank, rank + 1],
            InvalidModel,
            "theta {theta:?} does not fit a grid of {shape:?}"
        );
        if y.is_empty() {
            return Ok(());
        }
        for_float!(theta.dtype(), T => {
            let theta: Vec<f64> = theta.slice::<T>()?.iter().map(|x| Num::to_f64(*x)).collect();
            io.pool().chunks(y.into_slice::<T>()?, places * rank, |n, y| {
                io.check()?;
                let theta = &theta[n * rank * (rank + 1)..][..rank * (rank + 1)];
                for (i, y) in y.chunks_mut(rank).enumerate() {
                    let place = self.place(i, dims);
                    for (y, row) in y.iter_mut().zip(theta.chunks(rank + 1)) {
                        let moved: f64 = row.iter().zip(&place).map(|(r, x)| r * x).sum();
                        *y = <T as Num>::from_f64(moved + row[rank]);
                    }
                }
                Ok(())
            })
        })
    }
}

impl AffineGrid {
    /// The `i`th position of the regular grid, the innermost axis first.
    fn place(&self, mut i: usize, dims: &[usize]) -> smallvec::SmallVec<[f64; 3]> {
        let mut place = smallvec::SmallVec::new();
        for &len in dims.iter().rev() {
            let (at, len) = ((i % len) as f64, len as f64);
            i /= len as usize;
            place.push(match self.align_corners {
                true if len == 1.0 => 0.0,
                true => 2.0 * at / (len - 1.0) - 1.0,
                false => (2.0 * at + 1.0) / len - 1.0,
            });
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    #[test]
    fn one_element_lies_in_the_middle() {
        for align in [0, 1] {
            let theta = Tensor::new(&[1, 2, 3], &[1f32, 0.0, 5.0, 0.0, 1.0, 6.0]).unwrap();
            let size = Tensor::new(&[4], &[1i64, 1, 1, 1]).unwrap();
            let attrs = [("align_corners", Attr::Int(align))];
            let y = run(("", "AffineGrid", 20), &attrs, &[Some(theta.into()), Some(size.into())], 1).unwrap();
            assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [5.0, 6.0]);
        }
    }

    #[test]
    fn negative_sizes_are_refused() {
        let theta = Tensor::new(&[1, 2, 3], &[0f32; 6]).unwrap();
        let size = Tensor::new(&[4], &[1i64, 1, -1, 1]).unwrap();
        assert!(run(("", "AffineGrid", 20), &[], &[Some(theta.into()), Some(size.into())], 1).is_err());
    }
}
