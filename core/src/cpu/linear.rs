//! Linear on the CPU.

use super::in_f32::in_f32;
use super::matmul::{Product, packed_matrix};
use super::packed_product::{Last, multiply_rows};
use super::panels::Panels;
use super::product::multiply;
use super::{Io, Kernel, Lowering};
use crate::ops::fused_activation::FusedActivation;
use crate::ops::linear::Linear;
use crate::ops::matmul::Flip;
use crate::{DType, Float, Num, Result, Tensor};
use edgewise_simd::gemm_f32::Addend;

impl Kernel for Linear {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        let (packed, activation) = (packed_matrix(cx, self.transposed)?, self.activation);
        Ok(packed.map(|(dtype, weights)| {
            in_f32(if self.narrow { DType::F32 } else { dtype }, ByMatrix { activation, weights }, self)
        }))
    }

    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        super::products_per_output(outputs, inputs.first()?.last().copied()?)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, w, y) = (io.input(0)?, io.input(1)?, io.output(0)?);
        let wide = if self.narrow { Some(Tensor::new(w.shape(), &w.to_f32s()?)?) } else { None };
        let w = wide.as_ref().map_or(w, Tensor::view);
        let (bias, sum) = (io.optional(2)?, io.optional(3)?);
        let product = Product::new((x.shape(), Flip::default()), (w.shape(), self.weights()))?;
        let cols = product.sizes.cols;
        check_addends(bias.map(|b| b.len()), sum.map(|s| s.shape()), y.shape(), cols)?;
        for_float!(x.dtype(), T => {
            type S = <T as Num>::Acc;
            let bias = bias.map(|b| b.slice::<T>()).transpose()?;
            let sum = sum.map(|s| s.slice::<T>()).transpose()?;
            let (x, w) = (x.slice::<T>()?, w.slice::<T>()?);
            multiply(
                io.context(),
                product.sizes,
                y.into_slice::<T>()?,
                |i| product.left(x, i, |x: T, _| x.acc()),
                |i| product.right(w, i, |w: T, _| w.acc()),
                |row, col, sums: &[S], out| {
                    for (i, (y, &s)) in out.iter_mut().zip(sums).enumerate() {
                        let s = bias.map_or(s, |b| s.add(b[col + i].acc()));
                        let s = sum.map_or(s, |z| s.add(z[row * cols + col + i].acc()));
                        *y = T::narrow(self.activation.apply(s));
                    }
                },
            )
        })
    }
}

/// The same with the weights packed.
struct ByMatrix {
    activation: FusedActivation,
    weights: Panels,
}

impl Kernel for ByMatrix {
    fn operations(&self, _inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        super::products_per_output(outputs, self.weights.depth())
    }

    fn packed(&self) -> &[usize] {
        &[1]
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, y) = (io.input(0)?, io.output(0)?);
        let (bias, sum) = (io.optional(2)?, io.optional(3)?);
        let cols = self.weights.cols();
        check_addends(bias.map(|b| b.len()), sum.map(|s| s.shape()), y.shape(), cols)?;
        let mut last = Last::new(bias.map(|b| b.slice()).transpose()?, self.activation);
        if let Some(sum) = sum {
            last.finish.addend = Some(Addend { data: sum.slice()?, stride: cols, beta: 1.0 });
        }
        multiply_rows(io.context(), x, &self.weights, &last, y)
    }
}

