//! Kernels of f32 for nodes of 16-bit floats: what a node takes is widened before, and what comes out is rounded
//! once. Weights are none of this kernel's business: it finds them packed, or the kernel of f32 reads them as
//! they are.

use super::convert::{narrow, widen};
use super::io::{In, Out};
use super::{Io, Kernel};
use crate::{DType, Result, View, ViewMut};
use edgewise_simd::OUTSIDE;

/// The inputs that are no weights: what is multiplied, a bias, and what is added.
const WIDENED: [usize; 3] = [0, 2, 3];
/// What scratch memory is cut at.
const ALIGNED: usize = 64;

/// A kernel of f32, and the operator for images that are too large for it.
struct InF32<P> {
    kernel: Box<dyn Kernel>,
    plain: P,
}

/// A kernel of f32, for a node whose weights have that type, and with them all that is multiplied.
pub fn in_f32<P: Kernel + Clone + 'static>(
    dtype: DType,
    kernel: impl Kernel + 'static,
    plain: &P,
) -> Box<dyn Kernel> {
    match dtype {
        DType::F32 => Box::new(kernel),
        _ => Box::new(InF32 { kernel: Box::new(kernel), plain: plain.clone() }),
    }
}

impl<P: Kernel> Kernel for InF32<P> {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        self.kernel.operations(inputs, outputs)
    }

    fn packed(&self) -> &[usize] {
        self.kernel.packed()
    }

    fn scratch_bytes(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Result<usize> {
        let own = self.kernel.scratch_bytes(inputs, outputs)?;
        let widened = WIDENED.iter().filter_map(|&i| inputs.get(i)).chain(outputs);
        Ok(widened.fold(own, |sum, shape| sum.saturating_add(bytes(shape))))
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        if io.has(1) && io.input(0)?.len() >= OUTSIDE as usize {
            return self.plain.run(io);
        }
        let (cx, mut scratch) = (io.context(), io.scratch());
        let mut inputs = Vec::with_capacity(io.input_count());
        for i in 0..io.input_count() {
            inputs.push(match io.optional(i)? {
                None => In::Absent,
                Some(view) if WIDENED.contains(&i) => {
                    let to;
                    (to, scratch) = cut(scratch, view.shape())?;
                    widen(cx, view, bytemuck::cast_slice_mut(to))?;
                    In::Tensor(View::over(DType::F32, view.shape(), to))
                }
                Some(view) => In::Tensor(view),
            });
        }
        let y = io.output(0)?;
        let (sums, scratch) = cut(scratch, y.shape())?;
        let planned = Out::Planned(ViewMut::over(DType::F32, y.shape(), sums));
        self.kernel.run(&mut Io::new(inputs, vec![planned], scratch, cx))?;
        narrow(cx, bytemuck::cast_slice(sums), y)
    }
}

fn bytes(shape: &[usize]) -> usize {
    let len = shape.iter().fold(size_of::<f32>(), |n, &size| n.saturating_mul(size));
    len.checked_next_multiple_of(ALIGNED).unwrap_or(usize::MAX)
}

