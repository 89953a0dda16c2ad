//! Attention and QAttention of com.microsoft with their weights packed once. Their projection to query, key and
//! value is one product of floats or of bytes; what follows it is the plain operator's.

use super::bytes::{Bytes, scales, zero_points};
use super::matmul::{Product, packed_matrix};
use super::packed_i8::{RightFactor, by_column};
use super::packed_product::{Last, multiply_packed};
use super::panels::Panels;
use super::wide::{widened, zeros};
use super::{Io, Kernel, Lowering};
use crate::ops::fused_activation::FusedActivation;
use crate::ops::matmul::Flip;
use crate::ops::projected_attention::ProjectedAttention;
use crate::{DType, Element, Float, Result};
use edgewise_simd::gemm_i8::ToF32;
use edgewise_simd::{Lhs, MatrixMut};

/// An attention of which the weights are known.
pub struct PackedAttention {
    plain: ProjectedAttention,
    /// The shape of the weights.
    shape: [usize; 2],
    weights: Packed,
}

enum Packed {
    /// Of that type in the model.
    Floats(DType, Panels),
    Bytes(RightFactor),
}

impl PackedAttention {
    /// `None` if the weights are no constant that can be packed.
    pub fn new(plain: &ProjectedAttention, cx: &Lowering<'_>) -> Result<Option<PackedAttention>> {
        let Some(&[depth, cols]) = cx.constant(1).as_ref().map(|w| w.shape()) else { return Ok(None) };
        let weights = if plain.quantized {
            let factor = RightFactor::new(cx, 1, 7, Flip::default())?;
            factor.is_packed().then_some(Packed::Bytes(factor))
        } else {
            packed_matrix(cx, false)?.map(|(dtype, panels)| Packed::Floats(dtype, panels))
        };
        let plain = plain.clone();
        Ok(weights.map(|weights| PackedAttention { plain, shape: [depth, cols], weights }))
    }
}

impl Kernel for PackedAttention {
    fn packed(&self) -> &[usize] {
        &[1]
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let Self { plain, shape, weights } = self;
        for_float!(plain.dtype(io)?, T => plain.attend::<T>(io, shape, |io, sizes, projected| match weights {
            Packed::Floats(dtype, panels) => {
                ensure!(*dtype == T::DTYPE, InvalidModel, "weights of {dtype} for an input of {}", T::DTYPE);
                let x = widened::<T>(io.input(0)?)?;
                in_f32(projected, |projected| {
                    let left = Lhs::Rows { data: bytemuck::cast_slice(&x), stride: sizes.depth };
                    let last = Last::new(None, FusedActivation::None);
                    multiply_packed(io.context(), left, panels, &last, MatrixMut::dense(projected, sizes.cols))
                })
            }
            Packed::Bytes(factor) => in_f32(projected, |projected| multiply_bytes(io, factor, shape, projected)),
        }))
    }
}

/// Lets numbers of f32 or of f64 be computed as f32.
fn in_f32<W: Float>(numbers: &mut [W], compute: impl FnOnce(&mut [f32]) -> Result<()>) -> Result<()> {
    if <W as Element>::DTYPE == DType::F32 {
        return compute(bytemuck::cast_slice_mut(numbers));
    }
    let mut computed = zeros::<f32>(&[numbers.len()])?;
    compute(&mut computed)?;
    numbers.iter_mut().zip(computed).for_each(|(to, x)| *to = W::from_f32(x));
    Ok(())
}

