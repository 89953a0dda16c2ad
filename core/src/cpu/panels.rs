//! Constant right factors of float products, packed once in the narrowest type that holds them.
//!
//! What a reader would get wrong: weights that a model has as f32 may be panels of 16 bits, too. Many were
//! trained or stored in 16 bits, and a Cast (folded by now) or an exporter made them f32; where every number is
//! one of 16 bits, panels of those give the same results from half the memory.

use super::Lowering;
use super::movable::filled;
use crate::{DType, Result, View};
use edgewise_simd::gemm_f32::{Finish, Packed, gemm_f32};
use edgewise_simd::narrow::{self, BF16, F16, Stored};
use edgewise_simd::{Isa, Lhs, MatrixMut, Source};
use std::borrow::Cow;

/// A right factor in panels.
pub enum Panels {
    /// Of f32.
    F32(Packed<f32>),
    /// Of IEEE's 16 bits.
    F16(Packed<F16>),
    /// Of the upper 16 bits of f32.
    BF16(Packed<BF16>),
}

/// Where the elements of a factor lie, as [`Source`] has it: the first of them, then from one tap, depth and
/// column to the next.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Layout {
    pub start: usize,
    pub tap_step: usize,
    pub depth_step: usize,
    pub col_step: usize,
}

impl Layout {
    fn of<W>(self, data: &[W]) -> Source<'_, W> {
        let Layout { start, tap_step, depth_step, col_step } = self;
        Source { data: data.get(start..).unwrap_or(&[]), tap_step, depth_step, col_step }
    }
}

impl Panels {
    /// Packs `cols` columns of `taps` × `width`.
    pub fn new(weights: &Weights<'_>, layout: Layout, size: [usize; 3]) -> Result<Panels> {
        Ok(match weights {
            Weights::F32(data) => Panels::F32(pack(layout.of(data), size)?),
            Weights::F16(data) => Panels::F16(pack(layout.of(data), size)?),
            Weights::BF16(data) => Panels::BF16(pack(layout.of(data), size)?),
        })
    }

    /// Rows.
    pub fn depth(&self) -> usize {
        match self {
            Panels::F32(packed) => packed.depth(),
            Panels::F16(packed) => packed.depth(),
            Panels::BF16(packed) => packed.depth(),
        }
    }

    /// Columns.
    pub fn cols(&self) -> usize {
        match self {
            Panels::F32(packed) => packed.cols(),
            Panels::F16(packed) => packed.cols(),
            Panels::BF16(packed) => packed.cols(),
        }
    }

    /// The block that `out` is of the product with `left`.
    pub fn multiply(&self, left: Lhs<'_, f32>, finish: &Finish<'_>, out: MatrixMut<'_, f32>) {
        match self {
            Panels::F32(packed) => gemm_f32(Isa::current(), left, packed, finish, out),
            Panels::F16(packed) => gemm_f32(Isa::current(), left, packed, finish, out),
            Panels::BF16(packed) => gemm_f32(Isa::current(), left, packed, finish, out),
        }
    }
}

/// Packs `cols` columns of `taps` × `width`.
pub fn pack<W: Stored>(source: Source<'_, W>, [taps, width, cols]: [usize; 3]) -> Result<Packed<W>> {
    Packed::new(source, [taps, width, cols])
        .map_err(|_| err!(OutOfMemory, "no memory for packed weights of {taps}×{width}×{cols}"))
}

/// The elements of constant weights, in the narrowest type that holds them.
#[allow(missing_docs, reason = "the names say it")]
pub enum Weights<'a> {
    F32(Cow<'a, [f32]>),
    F16(Cow<'a, [F16]>),
    BF16(Cow<'a, [BF16]>),
}

/// Numbers from which fewer bytes are worth a look: smaller weights stay in a cache anyway.
const MANY: usize = 1 << 14;
/// Whether f16 is widened by an instruction. By the bits it takes longer than reading twice as many bytes, so
/// that only weights that a model has so stay f16.
const F16_IS_FAST: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

impl<'a> Weights<'a> {
    /// Those of an input, if it is a constant of floats up to f32.
    pub fn of_constant(cx: &'a Lowering<'_>, input: usize) -> Result<Option<(View<'a>, Weights<'a>)>> {
        let view = cx.constant(input).filter(|view| suits(view.dtype()));
        view.map(|view| Ok((view, Weights::of(view)?))).transpose()
    }

    /// Those of a tensor.
    pub fn of(view: View<'a>) -> Result<Weights<'a>> {
        Ok(match view.dtype() {
            DType::F16 => Weights::F16(Cow::Borrowed(F16::of_bits(view.units()))),
            DType::BF16 => Weights::BF16(Cow::Borrowed(BF16::of_bits(view.units()))),
            _ => {
                let data = view.slice::<f32>()?;
                if data.len() < MANY {
                    Weights::F32(Cow::Borrowed(data))
                } else if F16_IS_FAST && narrow::fits::<F16>(Isa::current(), data) {
                    Weights::F16(Cow::Owned(narrowed(data)?))
                } else if narrow::fits::<BF16>(Isa::current(), data) {
                    Weights::BF16(Cow::Owned(narrowed(data)?))
                } else {
                    Weights::F32(Cow::Borrowed(data))
                }
            }
        })
    }

    /// The same as f32.
    pub fn in_f32(&self) -> Result<Cow<'_, [f32]>> {
        Ok(match self {
            Weights::F32(data) => Cow::Borrowed(data),
            Weights::F16(data) => Cow::Owned(widened(data)?),
            Weights::BF16(data) => Cow::Owned(widened(data)?),
        })
    }
}

/// Whether there are panels for weights of that type.
pub fn suits(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::F16 | DType::BF16)
}

fn narrowed<W: Stored>(data: &[f32]) -> Result<Vec<W>> {
    let mut to = filled(W::default(), data.len())?;
    narrow::narrow(Isa::current(), data, &mut to);
    Ok(to)
}

fn widened<W: Stored>(data: &[W]) -> Result<Vec<f32>> {
    let mut to = filled(0f32, data.len())?;
    narrow::widen(Isa::current(), data, &mut to);
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;

    fn kind(numbers: &[f32]) -> &'static str {
        let tensor = Tensor::new(&[numbers.len()], numbers).unwrap();
        match Weights::of(tensor.view()).unwrap() {
            Weights::F32(_) => "f32",
            Weights::F16(_) => "f16",
            Weights::BF16(_) => "bf16",
        }
    }

    #[test]
    fn weights_take_the_narrowest_type_that_holds_all_of_them() {
        let mut numbers: Vec<f32> = (0..MANY).map(|i| (i % 2000) as f32 / 8.0 - 125.0).collect();
        let f16 = if F16_IS_FAST { "f16" } else { "f32" };
        assert_eq!((kind(&numbers), kind(&numbers[1..])), (f16, "f32"));
        numbers[MANY - 1] = 0.1;
        assert_eq!(kind(&numbers), "f32");
        numbers.iter_mut().for_each(|x| *x = f32::from_bits(x.to_bits() & 0xffff_0000) * 2f32.powi(60));
        assert_eq!(kind(&numbers), "bf16");
        numbers[7] = f32::NAN;
        assert_eq!(kind(&numbers), "f32");
    }
}