/// The bytes of so many f32, and what is left.
fn cut<'a>(scratch: &'a mut [u8], shape: &[usize]) -> Result<(&'a mut [u8], &'a mut [u8])> {
    let len = shape.iter().product::<usize>() * size_of::<f32>();
    let split = scratch.split_at_mut_checked(bytes(shape));
    let (own, rest) = split.ok_or_else(|| err!(Internal, "no scratch memory for {shape:?} as f32"))?;
    let own = own.get_mut(..len).filter(|own| bytemuck::try_cast_slice::<u8, f32>(own).is_ok());
    Ok((own.ok_or_else(|| err!(Internal, "scratch memory does not lie as floats do"))?, rest))
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::{lowered_as_plain, op_lowered};
    use crate::ops::conv::{Conv, ConvWindows};
    use crate::ops::fused_activation::FusedActivation;
    use crate::ops::window::{AutoPad, Window};
    use crate::ops::{Attr, Attrs, Op};
    use crate::{DType, Tensor, Value};
    use half::{bf16, f16};
    use std::sync::Arc;

    const TYPES: [DType; 2] = [DType::F16, DType::BF16];

    fn tensor(dtype: DType, shape: &[usize], numbers: impl Fn(usize) -> f32) -> Option<Value> {
        let numbers = (0..shape.iter().product()).map(numbers);
        let tensor = match dtype {
            DType::F16 => Tensor::new(shape, &numbers.map(f16::from_f32).collect::<Vec<_>>()),
            DType::BF16 => Tensor::new(shape, &numbers.map(bf16::from_f32).collect::<Vec<_>>()),
            _ => Tensor::new(shape, &numbers.collect::<Vec<_>>()),
        };
        Some(tensor.unwrap().into())
    }

    fn wave(seed: usize) -> impl Fn(usize) -> f32 {
        move |i| ((i * 7919 + seed * 31) % 997) as f32 / 131.0 - 3.5
    }

    #[test]
    fn sums_of_16_bit_factors_are_rounded_once() {
        for dtype in TYPES {
            for rows in [0, 1, 5, 60] {
                let x = tensor(dtype, &[2, rows, 33], wave(1));
                let (w, turned) = (tensor(dtype, &[33, 40], wave(2)), tensor(dtype, &[40, 33], wave(2)));
                lowered_as_plain(("", "MatMul", 13), &[], &[x.clone(), w], &[1]).unwrap();
                let (bias, sum) = (tensor(dtype, &[40], wave(3)), tensor(dtype, &[2, rows, 40], wave(4)));
                let attrs = [("transB", Attr::Int(1)), ("activation", Attr::Str("Relu".into()))];
                for inputs in [[bias.clone(), sum.clone()], [None, sum], [bias, None], [None, None]] {
                    let inputs = [&[x.clone(), turned.clone()], &inputs[..]].concat();
                    lowered_as_plain(("edgewise", "Linear", 1), &attrs, &inputs, &[1]).unwrap();
                }
                let x = tensor(dtype, &[rows, 33], wave(1));
                for c in [&[40][..], &[rows, 40], &[rows, 1], &[]] {
                    let inputs = [x.clone(), turned.clone(), tensor(dtype, c, wave(5))];
                    let attrs =
                        [("transB", Attr::Int(1)), ("alpha", Attr::Float(0.3)), ("beta", Attr::Float(-2.0))];
                    lowered_as_plain(("", "Gemm", 13), &attrs, &inputs, &[1]).unwrap();
                }
            }
        }
    }

    #[test]
    fn what_passes_the_type_becomes_infinite_once() {
        // 2 · 60000 is no f16, but 2 · 60000 - 60000 is.
        let x = tensor(DType::F16, &[3, 2], |i| if i == 5 { -60000.0 } else { 60000.0 });
        let w = tensor(DType::F16, &[2, 16], |i| if i == 3 { f32::NAN } else { 1.0 + (i / 16) as f32 });
        let y = lowered_as_plain(("", "MatMul", 13), &[], &[x, w], &[1]).unwrap();
        let y = y.tensor().unwrap().slice::<f16>().unwrap().to_vec();
        assert!(y[0] == f16::INFINITY && y[32] == f16::from_f32(-60000.0) && y[3].is_nan() && y[35].is_nan());
    }

    #[test]
    fn panels_of_16_bits_serve_factors_of_f32() {
        // Many enough to be looked at, and all of them numbers of 16 bits.
        let w = tensor(DType::F32, &[128, 144], |i| (i * 37 % 511) as f32 / 64.0 - 4.0);
        for rows in [1, 2, 7, 70] {
            let x = tensor(DType::F32, &[rows, 128], wave(1));
            lowered_as_plain(("", "MatMul", 13), &[], &[x, w.clone()], &[1]).unwrap();
        }
    }

    /// Runs a lowered operator on numbers of 16 bits and on the same in f32: its results are those, rounded.
    fn rounded_alike(op: &Op, inputs: &[Option<Value>]) {
        let wide: Vec<Option<Value>> = inputs.iter().map(|x| x.as_ref().map(wide)).collect();
        let expected = op_lowered(op, &wide, &[1], 1).unwrap();
        for threads in [1, 3] {
            let got = op_lowered(op, inputs, &[1], threads).unwrap();
            let got = got.tensor().unwrap();
            let numbers = expected.tensor().unwrap().slice::<f32>().unwrap();
            let expected = tensor(got.view().dtype(), got.shape(), |i| numbers[i]).unwrap();
            assert_eq!(got.view().bytes(), expected.tensor().unwrap().view().bytes());
        }
    }

    fn wide(value: &Value) -> Value {
        let tensor = value.tensor().unwrap();
        Tensor::new(tensor.shape(), &tensor.view().to_f32s().unwrap()).unwrap().into()
    }

    #[test]
    fn convolutions_of_16_bits_are_those_of_f32() {
        // Image, weights, groups: by taps, by tiles, by channels, by groups, by cells.
        let cases: [([usize; 4], [usize; 4], usize); 5] = [
            ([2, 9, 11, 3], [20, 3, 3, 3], 1),
            ([1, 8, 7, 16], [17, 16, 3, 3], 1),
            ([1, 5, 6, 12], [12, 1, 3, 3], 12),
            ([1, 5, 6, 8], [16, 4, 3, 3], 2),
            ([2, 5, 7, 6], [10, 6, 1, 1], 1),
        ];
        for dtype in TYPES {
            for (x, w, groups) in cases {
                let pad = (w[2] as i64 - 1) / 2;
                let window = Window {
                    kernel: vec![],
                    strides: vec![1; 2],
                    dilations: vec![1; 2],
                    pads: vec![pad; 4],
                    auto_pad: AutoPad::Explicit,
                    ceil: false,
                };
                let windows = ConvWindows { window, groups };
                let conv = Conv { windows, activation: FusedActivation::Relu, channels_last: true };
                let inputs = [
                    tensor(dtype, &x, wave(1)),
                    tensor(dtype, &w, wave(2)),
                    tensor(dtype, &[w[0]], wave(3)),
                    tensor(dtype, &[x[0], x[1], x[2], w[0]], wave(4)),
                ];
                let op = Op::Conv(Arc::new(conv));
                rounded_alike(&op, &inputs);
                rounded_alike(&op, &[&inputs[..2], &[None, inputs[3].clone()]].concat());
            }
            let (x, w) = (tensor(dtype, &[1, 6, 4, 5], wave(1)), tensor(dtype, &[6, 9, 2, 2], wave(2)));
            let attrs = [("strides".to_string(), Attr::Ints(vec![2, 2]))].into_iter().collect();
            let attrs = Attrs::new("", "ConvTranspose", 11, vec![true; 3], vec![true], attrs);
            rounded_alike(&Op::parse(attrs).unwrap(), &[x, w, tensor(dtype, &[9], wave(3))]);
        }
    }
}
