//! Gemm on the CPU.
//!
//! The product is summed first, then scaled, then C is added, all in the type of the sums. A beta of 0 means
//! that C is not read at all. Integers with factors other than 1 compute in f64 and truncate.

use super::in_f32::in_f32;
use super::matmul::{Product, packed_matrix};
use super::packed_product::{Last, multiply_rows};
use super::panels::Panels;
use super::product::multiply;
use super::{Io, Kernel, Lowering};
use crate::ops::gemm::Gemm;
use crate::{Num, Result, View};
use edgewise_simd::gemm_f32;

impl Kernel for Gemm {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        let packed = if self.left.matrix { None } else { packed_matrix(cx, self.right.matrix)? };
        Ok(packed.map(|(dtype, weights)| in_f32(dtype, ByMatrix { gemm: self.clone(), weights }, self)))
    }

    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        super::products_per_output(
            outputs,
            inputs.first()?.iter().product::<usize>() / outputs.first()?.first().copied()?.max(1),
        )
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let a = io.input(0)?;
        if a.dtype().is_float() {
            for_float!(a.dtype(), T => {
                type S = <T as Num>::Acc;
                let (alpha, beta) = (S::from_f64(self.alpha.into()), S::from_f64(self.beta.into()));
                self.products::<T>(io, |sum, c| {
                    let sum = if self.alpha == 1.0 { sum } else { alpha.mul(sum) };
                    let sum = c.map_or(sum, |c| sum.add(beta.mul(c)));
                    self.activation.apply(sum)
                })
            })
        } else {
            for_int!(a.dtype(), T => self.products::<T>(io, |sum, c| {
                let sum = match (self.alpha, self.beta) {
                    (1.0, 1.0) => sum.add(c.unwrap_or_default()),
                    (alpha, beta) => {
                        let c = c.unwrap_or_default().to_f64();
                        T::from_f64(f64::from(alpha) * sum.to_f64() + f64::from(beta) * c)
                    }
                };
                self.activate_integer(sum)
            }))
        }
    }
}

impl Gemm {
    fn products<T: Num>(
        &self,
        io: &mut Io<'_>,
        finish: impl Fn(T::Acc, Option<T::Acc>) -> T::Acc + Sync,
    ) -> Result<()> {
        let (a, b, y) = (io.input(0)?, io.input(1)?, io.output(0)?);
        let product = Product::new((a.shape(), self.left), (b.shape(), self.right))?;
        let c = io.optional(2)?.filter(|_| self.beta != 0.0);
        let c = c.map(|c| Addend::<T>::new(c, y.shape())).transpose()?;
        let (a, b) = (a.slice::<T>()?, b.slice::<T>()?);
        multiply(
            io.context(),
            product.sizes,
            y.into_slice::<T>()?,
            |i| product.left(a, i, |x: T, _| x.acc()),
            |i| product.right(b, i, |x: T, _| x.acc()),
            |row, col, sums, out| {
                for (i, (y, &sum)) in out.iter_mut().zip(sums).enumerate() {
                    *y = T::of_acc(finish(sum, c.as_ref().map(|c| c.at(row, col + i).acc())));
                }
            },
        )
    }

    /// Through f64, exact for all that an activation of integers is used for.
    fn activate_integer<T: Num>(&self, x: T) -> T {
        match self.activation {
            crate::ops::fused_activation::FusedActivation::None => x,
            activation => T::from_f64(activation.apply(x.to_f64())),
        }
    }
}

/// The same with B packed.
struct ByMatrix {
    gemm: Gemm,
    weights: Panels,
}

impl Kernel for ByMatrix {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        self.gemm.operations(inputs, outputs)
    }

    fn packed(&self) -> &[usize] {
        &[1]
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (a, y) = (io.input(0)?, io.output(0)?);
        let cols = self.weights.cols();
        let (beta, rows) = (self.gemm.beta, y.shape()[0]);
        let c = io.optional(2)?.filter(|_| beta != 0.0);
        let c = c.map(|c| Addend::<f32>::new(c, y.shape())).transpose()?;
        let mut last = Last::new(None, self.gemm.activation);
        last.finish.alpha = self.gemm.alpha;
        // What C has to be spread out to, where it does not lie as the kernel wants it.
        let spread: Vec<f32>;
        match &c {
            None => {}
            Some(c) if c.row_step == 0 && c.col_step == 1 && beta == 1.0 => last.finish.bias = Some(c.data),
            Some(c) if c.row_step == 0 => {
                spread = (0..cols).map(|col| beta * c.at(0, col)).collect();
                last.finish.bias = Some(&spread);
            }
            Some(c) if c.col_step == 1 => {
                last.finish.addend = Some(gemm_f32::Addend { data: c.data, stride: c.row_step, beta });
            }
            Some(c) => {
                spread = (0..rows * cols).map(|i| c.at(i / cols, i % cols)).collect();
                last.finish.addend = Some(gemm_f32::Addend { data: &spread, stride: cols, beta });
            }
        }
        multiply_rows(io.context(), a, &self.weights, &last, y)
    }
}

