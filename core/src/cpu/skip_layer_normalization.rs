//! SkipLayerNormalization and SkipSimplifiedLayerNormalization on the CPU, in f32.

use super::norm_row::normalize;
use super::{Io, Kernel, vector};
use crate::ops::skip_layer_normalization::SkipLayerNormalization;
use crate::{DType, Float, Result, View};
use edgewise_simd::elementwise::Binary;
use edgewise_simd::norm::Norm;

impl Kernel for SkipLayerNormalization {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, skip) = (io.input(0)?, io.input(1)?);
        let width = *x.shape().last().unwrap_or(&0);
        if self.is_plain(io, width)? {
            return self.vector(io, x, skip);
        }
        let row = |i: usize| match io.optional(i)? {
            Some(row) => {
                ensure!(row.shape() == [width], InvalidModel, "input {i} must be [{width}], got {row:?}");
                row.to_f32s().map(Some)
            }
            None => Ok(None),
        };
        let gamma = row(2)?;
        let (beta, bias) = if self.simplified { (None, row(3)?) } else { (row(3)?, row(4)?) };
        let repeats = match (x.shape(), skip.shape()) {
            ([_, rest @ ..], [1, skipped @ ..]) if rest == skipped => true,
            (shape, skipped) => shape.ends_with(skipped) && !skipped.is_empty(),
        };
        ensure!(repeats, InvalidModel, "the skip connection {skip:?} cannot be added to {x:?}");

        // Every row of x as its sum, then as its normalization; both are wanted rarely.
        let (mut sum, skip) = (x.to_f32s()?, skip.to_f32s()?);
        for (i, sum) in sum.iter_mut().enumerate() {
            *sum += skip[i % skip.len()] + bias.as_ref().map_or(0.0, |bias| bias[i % width]);
        }
        if io.wants(3) {
            let out = io.output(3)?;
            for_float!(out.dtype(), T => {
                out.into_slice::<T>()?.iter_mut().zip(&sum).for_each(|(y, x)| *y = T::from_f32(*x));
                Ok(())
            })?;
        }
        let (mut means, mut deviations) = (Vec::new(), Vec::new());
        for (i, row) in sum.chunks_mut(width.max(1)).enumerate() {
            if i % 256 == 0 {
                io.check()?;
            }
            let moments = normalize(row, self.simplified, self.epsilon);
            means.push(moments.mean);
            deviations.push(moments.inverse_deviation);
            for (i, x) in row.iter_mut().enumerate() {
                *x *= gamma.as_ref().map_or(1.0, |gamma| gamma[i]);
                *x += beta.as_ref().map_or(0.0, |beta| beta[i]);
            }
        }
        for (i, moments) in [(1, &means), (2, &deviations)] {
            if io.wants(i) {
                io.output(i)?.into_slice::<f32>()?.iter_mut().zip(moments).for_each(|(y, x)| *y = *x);
            }
        }
        let out = io.output(0)?;
        for_float!(out.dtype(), T => {
            out.into_slice::<T>()?.iter_mut().zip(&sum).for_each(|(y, x)| *y = T::from_f32(*x));
            Ok(())
        })
    }
}

impl SkipLayerNormalization {
    /// Which input is the bias of the skip connection.
    fn bias(&self) -> usize {
        if self.simplified { 3 } else { 4 }
    }

    /// Whether all is f32 and fits, and nobody asks for the statistics.
    fn is_plain(&self, io: &Io<'_>, width: usize) -> Result<bool> {
        let row = |x: View<'_>| x.dtype() == DType::F32 && x.shape() == [width];
        let (x, skip) = (io.input(0)?, io.input(1)?);
        let skips = match (x.shape(), skip.shape()) {
            ([_, rest @ ..], [1, skipped @ ..]) if rest == skipped => true,
            (shape, skipped) => shape.ends_with(skipped) && !skipped.is_empty(),
        };
        let mut rows = skips && width > 0 && x.dtype() == DType::F32 && skip.dtype() == DType::F32;
        for i in 2..=self.bias() {
            rows &= io.optional(i)?.map_or(i > 2, row);
        }
        Ok(rows && io.wants(0) && !io.wants(1) && !io.wants(2))
    }

    /// The sum goes to its output, or where the result will lie.
    fn vector(&self, io: &mut Io<'_>, x: View<'_>, skip: View<'_>) -> Result<()> {
        let cx = io.context();
        let sum_up = |sum: &mut [f32], bias: Option<View<'_>>| {
            let sides = (Some((x.slice()?, x.shape())), Some((skip.slice()?, skip.shape())));
            vector::zip(cx, Binary::Add, (sum, x.shape()), sides)?;
            match bias {
                Some(bias) => {
                    let sides = (None, Some((bias.slice()?, bias.shape())));
                    vector::zip(cx, Binary::Add, (sum, x.shape()), sides)
                }
                None => Ok(()),
            }
        };
        let bias = io.optional(self.bias())?;
        let beta = if self.simplified { None } else { io.optional(3)? };
        let norm = Norm {
            centered: !self.simplified,
            epsilon: self.epsilon,
            scale: io.input(2)?.slice()?,
            bias: beta.map_or(Ok(&[][..]), |beta| beta.slice())?,
        };
        let y = io.output(0)?.into_slice::<f32>()?;
        if io.wants(3) {
            let sum = io.output(3)?.into_slice::<f32>()?;
            sum_up(sum, bias)?;
            vector::normalize(cx, norm, Some(sum), y)
        } else {
            sum_up(y, bias)?;
            vector::normalize(cx, norm, None, y)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{Result, Tensor, Value};

    fn skip(op: &str, x: &[f32], skip: &[f32], shape: &[usize]) -> Result<Vec<Value>> {
        let width = shape[shape.len() - 1];
        let inputs = [Tensor::new(shape, x), Tensor::new(&[skip.len() / width.max(1), width], skip)];
        let mut inputs = inputs.map(|t| Some(t.unwrap().into())).to_vec();
        inputs.push(Some(Tensor::new(&[width], &vec![1f32; width])?.into()));
        run(("com.microsoft", op, 1), &[], &inputs, 4)
    }

    #[test]
    fn the_skip_connection_is_added_before_the_mean_goes() {
        let y = skip("SkipLayerNormalization", &[1.0, 2.0], &[1.0, 2.0], &[1, 2]).unwrap();
        let y: Vec<&[f32]> = y.iter().map(|y| y.tensor().unwrap().slice().unwrap()).collect();
        assert_eq!(y, [&[-1.0f32, 1.0][..], &[3.0], &[1.0], &[2.0, 4.0]]);
    }

    #[test]
    fn empty_batches_pass_and_other_widths_are_refused() {
        assert!(skip("SkipSimplifiedLayerNormalization", &[], &[], &[0, 4]).is_ok());
        assert!(skip("SkipSimplifiedLayerNormalization", &[1.0; 6], &[1.0; 6], &[1, 2, 3]).is_ok());
        assert!(skip("SkipSimplifiedLayerNormalization", &[1.0; 6], &[1.0; 9], &[1, 2, 3]).is_err());
    }
}
