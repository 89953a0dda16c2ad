//! PackedSwiGLU on the CPU: the functions of SwiGLU, on the halves of rows.

use super::activation::swish;
use super::broadcast::CHUNK;
use super::{Io, Kernel, vector};
use crate::ops::packed_swiglu::PackedSwiGLU;
use crate::{DType, Float, Result};
use edgewise_simd::Isa;
use edgewise_simd::elementwise::{self, Binary, Operand, Run};

impl Kernel for PackedSwiGLU {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (cx, x, y) = (io.context(), io.input(0)?, io.output(0)?);
        let width = y.shape().last().copied().unwrap_or(0);
        ensure!(x.len() == 2 * y.len(), InvalidInput, "rows of {x:?} have no halves");
        let alpha = self.alpha;
        if x.dtype() == DType::F32 {
            let x = x.slice::<f32>()?;
            return cx.pool.chunks(y.into_slice::<f32>()?, vector::LIGHT, |i, y| {
                cx.check()?;
                let sides = (Operand::Along(x), Operand::Along(x));
                let mut runs = runs(i * vector::LIGHT, y.len(), width);
                elementwise::binary(Isa::current(), Binary::SwiGlu { alpha }, sides, y, &mut runs);
                Ok(())
            });
        }
        for_float!(x.dtype(), T => {
            let x = x.slice::<T>()?;
            cx.pool.chunks(y.into_slice::<T>()?, CHUNK, |i, y| {
                cx.check()?;
                let mut rest = y;
                for Run { len, a, b } in runs(i * CHUNK, rest.len(), width) {
                    let (row, behind) = rest.split_at_mut(len);
                    let halves = x[a..a + len].iter().zip(&x[b..b + len]);
                    row.iter_mut().zip(halves).for_each(|(y, (a, b))| {
                        *y = T::narrow(swish(a.widen(), alpha) * b.widen());
                    });
                    rest = behind;
                }
                Ok(())
            })
        })
    }
}

/// Pieces of rows of results, from an element on, and where either half of each begins.
fn runs(start: usize, len: usize, width: usize) -> impl Iterator<Item = Run> {
    let (mut at, end) = (start, start + len);
    std::iter::from_fn(move || {
        let column = at.checked_rem(width).filter(|_| at < end)?;
        let len = (width - column).min(end - at);
        let a = 2 * (at - column) + column;
        at += len;
        Some(Run { len, a, b: a + width })
    })
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{DType, Element, Result, Tensor, Value};
    use half::f16;

    /// SwiGLU of the halves of rows of so many elements, packed and apart.
    fn both<T: Element>(rows: usize, width: usize, number: impl Fn(f32) -> T) -> [Vec<u8>; 2] {
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 1e30, -1e30];
        let numbers: Vec<T> = (0..2 * rows * width)
            .map(|i| number(odd.get(i % 97).copied().unwrap_or((i * 31 % 257) as f32 / 16.0 - 8.0)))
            .collect();
        let half = |from: usize| -> Vec<T> {
            numbers.chunks(2 * width.max(1)).flat_map(|row| row[from..from + width].to_vec()).collect()
        };
        let tensor = |width, numbers: &[T]| Some(Tensor::new(&[rows, width], numbers).unwrap().into());
        let alpha = [("alpha", Attr::Float(1.5))];
        let packed = [tensor(2 * width, &numbers)];
        let apart = [tensor(width, &half(0)), tensor(width, &half(width))];
        let bytes = |y: Result<Vec<Value>>| y.unwrap()[0].tensor().unwrap().view().bytes().to_vec();
        [
            bytes(run(("edgewise", "PackedSwiGLU", 1), &alpha, &packed, 1)),
            bytes(run(("", "SwiGLU", 27), &alpha, &apart, 1)),
        ]
    }

    #[test]
    fn halves_are_what_two_tensors_are() {
        for (rows, width) in [(1, 1), (3, 7), (5, 64), (2, 70_000), (40_000, 3), (0, 4)] {
            let [packed, apart] = both(rows, width, |x| x);
            assert!(packed == apart, "{rows} rows of {width}");
            let [packed, apart] = both(rows, width, f16::from_f32);
            assert!(packed == apart, "{rows} rows of {width} halves");
        }
    }

    #[test]
    fn rows_without_halves_are_refused() {
        let x = |shape: &[usize]| [Some(Tensor::zeros(DType::F32, shape).unwrap().into())];
        assert!(run(("edgewise", "PackedSwiGLU", 1), &[], &x(&[2, 3]), 1).is_err());
        assert!(run(("edgewise", "PackedSwiGLU", 1), &[], &x(&[]), 1).is_err());
        assert!(run(("edgewise", "PackedSwiGLU", 1), &[], &x(&[2, 0]), 1).is_ok());
    }
}
