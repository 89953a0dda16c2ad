//! Attention of ai.onnx on the CPU.

use super::attention_bias::Table;
use super::attention_core::{Attend, Bias, Joined, Rows, Span, Stage};
use super::wide::converted;
use super::{Io, Kernel};
use crate::ops::attention::Attention;
use crate::ops::heads::Part;
use crate::{DType, Float, Num, Result, View};
use std::borrow::Cow;
use std::ops::Range;

impl Kernel for Attention {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        for_float!(io.input(0)?.dtype(), T => self.attend::<T>(io))
    }
}

impl Attention {
    fn attend<T: Float>(&self, io: &mut Io<'_>) -> Result<()> {
        let (q, k, v) = (io.input(0)?, io.input(1)?, io.input(2)?);
        let [queries, keys, values] = self.parts([q.shape(), k.shape(), v.shape()])?;
        let past = keys.past(io.optional(4)?.map(|past| past.shape()))?;
        let past_values = values.past(io.optional(5)?.map(|past| past.shape()))?;
        ensure!(past == past_values, InvalidModel, "past key and past value differ");
        let spans = vec![Span { first: 0, past }; queries.batch];
        for (i, heads) in [(1, &keys), (2, &values)] {
            if io.wants(i) {
                let (new, cache) = (io.input(i)?, io.optional(i + 3)?);
                let bytes = new.dtype().bits() / 8;
                ensure!(
                    cache.is_none_or(|cache| cache.dtype() == new.dtype()),
                    InvalidModel,
                    "the types of {new:?} and its past differ"
                );
                let cache = cache.map(|cache| Cow::Borrowed(cache.bytes()));
                let joined = joined(heads, Cow::Borrowed(new.bytes()), cache, past, bytes, &spans);
                let total = past + heads.positions;
                let out = io.output(i)?.into_units::<u8>()?;
                joined.write(out, [heads.heads, total], |_| 0..total, |byte| byte);
            }
        }

        let padded = io.optional(6)?.map(|lengths| lengths.to_i64s()).transpose()?;
        ensure!(
            padded.as_ref().is_none_or(|lengths| lengths.len() == queries.batch),
            InvalidModel,
            "nonpad_kv_seqlen must have a length for each of {} batches",
            queries.batch
        );
        let total = past + keys.positions;
        let visible = |batch: usize, query: usize| {
            let length = padded.as_ref().map(|lengths| lengths[batch]);
            // The position of the query among the keys.
            let offset = length.filter(|_| past == 0).map_or(past as i64, |n| n - queries.positions as i64);
            self.visible(offset.saturating_add(query as i64), length.unwrap_or(total as i64), total)
        };
        let past_of = |i: usize| io.optional(i)?.map(converted::<T::Wide>).transpose();
        let attend = Attend {
            heads: queries.heads,
            kv_heads: keys.heads,
            queries: queries.positions,
            keys: total,
            q: Rows::of(converted(q)?, &queries, 1),
            k: joined(&keys, converted(k)?, past_of(4)?, past, 1, &spans),
            v: joined(&values, converted(v)?, past_of(5)?, past, 1, &spans),
            scale: T::Wide::from_f64(self.scale(queries.width)),
            softcap: T::Wide::from_f32(self.softcap),
            visible: &visible,
            bias: io.optional(3)?.map(|mask| mask_bias::<T::Wide>(mask, &queries, total)).transpose()?,
            sinks: None,
        };
        let cx = io.context();
        if io.wants(3) {
            let (stage, unseen) = match self.scores_mode {
                0 => (Stage::Raw, Num::zero()),
                1 => (Stage::Capped, Num::zero()),
                2 => (Stage::Biased, T::Wide::neg_infinity()),
                _ => (Stage::Soft, Num::zero()),
            };
            let out = io.output(3)?.into_slice::<T>()?;
            attend.write_scores(cx, (out, total), (stage, unseen), T::narrow)?;
        }
        attend.run(cx, io.output(0)?.into_slice::<T>()?, q.rank() == 4)
    }

