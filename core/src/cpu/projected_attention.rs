//! Attention and QAttention of com.microsoft on the CPU. QAttention's projection accumulates in integers.

use super::attention_core::{Joined, Rows};
use super::multi_head::{Heads, add_bias};
use super::product::{Matrix, Sizes, multiply};
use super::projection::PackedAttention;
use super::rotary_embedding::rotate;
use super::wide::{widened, zeros};
use super::{Io, Kernel, Lowering};
use crate::ops::heads::Part;
use crate::ops::projected_attention::{ProjectedAttention, Projection};
use crate::{DType, Float, Result, View};

impl Kernel for ProjectedAttention {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        Ok(PackedAttention::new(self, cx)?.map(|kernel| Box::new(kernel) as _))
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let weights = io.input(1)?;
        for_float!(self.dtype(io)?, T => self.attend::<T>(io, weights.shape(), |io, sizes, projected| {
            if self.quantized {
                project_integers::<T>(io, sizes, projected)
            } else {
                project::<T>(io, sizes, projected)
            }
        }))
    }
}

impl ProjectedAttention {
    /// The type that it computes in.
    pub fn dtype(&self, io: &Io<'_>) -> Result<DType> {
        Ok(io.input(if self.quantized { 2 } else { 0 })?.dtype())
    }