/// The product of the 8-bit factors, less their zero points, times their scales.
fn multiply_bytes(io: &Io<'_>, factor: &RightFactor, shape: &[usize], out: &mut [f32]) -> Result<()> {
    let (x, cols) = (io.input(0)?, shape.last().copied().unwrap_or(0));
    let product = Product::new((x.shape(), Flip::default()), (shape, Flip::default()))?;
    let (x_scale, w_scales) = (io.input(3)?.scalar_f32()?, scales(io, 4, cols, 1)?);
    let fast = factor.product(io, &product, (Bytes::new(x)?, &zero_points(io, 6, 1, 1)?))?;
    let fast = fast.ok_or_else(|| err!(Internal, "packed weights without a product"))?;
    let scale = by_column(cols, |col| x_scale * w_scales.at(col));
    fast.run(io.context(), None, &ToF32::new(&scale, None), out)
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::lowered_as_plain;
    use crate::ops::Attr;
    use crate::{Tensor, Value};
    use half::f16;

    fn numbers(shape: &[usize], by: usize) -> Option<Value> {
        let len = shape.iter().product::<usize>();
        let numbers: Vec<f32> = (0..len).map(|i| (i * by % 251) as f32 / 60.0 - 2.0).collect();
        Some(Tensor::new(shape, &numbers).unwrap().into())
    }

    fn halves(shape: &[usize], by: usize) -> Option<Value> {
        let wide = numbers(shape, by).unwrap();
        let numbers: Vec<f16> =
            wide.tensor().unwrap().slice::<f32>().unwrap().iter().map(|&x| f16::from_f32(x)).collect();
        Some(Tensor::new(shape, &numbers).unwrap().into())
    }

    fn bytes(shape: &[usize], by: usize, signed: bool) -> Option<Value> {
        let bytes: Vec<u8> = (0..shape.iter().product::<usize>()).map(|i| (i * by % 256) as u8).collect();
        Some(if signed {
            Tensor::new(shape, &bytes.iter().map(|&b| b as i8).collect::<Vec<_>>()).unwrap().into()
        } else {
            Tensor::new(shape, &bytes).unwrap().into()
        })
    }

    fn ints(shape: &[usize], of: &[i32]) -> Option<Value> {
        Some(Tensor::new(shape, of).unwrap().into())
    }

    #[test]
    fn packed_bytes_attend_to_the_bit() {
        let attrs = [("num_heads", Attr::Int(2))];
        let attrs_causal = [("num_heads", Attr::Int(2)), ("unidirectional", Attr::Int(1))];
        for (batch, sequence, depth, width) in [(1, 1, 5, 4), (2, 7, 33, 8), (1, 20, 16, 48), (1, 0, 5, 4)] {
            for (signed, each) in [(false, false), (true, false), (false, true), (true, true)] {
                let all = 3 * width;
                let parameters = if each { all } else { 1 };
                let scale = numbers(&[parameters], 7);
                let inputs = [
                    bytes(&[batch, sequence, depth], 37, signed && each),
                    bytes(&[depth, all], 101, signed),
                    numbers(&[all], 11),
                    numbers(&[1], 3),
                    scale,
                    ints(&[batch], &vec![sequence as i32; batch]),
                    bytes(&[1], 1, signed && each),
                    bytes(&[parameters], 29, signed),
                ];
                let op = ("com.microsoft", "QAttention", 1);
                for given in [5, 6, 8] {
                    lowered_as_plain(op, &attrs, &inputs[..given], &[1, 7]).unwrap();
                    lowered_as_plain(op, &attrs_causal, &inputs[..given], &[1, 7]).unwrap();
                }
                // Half precision, and a past.
                let mut inputs = [&inputs[..], &[halves(&[2, batch, 2, 3, width / 2], 13)]].concat();
                (inputs[2], inputs[5]) = (halves(&[all], 11), None);
                lowered_as_plain(op, &attrs, &inputs, &[1, 7]).unwrap();
            }
        }
    }

    #[test]
    fn packed_floats_attend_to_the_bit() {
        let attrs = [("num_heads", Attr::Int(2))];
        let op = ("com.microsoft", "Attention", 1);
        for (batch, sequence, depth, width) in [(1, 1, 5, 4), (2, 7, 33, 8), (1, 20, 16, 48)] {
            let (x, w) = ([batch, sequence, depth], [depth, 3 * width]);
            let f32s = [numbers(&x, 7), numbers(&w, 5), numbers(&w[1..], 11)];
            let f16s = [halves(&x, 7), halves(&w, 5), halves(&w[1..], 11)];
            lowered_as_plain(op, &attrs, &f32s, &[1]).unwrap();
            lowered_as_plain(op, &attrs, &f16s, &[1]).unwrap();
            let mixed = [f32s[0].clone(), f16s[1].clone(), f32s[2].clone()];
            assert!(lowered_as_plain(op, &attrs, &mixed, &[1]).is_err());
        }
    }

    #[test]
    fn parameters_that_do_not_fit_are_refused() {
        let op = ("com.microsoft", "QAttention", 1);
        let attrs = [("num_heads", Attr::Int(1))];
        let inputs = |x_zero: usize, scales: usize, depth: usize| {
            [
                bytes(&[1, 2, 3], 5, false),
                bytes(&[depth, 12], 7, false),
                numbers(&[12], 3),
                numbers(&[1], 3),
                numbers(&[scales], 3),
                None,
                bytes(&[x_zero], 3, false),
                bytes(&[1], 3, false),
            ]
        };
        for (x_zero, scales, depth) in [(2, 1, 3), (1, 5, 3), (1, 1, 4)] {
            assert!(lowered_as_plain(op, &attrs, &inputs(x_zero, scales, depth), &[1, 7]).is_err());
        }
        lowered_as_plain(op, &attrs, &inputs(1, 12, 3), &[1, 7]).unwrap();
    }
}
