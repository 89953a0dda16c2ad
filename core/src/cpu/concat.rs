//! Concat on the CPU.

use super::movable::{Movable, for_movable};
use super::strided::CHUNK;
use super::{Io, Kernel};
use crate::graph::normalize_axis;
use crate::ops::concat::Concat;
use crate::{Result, View};

impl Kernel for Concat {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let inputs = (0..io.input_count()).map(|i| io.input(i)).collect::<Result<Vec<View<'_>>>>()?;
        let y = io.output(0)?;
        if y.is_empty() {
            return Ok(());
        }
        let axis = normalize_axis(self.axis, y.shape().len())?;
        let row: usize = y.shape()[axis..].iter().product();
        let rows_each = CHUNK.div_ceil(row);
        let cx = io.context();
        for_movable!(y.dtype(), T => {
            // Each input's elements, and how many of them make up its part of a row.
            let parts = inputs
                .iter()
                .map(|x| Ok((T::read(*x)?, x.shape()[axis..].iter().product())))
                .collect::<Result<Vec<(_, usize)>>>()?;
            T::write(y, |y| {
                cx.pool.chunks(y, rows_each * row, |c, y| {
                    cx.check()?;
                    for (k, mut y) in y.chunks_mut(row).enumerate() {
                        for (x, len) in &parts {
                            let (to, rest) = y.split_at_mut(*len);
                            to.clone_from_slice(&x[(c * rows_each + k) * len..][..*len]);
                            y = rest;
                        }
                    }
                    Ok(())
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::graph::{Fact, Infer};
    use crate::ops::{Attr, Attrs, Op};
    use crate::{DType, Dim, Tensor};
    use smallvec::smallvec;

    #[test]
    fn rows_and_empty_parts() {
        let x = |shape: &[usize], x: &[u8]| Some(Tensor::new(shape, x).unwrap().into());
        let inputs = [x(&[2, 1], &[1, 4]), x(&[2, 0], &[]), x(&[2, 2], &[2, 3, 5, 6])];
        let y = run(("", "Concat", 13), &[("axis", Attr::Int(-1))], &inputs, 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<u8>().unwrap(), [1, 2, 3, 4, 5, 6]);
        let wrong = [x(&[2, 1], &[1, 4]), x(&[1, 1], &[1])];
        assert!(run(("", "Concat", 13), &[("axis", Attr::Int(1))], &wrong, 1).is_err());
    }

    #[test]
    fn symbolic_elements_are_carried() {
        let n = Fact {
            known: Some(crate::graph::Known::Dims(vec![Dim::symbol("N")])),
            ..Fact::sized(DType::I64, &[1])
        };
        let two = Fact::constant(Tensor::new(&[1], &[2i64]).unwrap());
        let facts = [Some(&two), Some(&n), Some(&n)];
        let attrs = [("axis".to_string(), Attr::Int(0))].into();
        let attrs = Attrs::new("", "Concat", 13, vec![true; 3], vec![true], attrs);
        let mut fresh = 0;
        let mut cx = Infer::new(&facts, 1, &mut fresh);
        Op::parse(attrs).unwrap().infer(&mut cx).unwrap();
        let y = cx.finish().unwrap().remove(0).unwrap();
        assert_eq!(y.dims, Some(smallvec![Dim::from(3)]));
        assert_eq!(y.ints().unwrap(), [Dim::from(2), Dim::symbol("N"), Dim::symbol("N")]);
    }
}
