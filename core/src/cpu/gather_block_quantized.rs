//! GatherBlockQuantized on the CPU: only what is gathered is decoded.

use super::packed_bits::{code, row_bytes};
use super::quantize_linear::real;
use super::{Io, Kernel};
use crate::ops::gather_block_quantized::GatherBlockQuantized;
use crate::{DType, E4M3Fn, E4M3FnUz, E5M2, E5M2FnUz, Float, Result, Shape, View, minifloat, strides};
use std::borrow::Cow;

impl Kernel for GatherBlockQuantized {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (data, indices) = (io.input(0)?, io.input(1)?.to_i64s()?);
        let table = Table::of(self, data, io.input(2)?, io.optional(3)?)?;
        let (axis, _) = self.axes(data.rank())?;
        let rows = table.shape[axis];
        let inner: usize = table.shape[axis + 1..].iter().product();
        let cx = io.context();
        let y = io.output(0)?;
        for_float!(y.dtype(), T => {
            let slices = y.into_slice::<T>()?.chunks_mut(inner.max(1)).enumerate();
            for (i, slice) in slices {
                if i % 64 == 0 {
                    cx.check()?;
                }
                let (outer, index) = (i / indices.len(), indices[i % indices.len()]);
                let index = if index < 0 { index.saturating_add(rows as i64) } else { index };
                let Some(index) = usize::try_from(index).ok().filter(|&at| at < rows) else {
                    slice.fill(T::from_f32(0.0));
                    continue;
                };
                table.decode((outer * rows + index) * inner, slice);
            }
            Ok(())
        })
    }
}

/// The table as numbers.
struct Table<'a> {
    /// Its shape in codes.
    shape: Shape,
    codes: Codes<'a>,
    scales: Cow<'a, [f32]>,
    zeros: Option<Codes<'a>>,
    default_zero: f32,
    /// Per axis: how many codes share a scale, and the step between scales (0 where one serves all).
    groups: Vec<(usize, usize)>,
}

impl<'a> Table<'a> {
    fn of(
        op: &GatherBlockQuantized,
        data: View<'a>,
        scales: View<'a>,
        zeros: Option<View<'a>>,
    ) -> Result<Table<'a>> {
        let (gather_axis, block_axis) = op.axes(data.rank())?;
        let last = data.rank() - 1;
        let mut shape = Shape::from_slice(data.shape());
        shape[last] = shape[last].saturating_mul(op.codes_per_element(data.dtype()));
        let (is_bytes, is_float) = (data.dtype() == DType::U8, data.dtype().is_float());
        ensure!(op.block > 0 || is_float, InvalidModel, "block_size 0 is for tables of floats");
        ensure!(
            !is_bytes || op.bits == 8 || gather_axis != last,
            InvalidModel,
            "codes packed along axis {last} cannot be gathered there"
        );

        let mut expected = shape.clone();
        let block = if op.block == 0 { shape[block_axis].max(1) } else { op.block };
        expected[block_axis] = shape[block_axis].div_ceil(block);
        let fits = |(axis, (&have, &want)): (usize, (&usize, &usize))| {
            have == want || is_float && have == 1 && axis != block_axis
        };
        ensure!(
            scales.rank() == shape.len() && scales.shape().iter().zip(&expected).enumerate().all(fits),
            InvalidModel,
            "scales must be {expected:?}, got {scales:?}"
        );
        let steps = strides(scales.shape());
        let groups = (0..shape.len()).map(|axis| match scales.shape()[axis] {
            1 if axis != block_axis => (1, 0),
            _ if axis == block_axis => (block, steps[axis]),
            _ => (1, steps[axis]),
        });
        let zeros = match zeros {
            None => None,
            Some(_) if is_float => bail!(InvalidModel, "a table of floats has no zero points"),
            Some(zeros) => {
                let row = expected[last].div_ceil(op.codes_per_element(data.dtype()));
                let shape = [&expected[..last], &[row]].concat();
                ensure!(
                    zeros.shape() == shape && zeros.dtype() == data.dtype(),
                    InvalidModel,
                    "zero points must be {}{shape:?}, got {zeros:?}",
                    data.dtype()
                );
                Some(Codes::of(zeros, expected[last], op.bits)?)
            }
        };
        Ok(Table {
            codes: Codes::of(data, shape[last], op.bits)?,
            scales: real(scales)?,
            zeros,
            default_zero: if is_bytes { (1 << (op.bits - 1)) as f32 } else { 0.0 },
            groups: groups.collect(),
            shape,
        })
    }

    /// Writes the numbers from place `start` on, as many at a time as share a scale.
    fn decode<T: Float>(&self, start: usize, out: &mut [T]) {
        let (Some(&width), Some(&(block, _))) = (self.shape.last(), self.groups.last()) else { return };
        let mut done = 0;
        while done < out.len() {
            let (place, column) = (start + done, (start + done) % width);
            let run = (block - column % block).min(width - column).min(out.len() - done);
            let scale = self.scale_of(place);
            let zero = self.zeros.as_ref().map_or(self.default_zero, |zeros| zeros.at(scale));
            let scale = self.scales[scale];
            for (y, code) in out[done..done + run].iter_mut().zip(self.codes.from(place)) {
                *y = T::from_f32((code - zero) * scale);
            }
            done += run;
        }
    }

    /// Which scale the number at place `i` has.
    fn scale_of(&self, i: usize) -> usize {
        let (mut rest, mut scale) = (i, 0);
        for (&size, (block, step)) in self.shape.iter().zip(&self.groups).rev() {
            scale += rest % size / block * step;
            rest /= size;
        }
        scale
    }
}

