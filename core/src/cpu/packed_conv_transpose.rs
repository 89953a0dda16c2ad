//! ConvTranspose of f32 with constant weights, which may be of 16 bits, on edgewise-simd's kernels.

use super::conv::check_bias;
use super::packed_product::{Last, multiply_packed};
use super::panels::{self, Panels, Weights};
use super::phases::{self, Call, Phases, Product};
use super::turn::channels_second;
use super::{Io, Kernel, Lowering, RunContext};
use crate::ops::conv_transpose::ConvTranspose;
use crate::ops::fused_activation::FusedActivation;
use crate::{DType, Result, Shape, View};
use edgewise_simd::gemm_f32::Packed;
use edgewise_simd::narrow::Stored;
use edgewise_simd::{Lhs, MatrixMut};

/// A transposed convolution of which the weights are known.
pub struct PackedConvTranspose {
    plain: ConvTranspose,
    /// Input channels, output channels of a group, kernel.
    weights: Shape,
    phases: Phases<Panels>,
}

/// Whether weights of that type and shape have a fast kernel.
pub fn suits(op: &ConvTranspose, dtype: DType, weights: &[usize]) -> bool {
    panels::suits(dtype) && phases::suits(op, weights)
}

impl PackedConvTranspose {
    /// `None` if the weights are no constant, or have no fast kernel; else the type that the model has them in, too.
    pub fn new(plain: &ConvTranspose, cx: &Lowering<'_>) -> Result<Option<(DType, PackedConvTranspose)>> {
        let suits = |w: &View<'_>| suits(plain, w.dtype(), w.shape());
        let Some(w) = cx.constant(1).filter(suits) else { return Ok(None) };
        let phases = match Weights::of(w)? {
            Weights::F32(data) => packed(plain, &data, w.shape(), Panels::F32),
            Weights::F16(data) => packed(plain, &data, w.shape(), Panels::F16),
            Weights::BF16(data) => packed(plain, &data, w.shape(), Panels::BF16),
        }?;
        let conv = PackedConvTranspose { plain: plain.clone(), weights: w.shape().into(), phases };
        Ok(Some((w.dtype(), conv)))
    }
}

fn packed<W: Copy + Stored>(
    plain: &ConvTranspose,
    data: &[W],
    shape: &[usize],
    panels: impl Fn(Packed<W>) -> Panels,
) -> Result<Phases<Panels>> {
    Phases::new(plain, (data, shape), |_, source, size| panels::pack(source, size).map(&panels))
}

impl Kernel for PackedConvTranspose {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        self.plain.operations(inputs, outputs)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let channels_last = self.plain.channels_last;
        let axes = self.plain.axes(&channels_second(x.shape(), channels_last), &self.weights)?;
        if !self.phases.fits(&axes) {
            return self.plain.run(io);
        }
        let (bias, cx, outs) = (io.optional(2)?, io.context(), self.weights[1]);
        check_bias(bias.map(|b| b.len()), outs * self.plain.groups)?;
        let bias = bias.map(|b| b.slice::<f32>()).transpose()?;
        let call = Call { cx, axes: &axes, channels_last, product: Floats { cx, outs, bias } };
        self.phases.run(&call, x.slice()?, io.output(0)?.into_slice()?)
    }
}

/// Products of f32.
struct Floats<'a> {
    cx: &'a RunContext<'a>,
    /// Output channels of a group.
    outs: usize,
    bias: Option<&'a [f32]>,
}

