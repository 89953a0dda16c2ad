//! Trilu on the CPU.

use super::movable::{Movable, for_movable};
use super::{Io, Kernel};
use crate::Result;
use crate::ops::trilu::Trilu;

impl Kernel for Trilu {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let k = io.optional(1)?.map_or(Ok(0), |k| k.scalar_i64())?;
        let y = io.output(0)?;
        let &[.., rows, columns] = x.shape() else {
            bail!(InvalidModel, "expected at least two axes, got {x:?}");
        };
        io.check()?;
        for_movable!(x.dtype(), T => {
            let x = T::read(x)?;
            T::write(y, |y| {
                let width = columns.max(1);
                for (i, (y, x)) in y.chunks_mut(width).zip(x.chunks(width)).enumerate() {
                    // Columns from here on lie on or above the diagonal.
                    let diagonal = k.saturating_add((i % rows) as i64);
                    let at = diagonal.saturating_add(!self.upper as i64).clamp(0, columns as i64) as usize;
                    let stays = if self.upper { at..columns } else { 0..at };
                    y.fill(T::default());
                    y[stays.clone()].clone_from_slice(&x[stays]);
                }
                Ok(())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    #[test]
    fn either_triangle_holds_its_diagonal() {
        for (upper, k, expected) in [
            (1, 0, [1, 2, 3, 0, 5, 6]),
            (1, 1, [0, 2, 3, 0, 0, 6]),
            (0, 0, [1, 0, 0, 4, 5, 0]),
            (0, -1, [0, 0, 0, 4, 0, 0]),
            (0, i64::MAX, [1, 2, 3, 4, 5, 6]),
            (1, i64::MAX, [0; 6]),
            (1, i64::MIN, [1, 2, 3, 4, 5, 6]),
        ] {
            let inputs = [Tensor::new(&[2, 3], &[1u8, 2, 3, 4, 5, 6]).unwrap(), Tensor::scalar(k)];
            let attrs = [("upper", Attr::Int(upper))];
            let y = run(("", "Trilu", 14), &attrs, &inputs.map(|t| Some(t.into())), 1).unwrap();
            assert_eq!(y[0].tensor().unwrap().slice::<u8>().unwrap(), expected, "{upper} {k}");
        }
    }
}