/// A tensor that broadcasts to a matrix.
pub struct Addend<'a, T> {
    data: &'a [T],
    row_step: usize,
    col_step: usize,
}

impl<'a, T: crate::Element> Addend<'a, T> {
    /// `c` for a matrix of that shape.
    pub fn new(c: View<'a>, shape: &[usize]) -> Result<Addend<'a, T>> {
        let fits = |(&c, &s): (&usize, &usize)| c == s || c == 1;
        ensure!(
            c.rank() <= 2 && c.shape().iter().rev().zip(shape.iter().rev()).all(fits),
            InvalidInput,
            "{c:?} does not broadcast to {shape:?}"
        );
        let size = |from_last: usize| c.shape().iter().rev().nth(from_last).copied().unwrap_or(1);
        let step = |size: usize, step: usize| if size == 1 { 0 } else { step };
        Ok(Addend { data: c.slice()?, row_step: step(size(1), size(0)), col_step: step(size(0), 1) })
    }

    /// Whether every row has the same.
    pub fn is_one_row(&self) -> bool {
        self.row_step == 0
    }

    /// The element for that row and column.
    pub fn at(&self, row: usize, col: usize) -> T {
        self.data[row * self.row_step + col * self.col_step]
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::{lowered_as_plain, run};
    use crate::ops::Attr;
    use crate::{Tensor, Value};

    fn f32s(shape: &[usize], x: &[f32]) -> Option<Value> {
        Some(Tensor::new(shape, x).unwrap().into())
    }

    fn gemm(version: i64, attrs: &[(&str, Attr)], inputs: &[Option<Value>]) -> Vec<f32> {
        let y = run(("", "Gemm", version), attrs, inputs, 1).unwrap();
        y[0].tensor().unwrap().slice::<f32>().unwrap().to_vec()
    }

    #[test]
    fn a_beta_of_zero_hides_a_nan_in_c() {
        let (a, b) = (f32s(&[1, 2], &[1.0, 2.0]), f32s(&[1, 2], &[3.0, 4.0]));
        let c = f32s(&[], &[f32::NAN]);
        let attrs = [("beta", Attr::Float(0.0)), ("transB", Attr::Int(1)), ("alpha", Attr::Float(2.0))];
        assert_eq!(gemm(13, &attrs, &[a, b, c]), [22.0]);
    }

    #[test]
    fn old_forms_broadcast_too() {
        let (a, b) = (f32s(&[2, 1], &[1.0, 2.0]), f32s(&[1, 2], &[3.0, 4.0]));
        let attrs = [("broadcast", Attr::Int(1))];
        let y = gemm(6, &attrs, &[a, b, f32s(&[2], &[10.0, 20.0])]);
        assert_eq!(y, [13.0, 24.0, 16.0, 28.0]);
    }

    #[test]
    fn an_empty_depth_leaves_c() {
        let (a, b) = (f32s(&[2, 0], &[]), f32s(&[0, 1], &[]));
        assert_eq!(gemm(11, &[], &[a, b, f32s(&[2, 1], &[1.0, 2.0])]), [1.0, 2.0]);
    }

    #[test]
    fn packed_weights_give_the_same_bits() {
        let numbers = |shape: &[usize]| {
            let len = shape.iter().product::<usize>();
            f32s(shape, &(0..len).map(|i| (i * 7919 % 997) as f32 / 131.0 - 3.5).collect::<Vec<_>>())
        };
        let attrs = |beta: f32, activation: &str| {
            [
                ("transB", Attr::Int(1)),
                ("alpha", Attr::Float(0.5)),
                ("beta", Attr::Float(beta)),
                ("activation", Attr::Str(activation.into())),
            ]
        };
        let op = ("com.microsoft", "FusedGemm", 1);
        for (c, beta) in
            [(&[20][..], 1.0), (&[1, 20], -2.0), (&[37, 20], 3.0), (&[37, 1], 1.0), (&[], 0.5), (&[], 0.0)]
        {
            for activation in ["", "Relu", "LeakyRelu", "Softplus"] {
                let inputs = [numbers(&[37, 11]), numbers(&[20, 11]), numbers(c)];
                lowered_as_plain(op, &attrs(beta, activation), &inputs, &[1]).unwrap();
            }
        }
    }

    #[test]
    fn integers_truncate_when_scaled() {
        let x = |v: &[i32]| Some(Value::from(Tensor::new(&[1, 1], v).unwrap()));
        let attrs = [("alpha", Attr::Float(0.5))];
        let y = run(("", "Gemm", 13), &attrs, &[x(&[3]), x(&[3]), x(&[1])], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i32>().unwrap(), [5]);
    }
}