    /// The keys that a query at that position sees, of `length` that are no padding.
    fn visible(&self, position: i64, length: i64, total: usize) -> Range<usize> {
        let [left, right] = self.window;
        let mut end = length;
        if self.causal {
            end = end.min(position.saturating_add(1));
        }
        if let Some(right) = right {
            end = end.min(position.saturating_add(right).saturating_add(1));
        }
        let start = left.map_or(0, |left| position.saturating_sub(left));
        let clamp = |at: i64| at.clamp(0, total as i64) as usize;
        clamp(start)..clamp(end)
    }
}

/// New rows behind those of a cache, where a number takes so many elements.
fn joined<'a, E: Copy>(
    part: &Part,
    new: Cow<'a, [E]>,
    cache: Option<Cow<'a, [E]>>,
    past: usize,
    elements: usize,
    spans: &[Span],
) -> Joined<'a, E> {
    let cache = cache.map(|cache| (Rows::by_head(cache, [part.heads, past, part.width * elements]), past));
    Joined { past: cache, new: Rows::of(new, part, elements), spans: spans.to_vec() }
}

/// A mask, as what is added to the scores.
fn mask_bias<'a, W: Float>(mask: View<'a>, queries: &Part, keys: usize) -> Result<Box<Bias<'a, W>>> {
    let values = match mask.dtype() {
        DType::Bool => {
            let seen = |&b: &u8| if b != 0 { W::zero() } else { W::neg_infinity() };
            Cow::Owned(mask.bytes().iter().map(seen).collect())
        }
        _ => converted(mask)?,
    };
    let table = Table::of(values, mask.shape(), [queries.batch, queries.heads, queries.positions])?;
    ensure!(table.keys() <= keys, InvalidModel, "the mask {mask:?} is for more than {keys} keys");
    Ok(table.into_bias())
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor, Truth};

    /// Q and K are 0, so that every visible value counts the same.
    fn means(attrs: &[(&str, Attr)], values: &[f32], mask: Option<Tensor>) -> Result<Vec<f32>> {
        let zeros = Tensor::new(&[1, 1, values.len(), 1], &vec![0f32; values.len()])?;
        let v = Tensor::new(&[1, 1, values.len(), 1], values)?;
        let inputs = [Some(zeros.clone().into()), Some(zeros.into()), Some(v.into()), mask.map(Into::into)];
        let y = run(("", "Attention", 25), attrs, &inputs, 1)?;
        Ok(y[0].tensor()?.slice::<f32>()?.to_vec())
    }

    #[test]
    fn windows_and_causality_meet() {
        let x = [1.0, 2.0, 6.0];
        assert_eq!(means(&[("is_causal", Attr::Int(1))], &x, None).unwrap(), [1.0, 1.5, 3.0]);
        assert_eq!(means(&[("left_window_size", Attr::Int(1))], &x, None).unwrap(), [3.0, 3.0, 4.0]);
        assert_eq!(means(&[("right_window_size", Attr::Int(0))], &x, None).unwrap(), [1.0, 1.5, 3.0]);
    }

    #[test]
    fn what_is_masked_may_be_nan_and_short_masks_hide_the_rest() {
        let mask = Tensor::new(&[2], &[Truth(1), Truth(0)]).unwrap();
        assert_eq!(means(&[], &[1.0, f32::NAN, 6.0], Some(mask)).unwrap(), [1.0; 3]);
        let none = Tensor::new(&[1], &[f32::NEG_INFINITY]).unwrap();
        assert_eq!(means(&[], &[1.0, 2.0], Some(none)).unwrap(), [0.0; 2]);
    }

    #[test]
    fn long_masks_are_refused() {
        assert!(means(&[], &[1.0], Some(Tensor::new(&[2], &[0f32; 2]).unwrap())).is_err());
        assert!(means(&[], &[], None).unwrap().is_empty());
    }
}