/// Packed numbers of a few bits.
struct Codes<'a> {
    bytes: &'a [u8],
    bits: usize,
    /// Codes after which a new byte begins, and the bytes of so many.
    row: (usize, usize),
    decode: fn(u8) -> f32,
}

impl<'a> Codes<'a> {
    /// From u8 with rows of `width` codes, or from a type of its own, which has no gaps.
    fn of(view: View<'a>, width: usize, bits: usize) -> Result<Codes<'a>> {
        let decode: fn(u8) -> f32 = match view.dtype() {
            DType::U8 | DType::U4 => |c| c as f32,
            DType::I4 => |c| (((c << 4) as i8) >> 4) as f32,
            DType::F4E2M1 => minifloat::f4e2m1_to_f32,
            DType::F8E4M3FN => |c| E4M3Fn(c).to_f32(),
            DType::F8E4M3FNUZ => |c| E4M3FnUz(c).to_f32(),
            DType::F8E5M2 => |c| E5M2(c).to_f32(),
            DType::F8E5M2FNUZ => |c| E5M2FnUz(c).to_f32(),
            other => bail!(InvalidModel, "a table of {other} cannot be read by blocks"),
        };
        let bits = if view.dtype() == DType::U8 { bits } else { view.dtype().bits() };
        let width = if view.dtype() == DType::U8 { width } else { view.len() }.max(1);
        Ok(Codes { bytes: view.bytes(), bits, row: (width, row_bytes(width, bits)), decode })
    }

    fn at(&self, i: usize) -> f32 {
        self.from(i).next().unwrap_or_default()
    }

    /// Code `i` and those after it in its row.
    fn from(&self, i: usize) -> impl Iterator<Item = f32> {
        let (width, bytes) = self.row;
        let row = &self.bytes[i / width * bytes..];
        (i % width..width).map(move |i| (self.decode)(code(row, i, self.bits)))
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    /// Rows 0 and 1 hold 16 codes each, all 3 and all 5; scales 1 and 10.
    fn gather(indices: &[i64], bits: i64, zero: Option<u8>) -> Result<Vec<f32>> {
        let (rows, per) = if bits == 8 { ([3, 5], 1) } else { ([0x33, 0x55], 2) };
        let data: Vec<u8> = rows.iter().flat_map(|&r| vec![r; 16 / per]).collect();
        let inputs = [
            Some(Tensor::new(&[2, 16 / per], &data)?.into()),
            Some(Tensor::new(&[indices.len()], indices)?.into()),
            Some(Tensor::new(&[2, 1], &[1f32, 10.0])?.into()),
            zero.map(|z| Tensor::new(&[2, 1], &[z, z]).map(Into::into)).transpose()?,
        ];
        let attrs = [("bits", Attr::Int(bits)), ("block_size", Attr::Int(16))];
        let y = run(("com.microsoft", "GatherBlockQuantized", 1), &attrs, &inputs, 1)?;
        let y = y[0].tensor()?.slice::<f32>()?;
        Ok(y.iter().copied().step_by(16).collect())
    }

    #[test]
    fn rows_are_decoded_with_their_scale() {
        assert_eq!(gather(&[1, 0, -1], 4, None).unwrap(), [-30.0, -5.0, -30.0]);
        assert_eq!(gather(&[0, 1], 8, Some(2)).unwrap(), [1.0, 30.0]);
    }

    #[test]
    fn rows_that_are_not_there_are_zero() {
        assert_eq!(gather(&[2, -3, i64::MIN, i64::MAX], 4, None).unwrap(), [0.0; 4]);
        assert!(gather(&[], 4, None).unwrap().is_empty());
    }
}