/// Refuses a bias that is no row of the output, and a sum of another shape.
fn check_addends(bias: Option<usize>, sum: Option<&[usize]>, y: &[usize], cols: usize) -> Result<()> {
    let fits = bias.is_none_or(|len| len == cols);
    ensure!(fits, InvalidInput, "a bias of {bias:?} elements for {cols} columns");
    let same = sum.is_none_or(|shape| shape == y);
    ensure!(same, InvalidInput, "a sum of shape {sum:?} for outputs of shape {y:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::{lowered_as_plain, run};
    use crate::ops::Attr;
    use crate::{Result, Tensor, Value};
    use half::f16;

    const LINEAR: (&str, &str, i64) = ("edgewise", "Linear", 1);

    fn f32s(shape: &[usize], x: &[f32]) -> Option<Value> {
        Some(Tensor::new(shape, x).unwrap().into())
    }

    fn linear(attrs: &[(&str, Attr)], inputs: &[Option<Value>]) -> Result<(Vec<usize>, Vec<f32>)> {
        let y = run(LINEAR, attrs, inputs, 1)?;
        let y = y[0].tensor()?;
        Ok((y.shape().to_vec(), y.slice()?.to_vec()))
    }

    #[test]
    fn bias_and_sum_come_before_the_activation() {
        let (x, w) = (f32s(&[1, 2, 2], &[1.0, 2.0, 3.0, 4.0]), f32s(&[2, 2], &[1.0, 0.0, 1.0, -1.0]));
        let (bias, sum) = (f32s(&[2], &[0.5, -1.0]), f32s(&[1, 2, 2], &[-10.0, 4.0, 0.0, 0.0]));
        let relu = [("activation", Attr::Str("Relu".into()))];
        let y = linear(&relu, &[x.clone(), w.clone(), bias, sum.clone()]).unwrap();
        assert_eq!(y, (vec![1, 2, 2], vec![0.0, 1.0, 7.5, 0.0]));
        let y = linear(&[("transB", Attr::Int(1))], &[x, w, None, sum]).unwrap();
        assert_eq!(y, (vec![1, 2, 2], vec![-9.0, 3.0, 3.0, -1.0]));
    }

    #[test]
    fn packed_weights_give_the_same_bits() {
        let numbers = |shape: &[usize]| {
            let len = shape.iter().product::<usize>();
            f32s(shape, &(0..len).map(|i| (i * 7919 % 997) as f32 / 131.0 - 3.5).collect::<Vec<_>>())
        };
        let (x, w) = (numbers(&[3, 5, 11]), numbers(&[20, 11]));
        for (bias, sum) in [(false, false), (true, false), (false, true), (true, true)] {
            let inputs = [
                x.clone(),
                w.clone(),
                bias.then(|| numbers(&[20])).flatten(),
                sum.then(|| numbers(&[3, 5, 20])).flatten(),
            ];
            for activation in ["", "Relu", "Softsign"] {
                let attrs = [("transB", Attr::Int(1)), ("activation", Attr::Str(activation.into()))];
                lowered_as_plain(LINEAR, &attrs, &inputs, &[1]).unwrap();
            }
        }
    }

    #[test]
    fn weights_of_16_bits_serve_rows_of_f32() {
        let numbers = |len: usize| (0..len).map(|i| (i * 7919 % 997) as f32 / 131.0 - 3.5);
        let halves: Vec<f16> = numbers(20 * 11).map(f16::from_f32).collect();
        let wide: Vec<f32> = halves.iter().map(|x| x.to_f32()).collect();
        let (x, w) = (f32s(&[5, 11], &numbers(55).collect::<Vec<_>>()), f32s(&[11, 20], &wide));
        let narrow = Some(Value::from(Tensor::new(&[11, 20], &halves).unwrap()));
        let attrs = [("narrow", Attr::Int(1))];
        let y = lowered_as_plain(LINEAR, &attrs, &[x.clone(), narrow.clone()], &[1]).unwrap();
        let expected = linear(&[], &[x.clone(), w.clone()]).unwrap();
        assert_eq!(y.tensor().unwrap().slice::<f32>().unwrap(), expected.1);
        assert!(linear(&attrs, &[x.clone(), w]).is_err() && linear(&[], &[x, narrow]).is_err());
    }

    #[test]
    fn addends_of_other_sizes_are_refused() {
        let (x, w) = (f32s(&[1, 1], &[1.0]), f32s(&[1, 2], &[1.0, 0.0]));
        assert!(linear(&[], &[x.clone(), w.clone(), f32s(&[1], &[1.0])]).is_err());
        assert!(linear(&[], &[x.clone(), w.clone(), None, f32s(&[2], &[1.0, 1.0])]).is_err());
        assert!(linear(&[], &[x, f32s(&[1, 1, 2], &[1.0, 0.0])]).is_err());
    }
}
