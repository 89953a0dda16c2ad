//! QLinearConvTranspose on the CPU: QLinearConv whose windows look backward. Images with the channels last are
//! turned around first.

use super::bytes::{Bytes, zero_points};
use super::conv::Convolution;
use super::packed_conv_transpose_i8::PackedConvTranspose;
use super::qlinear_conv::Call;
use super::turn::channels_second;
use super::window::Windows;
use super::{Io, Kernel, Lowering};
use crate::Result;
use crate::ops::qlinear_conv_transpose::{QLinearConvTranspose, WEIGHTS};

impl Kernel for QLinearConvTranspose {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        Ok(PackedConvTranspose::new(self, cx)?.map(|kernel| Box::new(kernel) as _))
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, w) = (io.input(0)?, io.input(WEIGHTS)?);
        let shape = channels_second(x.shape(), self.conv.channels_last);
        let windows = Windows::new(self.conv.axes(&shape, w.shape())?, true);
        let conv = Convolution::transposed(windows, shape[0], self.conv.groups, w.shape());
        let (x_zero, w_zero) = (zero_points(io, 2, 1, 1)?, zero_points(io, 5, conv.channels(), 1)?);
        let call = Call {
            cx: io.context(),
            conv: &conv,
            channels_last: self.conv.channels_last.then_some(shape[1]),
            x: (Bytes::new(x)?, x_zero.at(0)),
            w: (Bytes::new(w)?, &w_zero),
        };
        call.quantized(io)
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::{lowered_as_plain, run};
    use crate::ops::Attr;
    use crate::{DType, Tensor, Value};

    const OP: (&str, &str, i64) = ("edgewise", "QLinearConvTranspose", 1);
    const PARAMETERS: [usize; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

    /// Shapes of image and weights, groups, and other attributes.
    type Case<'a> = (&'a [usize], &'a [usize], i64, Vec<(&'a str, Attr)>);

    fn cases() -> Vec<Case<'static>> {
        let ints = |name: &'static str, values: &[i64]| (name, Attr::Ints(values.to_vec()));
        let same = |way: &str| ("auto_pad", Attr::Str(way.into()));
        let (two, ones) = (|| ints("strides", &[2, 2]), || ints("pads", &[1, 1, 1, 1]));
        vec![
            (&[2, 5, 4, 3], &[5, 7, 2, 2], 1, vec![two()]),
            (&[1, 8, 5, 6], &[8, 20, 4, 4], 1, vec![two(), ones()]),
            (
                &[1, 3, 5, 6],
                &[3, 9, 3, 3],
                1,
                vec![ints("strides", &[2, 3]), ints("pads", &[1, 0, 1, 2]), ints("output_padding", &[1, 0])],
            ),
            (&[1, 6, 4, 4], &[6, 4, 3, 3], 2, vec![ones()]),
            (&[1, 6, 4, 4], &[6, 1, 3, 3], 6, vec![two(), ones(), ints("output_padding", &[1, 1])]),
            (&[1, 4, 4, 4], &[4, 8, 2, 3], 1, vec![ints("dilations", &[2, 3]), two()]),
            (&[1, 4, 3, 3], &[4, 8, 1, 1], 1, vec![ints("strides", &[3, 2])]),
            (&[1, 4, 3, 3], &[4, 8, 1, 1], 1, vec![]),
            (&[2, 6, 9], &[6, 33, 5], 1, vec![ints("strides", &[3]), ints("pads", &[2, 1])]),
            (&[1, 4, 2, 3, 2], &[4, 8, 2, 2, 2], 1, vec![ints("strides", &[2, 1, 2])]),
            (&[1, 4, 3, 3], &[4, 8, 3, 3], 1, vec![two(), ints("output_shape", &[9, 5])]),
            (&[1, 4, 3, 3], &[4, 8, 3, 3], 1, vec![two(), same("SAME_UPPER")]),
            (&[1, 4, 3, 3], &[4, 8, 4, 3], 1, vec![two(), same("SAME_LOWER")]),
            (&[1, 4, 3, 3], &[4, 8, 3, 3], 1, vec![two(), same("VALID")]),
            (&[0, 4, 3, 3], &[4, 8, 2, 2], 1, vec![two()]),
        ]
    }

    fn value<T: crate::Element>(shape: &[usize], x: &[T]) -> Option<Value> {
        Some(Tensor::new(shape, x).unwrap().into())
    }

    /// Bytes of every value, those at the limits among them.
    fn bytes(dtype: DType, shape: &[usize], seed: usize) -> Tensor {
        let byte = |i: usize| match (i + seed) % 7 {
            0 => 0x80,
            1 => 0x7f,
            2 => 0xff,
            _ => (i * 37 + seed * 11 + i / 5) as u8,
        };
        let bytes: Vec<u8> = (0..shape.iter().product()).map(byte).collect();
        Tensor::from_bytes(dtype, shape, &bytes).unwrap()
    }

    /// The operator's inputs; many scales and zero points, or one.
    fn inputs(x: &Tensor, w: &Tensor, groups: usize, many: bool, y_scale: f32) -> Vec<Option<Value>> {
        let channels = w.shape()[1] * groups;
        let count = if many { channels } else { 1 };
        let scales: Vec<f32> = (0..count).map(|i| 0.01 + i as f32 * 0.003).collect();
        let zeros: Vec<u8> = (0..count).map(|i| (i * 5) as u8 % 100).collect();
        let byte = |dtype, code: u8| Some(Tensor::from_bytes(dtype, &[], &[code]).unwrap().into());
        let bias: Vec<i32> = (0..channels).map(|i| i as i32 * 3001 - 5000).collect();
        vec![
            Some(x.clone().into()),
            value(&[], &[0.07f32]),
            byte(x.dtype(), 131),
            Some(w.clone().into()),
            value(&[count], &scales),
            Some(Tensor::from_bytes(w.dtype(), &[count], &zeros).unwrap().into()),
            value(&[], &[y_scale]),
            byte(if many { DType::I8 } else { DType::U8 }, 120),
            many.then(|| value(&[channels], &bias)).flatten(),
        ]
    }

    fn last(x: &Tensor) -> Tensor {
        let perm = [0].into_iter().chain(2..x.shape().len() as i64).chain([1]).collect();
        let y = run(("", "Transpose", 13), &[("perm", Attr::Ints(perm))], &[Some(x.clone().into())], 1);
        y.unwrap()[0].tensor().unwrap().clone()
    }

    #[test]
    fn fast_is_as_plain_whatever_strides_pads_signs_and_scales() {
        for (x, w, groups, mut attrs) in cases() {
            attrs.push(("group", Attr::Int(groups)));
            for (i, dtype) in [(0, DType::U8), (1, DType::I8), (2, DType::U8), (3, DType::I8)] {
                let (image, weights) =
                    (bytes(dtype, x, 1), bytes(if i % 3 == 0 { DType::I8 } else { DType::U8 }, w, 2));
                let inputs = |image: &Tensor| inputs(image, &weights, groups as usize, i < 2, 0.5);
                // Weights without a fast kernel are left to the plain operator.
                let fast = !(groups > 1 && w[1] < 4);
                let compute = |image: &Tensor, attrs: &[(&str, Attr)]| match fast {
                    true => lowered_as_plain(OP, attrs, &inputs(image), &PARAMETERS).unwrap(),
                    false => run(OP, attrs, &inputs(image), 1).unwrap().remove(0),
                };
                let first = compute(&image, &attrs);
                let mut turned = attrs.clone();
                turned.push(("channels_last", Attr::Int(1)));
                let second = compute(&last(&image), &turned);
                let (first, second) = (last(first.tensor().unwrap()), second.tensor().unwrap().clone());
                assert_eq!(first.shape(), second.shape(), "{x:?} {w:?}");
                assert_eq!(first.view().bytes(), second.view().bytes(), "{x:?} {w:?}");
            }
        }
    }

    /// What f32 sums are while all are whole numbers below 2²⁴, requantized by the written rule.
    #[test]
    fn bytes_are_those_of_exact_sums() {
        for (x, w, groups, mut attrs) in cases() {
            attrs.push(("group", Attr::Int(groups)));
            let (x, w) = (bytes(DType::U8, x, 3), bytes(DType::I8, w, 4));
            let inputs = inputs(&x, &w, groups as usize, true, 0.9);
            let y = run(OP, &attrs, &inputs, 1).unwrap();
            let whole = |tensor: &Tensor, zero: &dyn Fn(usize) -> i64| {
                let whole = tensor.view().to_i64s().unwrap().into_iter().enumerate();
                let whole: Vec<f32> = whole.map(|(i, x)| (x - zero(i)) as f32).collect();
                Tensor::new(tensor.shape(), &whole).unwrap()
            };
            let parameter = |i: usize| inputs[i].as_ref().unwrap().tensor().unwrap().clone();
            let zeros = parameter(5).view().to_i64s().unwrap();
            // Channel `i` of the weights of a group, whose taps are `size`.
            let size: usize = w.shape()[2..].iter().product();
            let (outs, ins) = (w.shape()[1], w.shape()[0] / groups as usize);
            let channel = |i: usize| i / size % outs + i / (size * outs * ins) * outs;
            let real = [
                Some(whole(&x, &|_| 131).into()),
                Some(whole(&w, &|i| zeros[channel(i)]).into()),
                Some(whole(&parameter(8), &|_| 0).into()),
            ];
            let sums = run(("", "ConvTranspose", 11), &attrs, &real, 1).unwrap();
            let (sums, y) = (sums[0].tensor().unwrap(), y[0].tensor().unwrap());
            assert_eq!(sums.shape(), y.shape());
            let scales = parameter(4).view().to_f32s().unwrap();
            let pixels: usize = y.shape()[2..].iter().product();
            for (i, (&sum, &y)) in
                sums.slice::<f32>().unwrap().iter().zip(y.slice::<i8>().unwrap()).enumerate()
            {
                let factor = (0.07f32 * scales[i / pixels % scales.len()]) / 0.9;
                let expected = ((sum * factor).round_ties_even() + 120.0).clamp(-128.0, 127.0) as i8;
                assert_eq!(y, expected, "element {i} of {:?} by {:?}", x.shape(), w.shape());
            }
        }
    }

    #[test]
    fn a_bias_scales_or_zero_points_for_other_channels_are_refused() {
        let (x, w) = (bytes(DType::U8, &[1, 4, 3, 3], 1), bytes(DType::I8, &[4, 8, 2, 2], 2));
        for (i, wrong) in [
            (4, value(&[3], &[1f32; 3])),
            (5, value(&[4], &[0i8; 4])),
            (8, value(&[4], &[0i32; 4])),
            (0, Some(bytes(DType::U8, &[1, 5, 3, 3], 1).into())),
            (3, Some(bytes(DType::I8, &[4, 8, 2], 1).into())),
            (1, value(&[2], &[1f32; 2])),
        ] {
            let mut inputs = inputs(&x, &w, 1, true, 0.5);
            inputs[i] = wrong;
            assert!(run(OP, &[], &inputs, 1).is_err(), "input {i}");
        }
    }
}