    /// With weights of that shape, by which `project` multiplies the rows of the input.
    pub fn attend<T: Float>(
        &self,
        io: &mut Io<'_>,
        weights: &[usize],
        project: impl FnOnce(&Io<'_>, Sizes, &mut [T::Wide]) -> Result<()>,
    ) -> Result<()> {
        let input = io.input(0)?;
        let Projection { batch, sequence, depth, all, widths } = self.projection(input.shape(), weights)?;
        let bias = io.optional(2)?.map(widened::<T>).transpose()?;
        ensure!(
            bias.as_ref().is_none_or(|bias| bias.len() == all),
            InvalidModel,
            "the bias must have {all} elements"
        );
        let sizes = Sizes { batch: 1, rows: batch * sequence, depth, cols: all };
        let mut projected = zeros::<T::Wide>(&[sizes.rows, all])?;
        project(io, sizes, &mut projected)?;

        let (past_rows, past) = self.past::<T>(io, batch, sequence, widths)?;
        let mut from = 0;
        let mut part = |width: usize, turning: bool| {
            let size = width / self.heads;
            let bias = bias.as_deref().map(|bias| &bias[from..from + width]);
            let place = Part::columns([batch, sequence, all], from, [self.heads, size]);
            let rows = Rows::of((&projected[..]).into(), &place, 1);
            from += width;
            let rows = rows.mapped([batch, sequence, self.heads], add_bias::<T>(bias, size));
            match self.rotary.filter(|_| turning) {
                None => rows,
                Some(turning) => self.turned(rows, [batch, sequence, past], turning),
            }
        };
        let [q, k, v] = [part(widths[0], true), part(widths[1], true), part(widths[2], false)];
        let spans = Heads::<T::Wide>::spans(batch, past);
        let [past_k, past_v] = past_rows;
        let heads = Heads {
            batch,
            heads: self.heads,
            queries: sequence,
            added: sequence,
            past,
            q,
            k: Joined { past: past_k, new: k, spans: spans.clone() },
            v: Joined { past: past_v, new: v, spans },
        };
        if io.wants(1) {
            let out = io.output(1)?;
            let len = *out.shape().get(3).unwrap_or(&0);
            ensure!(
                widths[1] == widths[2] && len >= heads.total(),
                InvalidModel,
                "keys and values of {widths:?} do not go into one present of {len} rows"
            );
            let out = out.into_slice::<T>()?;
            let (keys, values) = out.split_at_mut(out.len() / 2);
            heads.k.write(keys, [self.heads, len], |_| 0..heads.total(), T::narrow);
            heads.v.write(values, [self.heads, len], |_| 0..heads.total(), T::narrow);
        }
        let visible = heads.visible(&self.scoring);
        let (mask, table, _) = self.extras();
        let table = table.map_or(Ok(None), |table| io.optional(table))?;
        let attend = heads.attend::<T>(&self.scoring, io.optional(mask)?, table, &visible)?;
        attend.run(io.context(), io.output(0)?.into_slice::<T>()?, false)
    }

    /// The caches of keys and values with their rows per head, and how many of the rows are filled.
    #[allow(clippy::type_complexity, reason = "it is taken apart at once")]
    fn past<'a, T: Float>(
        &self,
        io: &Io<'a>,
        batch: usize,
        sequence: usize,
        widths: [usize; 3],
    ) -> Result<([Option<(Rows<'a, T::Wide>, usize)>; 2], usize)> {
        let Some(past) = io.optional(self.past_input())? else {
            return Ok(([None, None], 0));
        };
        let size = widths[1] / self.heads;
        let rows = match *past.shape() {
            [2, b, heads, rows, s]
                if [b, heads, s] == [batch, self.heads, size] && widths[1] == widths[2] =>
            {
                rows
            }
            _ => bail!(InvalidModel, "the past {past:?} does not fit {batch} batches of {widths:?}"),
        };
        let filled = match io.optional(6)?.filter(|_| self.shared_buffer && !self.quantized) {
            None => rows as i64,
            Some(length) => length.scalar_i64()?,
        };
        let fits = |filled: usize| filled <= rows && (!self.shared_buffer || rows - filled >= sequence);
        let filled = usize::try_from(filled).ok().filter(|&filled| fits(filled)).ok_or_else(|| {
            err!(InvalidInput, "the past's {rows} rows do not hold {filled} and {sequence} new ones")
        })?;
        let cache = |offset| -> Result<_> {
            let part = Part { offset, ..Part::by_head([batch, self.heads, rows, size]) };
            Ok(Some((Rows::of(widened::<T>(past)?, &part, 1), rows)))
        };
        Ok(([cache(0)?, cache(past.len() / 2)?], filled))
    }

    /// Rows turned by the angles of their positions, halves paired.
    fn turned<W: Float>(
        &self,
        rows: Rows<'static, W>,
        [batch, sequence, past]: [usize; 3],
        turning: usize,
    ) -> Rows<'static, W> {
        let size = rows.width();
        let half = if turning == 0 { size } else { turning.min(size) } / 2;
        let mut turned = Vec::with_capacity(batch * sequence * self.heads * size);
        for (b, p) in (0..batch).flat_map(|b| (0..sequence).map(move |p| (b, p))) {
            let angle = |i: usize| (past + p) as f64 / 10000f64.powf(i as f64 / half as f64);
            let cos: Vec<W> = (0..half).map(|i| W::from_f64(angle(i).cos())).collect();
            let sin: Vec<W> = (0..half).map(|i| W::from_f64(angle(i).sin())).collect();
            for head in 0..self.heads {
                let from = turned.len();
                turned.extend_from_slice(rows.row(b, head, p));
                rotate(&mut turned[from..], &cos, &sin, false);
            }
        }
        Rows::by_position(turned.into(), [sequence, self.heads, size])
    }
}

/// The product of the float factors.
fn project<T: Float>(io: &Io<'_>, sizes: Sizes, out: &mut [T::Wide]) -> Result<()> {
    let (x, w) = (widened::<T>(io.input(0)?)?, widened::<T>(io.input(1)?)?);
    let left = |_| Matrix { data: &x[..], row_step: sizes.depth, col_step: 1, widen: |x: T::Wide, _| x };
    let right = |_| Matrix { data: &w[..], row_step: sizes.cols, col_step: 1, widen: |x: T::Wide, _| x };
    multiply(io.context(), sizes, out, left, right, |_, _, sums, out| out.copy_from_slice(sums))
}

/// The product of the 8-bit factors, less their zero points, times their scales.
fn project_integers<T: Float>(io: &Io<'_>, sizes: Sizes, out: &mut [T::Wide]) -> Result<()> {
    let (x, w) = (Bytes::of(io.input(0)?, io.optional(6)?)?, Bytes::of(io.input(1)?, io.optional(7)?)?);
    let (x_scale, w_scales) = (io.input(3)?.scalar_f32()?, io.input(4)?.to_f32s()?);
    ensure!(
        x.zeros.len() == 1
            && [1, sizes.cols].contains(&w.zeros.len())
            && [1, sizes.cols].contains(&w_scales.len()),
        InvalidModel,
        "expected one scale and zero point of the input, and one or {} of the weights",
        sizes.cols
    );
    let left =
        |_| Matrix { data: x.bytes, row_step: sizes.depth, col_step: 1, widen: |b: u8, _| x.less_zero(b, 0) };
    let right = |_| Matrix {
        data: w.bytes,
        row_step: sizes.cols,
        col_step: 1,
        widen: |b: u8, col| w.less_zero(b, col),
    };
    multiply(io.context(), sizes, out, left, right, |_, col, sums: &[i32], out| {
        for (i, (y, &sum)) in out.iter_mut().zip(sums).enumerate() {
            *y = T::Wide::from_f32(sum as f32 * (x_scale * w_scales[(col + i) % w_scales.len()]));
        }
    })
}

/// A tensor of 8-bit integers and its zero points.
struct Bytes<'a> {
    bytes: &'a [u8],
    signed: bool,
    zeros: Vec<i64>,
}