impl Product<Panels> for Floats<'_> {
    type X = f32;
    type Y = f32;

    fn pad(&self) -> f32 {
        0.0
    }

    fn multiply(
        &self,
        group: usize,
        matrix: &Panels,
        left: Lhs<'_, f32>,
        to: MatrixMut<'_, f32>,
    ) -> Result<()> {
        let bias = self.bias.map(|bias| &bias[group * self.outs..][..self.outs]);
        multiply_packed(self.cx, left, matrix, &Last::new(bias, FusedActivation::None), to)
    }

    fn untouched(&self, row: &mut [f32]) {
        match self.bias {
            Some(bias) => row.copy_from_slice(bias),
            None => row.fill(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::{op_lowered_as_plain, run_op};
    use crate::ops::{Attr, Attrs, Op};
    use crate::{Tensor, Value};
    use std::sync::Arc;

    /// Shapes of image and weights, groups, and other attributes.
    type Case<'a> = (&'a [usize], &'a [usize], i64, Vec<(String, Attr)>);

    /// Whole numbers from -3 to 3: sums of them are exact.
    fn tensor(shape: &[usize], seed: usize) -> Tensor {
        let count = shape.iter().product::<usize>();
        let numbers: Vec<f32> = (0..count).map(|i| ((i * 37 + seed * 11 + i / 5) % 7) as f32 - 3.0).collect();
        Tensor::new(shape, &numbers).unwrap()
    }

    fn last(x: &Tensor) -> Tensor {
        let perm: Vec<i64> = [0].into_iter().chain(2..x.shape().len() as i64).chain([1]).collect();
        let attrs = [("perm".to_string(), Attr::Ints(perm))].into_iter().collect();
        let op = Op::parse(Attrs::new("", "Transpose", 13, vec![true], vec![true], attrs)).unwrap();
        run_op(&op, &[Some(x.clone().into())]).unwrap().tensor().unwrap().clone()
    }

    #[test]
    fn fast_is_as_plain_whatever_strides_and_pads() {
        let ints = |name: &str, values: &[i64]| (name.to_string(), Attr::Ints(values.to_vec()));
        let cases: [Case<'_>; 10] = [
            (&[2, 5, 4, 3], &[5, 7, 2, 2], 1, vec![ints("strides", &[2, 2])]),
            (&[1, 8, 5, 6], &[8, 20, 4, 4], 1, vec![ints("strides", &[2, 2]), ints("pads", &[1, 1, 1, 1])]),
            (
                &[1, 3, 5, 6],
                &[3, 9, 3, 3],
                1,
                vec![ints("strides", &[2, 3]), ints("pads", &[1, 0, 1, 2]), ints("output_padding", &[1, 0])],
            ),
            (&[1, 6, 4, 4], &[6, 4, 3, 3], 2, vec![ints("strides", &[1, 1]), ints("pads", &[1, 1, 1, 1])]),
            (&[1, 4, 4, 4], &[4, 8, 2, 3], 1, vec![ints("dilations", &[2, 3]), ints("strides", &[2, 2])]),
            (&[1, 4, 3, 3], &[4, 8, 1, 1], 1, vec![ints("strides", &[3, 2])]),
            (&[2, 6, 9], &[6, 33, 5], 1, vec![ints("strides", &[3]), ints("pads", &[2, 1])]),
            (&[1, 4, 2, 3, 2], &[4, 8, 2, 2, 2], 1, vec![ints("strides", &[2, 1, 2])]),
            (&[1, 4, 3, 3], &[4, 8, 3, 3], 1, vec![ints("strides", &[2, 2]), ints("output_shape", &[9, 5])]),
            (&[0, 4, 3, 3], &[4, 8, 2, 2], 1, vec![ints("strides", &[2, 2])]),
        ];
        for (x, w, group, mut attrs) in cases {
            attrs.push(("group".into(), Attr::Int(group)));
            let attrs =
                Attrs::new("", "ConvTranspose", 11, vec![true; 3], vec![true], attrs.into_iter().collect());
            let Op::ConvTranspose(op) = Op::parse(attrs).unwrap() else { panic!("it is one") };
            for bias in [false, true] {
                let mut inputs: Vec<Option<Value>> =
                    vec![Some(tensor(x, 1).into()), Some(tensor(w, 2).into())];
                inputs.push(bias.then(|| tensor(&[w[1] * group as usize], 3).into()));
                let plain = op_lowered_as_plain(&Op::ConvTranspose(op.clone()), &inputs, &[1]).unwrap();
                let expected = last(plain.tensor().unwrap());
                let turned = Op::ConvTranspose(Arc::new(op.on_channels_last()));
                inputs[0] = Some(last(&tensor(x, 1)).into());
                let fast = op_lowered_as_plain(&turned, &inputs, &[1]).unwrap();
                assert_eq!(fast.tensor().unwrap().shape(), expected.shape(), "{x:?} {w:?}");
                assert_eq!(fast.tensor().unwrap().view().bytes(), expected.view().bytes(), "{x:?} {w:?}");
            }
        }
    }
}