impl<'a> Bytes<'a> {
    fn of(view: View<'a>, zeros: Option<View<'_>>) -> Result<Bytes<'a>> {
        let zeros = zeros.map_or(Ok(vec![0]), |zeros| zeros.to_i64s())?;
        ensure!(
            matches!(view.dtype(), DType::I8 | DType::U8),
            InvalidModel,
            "expected 8-bit integers, got {view:?}"
        );
        Ok(Bytes { bytes: view.bytes(), signed: view.dtype() == DType::I8, zeros })
    }

    fn less_zero(&self, byte: u8, col: usize) -> i32 {
        let value = if self.signed { byte as i8 as i32 } else { byte as i32 };
        value - self.zeros[col % self.zeros.len()] as i32
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn attention(attrs: &[(&str, Attr)], x: &[f32], mask: Option<&[i32]>) -> Result<Vec<f32>> {
        let inputs = [
            Some(Tensor::new(&[1, x.len(), 1], x)?.into()),
            Some(Tensor::new(&[1, 3], &[0f32, 0.0, 2.0])?.into()),
            Some(Tensor::new(&[3], &[0f32, 0.0, 1.0])?.into()),
            mask.map(|mask| Tensor::new(&[mask.len()], mask).unwrap().into()),
        ];
        let attrs = [&[("num_heads", Attr::Int(1))], attrs].concat();
        let y = run(("com.microsoft", "Attention", 1), &attrs, &inputs, 1)?;
        Ok(y[0].tensor()?.slice::<f32>()?.to_vec())
    }

    #[test]
    fn values_are_projected() {
        assert_eq!(attention(&[], &[1.0, 3.0], None).unwrap(), [5.0, 5.0]);
        assert_eq!(attention(&[("unidirectional", Attr::Int(1))], &[1.0, 3.0], None).unwrap(), [3.0, 5.0]);
        assert_eq!(attention(&[], &[1.0, 3.0], Some(&[1])).unwrap(), [3.0, 3.0]);
        assert!(attention(&[], &[], None).unwrap().is_empty());
    }

    #[test]
    fn widths_that_do_not_fit_are_refused() {
        assert!(attention(&[("qkv_hidden_sizes", Attr::Ints(vec![1, 1, 2]))], &[1.0], None).is_err());
        assert!(attention(&[("qkv_hidden_sizes", Attr::Ints(vec![1, 2, 1]))], &[1.0], None).is_err());
        assert!(attention(&[], &[1.0], Some(&[1, 1, 1])).is_err());
    }
}
