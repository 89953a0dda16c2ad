//! GroupQueryAttention on the CPU: norm and rotate what is new, put it behind the cache, attend.

use super::attention_bias::Table;
use super::attention_core::{Attend, Bias, Joined, Rows, Span, Stage};
use super::kv_cache::CacheForm;
use super::norm_row::normalize;
use super::rotary_embedding::{Angles, rotate};
use super::wide::widened;
use super::{Io, Kernel};
use crate::ops::group_query_attention::{GroupQueryAttention, Scores};
use crate::ops::heads::Part;
use crate::{Element, Float, Num, Result, View};
use std::borrow::Cow;
use std::ops::Range;

impl Kernel for GroupQueryAttention {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        for_float!(io.input(0)?.dtype(), T => self.attend::<T>(io))
    }
}

/// The sizes of one step.
struct Step {
    batch: usize,
    sequence: usize,
    /// Numbers of a head.
    size: usize,
    /// The longest total length.
    total: usize,
    /// The total length of each batch.
    totals: Vec<usize>,
    spans: Vec<Span>,
    /// Rows of the cache.
    capacity: usize,
    /// Which inputs query, key and value come from, and where they lie.
    parts: [(usize, Part); 3],
}

impl GroupQueryAttention {
    fn attend<T: Float>(&self, io: &mut Io<'_>) -> Result<()> {
        let step = self.step(io)?;
        let [mut q, mut k, v] = Self::projections::<T>(io, &step)?;
        for (i, x) in [(14, &mut q), (15, &mut k)] {
            if let Some(weight) = io.optional(i)? {
                let weight = widened::<T>(weight)?;
                ensure!(weight.len() == step.size, InvalidModel, "input {i} must have {} weights", step.size);
                norm_heads(x, &weight, self.norm_epsilon);
            }
        }
        if self.rotary {
            let angles = Angles::of::<T>(io.input(7)?, io.input(8)?)?;
            let positions = io.optional(9)?.map(|p| p.to_i64s()).transpose()?;
            let position = step.positions(positions.as_deref())?;
            for (x, heads) in [(&mut q, self.heads), (&mut k, self.kv_heads)] {
                ensure!(
                    2 * angles.half <= step.size,
                    InvalidModel,
                    "tables of {} angles do not fit heads of {}",
                    angles.half,
                    step.size
                );
                for (i, head) in x.chunks_mut(step.size.max(1)).enumerate() {
                    let token = i / heads;
                    let at = position(token / step.sequence, token % step.sequence);
                    let (cos, sin) = angles.at(at)?;
                    rotate(head, cos, sin, self.interleaved);
                }
            }
        }

        let k = self.cached::<T>(io, &step, 3, k)?;
        let v = self.cached::<T>(io, &step, 4, v)?;
        let sinks = match io.optional(11)? {
            Some(sinks) => Some(widened::<T>(sinks)?.into_owned()),
            None => self.smooth_softmax.then(|| vec![Num::zero(); self.heads]),
        };
        ensure!(
            sinks.as_ref().is_none_or(|sinks| sinks.len() == self.heads),
            InvalidModel,
            "expected a sink for each of {} heads",
            self.heads
        );
        let visible = |batch, query| self.visible(&step, batch, query);
        let keys = step.spans.iter().map(|span| span.past + step.sequence).max().unwrap_or(0);
        let attend = Attend {
            heads: self.heads,
            kv_heads: self.kv_heads,
            queries: step.sequence,
            keys,
            q: Rows::by_position(Cow::Owned(q), [step.sequence, self.heads, step.size]),
            k,
            v,
            scale: T::Wide::from_f32(self.scale.unwrap_or(1.0 / (step.size as f32).sqrt())),
            softcap: T::Wide::from_f32(self.softcap),
            visible: &visible,
            bias: io.optional(10)?.map(|bias| self.bias::<T>(bias, &step, keys)).transpose()?,
            sinks,
        };
        let cx = io.context();
        if io.wants(3) {
            let out = io.output(3)?.into_slice::<T>()?;
            let stage = match self.scores {
                Scores::None => None,
                Scores::BeforeSoftmax => Some(Stage::Biased),
                Scores::AfterSoftmax => Some(Stage::Soft),
            };
            if let Some(stage) = stage {
                attend.write_scores(cx, (out, step.total), (stage, Num::zero()), T::narrow)?;
            }
        }
        attend.run(cx, io.output(0)?.into_slice::<T>()?, false)
    }

    fn step(&self, io: &Io<'_>) -> Result<Step> {
        let shape = |i: usize| -> Result<_> { Ok(io.optional(i)?.map(|view| view.shape())) };
        let parts = self.parts(io.input(0)?.shape(), shape(1)?, shape(2)?)?;
        let [(_, Part { batch, positions: sequence, width: size, .. }), ..] = parts;
        let lengths = io.input(5)?.to_i64s()?;
        ensure!(lengths.len() == batch, InvalidInput, "expected {batch} lengths, got {}", lengths.len());
        let total = usize::try_from(io.input(6)?.scalar_i64()?).unwrap_or(0);
        ensure!(
            total >= sequence,
            InvalidInput,
            "total length {total} is less than the {sequence} new tokens"
        );
        let capacity = match io.optional(3)? {
            Some(past) => *past.shape().get(2).unwrap_or(&0),
            None if self.window_cache => total,
            None => 0,
        };
        ensure!(
            !self.window_cache || self.window.is_some_and(|w| w <= capacity),
            InvalidModel,
            "a cache of {capacity} rows does not hold the window"
        );

        let (mut totals, mut spans) = (Vec::new(), Vec::new());
        for length in lengths {
            let length = usize::try_from(length.saturating_add(1)).ok().filter(|&length| length <= total);
            let Some(length) = length else {
                bail!(InvalidInput, "a total length must be in 0..={total}, as total_sequence_length says")
            };
            // The first tokens may be padded on the right; later ones are not.
            let past = if sequence == total { 0 } else { length.saturating_sub(sequence) };
            ensure!(
                sequence == total || length >= sequence,
                InvalidInput,
                "a total length of {length} is less than the {sequence} new tokens"
            );
            let first = if self.window_cache { past - self.resident(past, capacity) } else { 0 };
            ensure!(
                past - first <= capacity,
                InvalidInput,
                "the cache's {capacity} rows do not hold {past} tokens"
            );
            totals.push(length);
            spans.push(Span { first, past });
        }
        Ok(Step { batch, sequence, size, total, totals, spans, capacity, parts })
    }

    /// How many of `total` tokens are still in a window cache.
    fn resident(&self, total: usize, capacity: usize) -> usize {
        let step = capacity.saturating_sub(self.window.unwrap_or(0)) + 1;
        total - total.saturating_sub(capacity).div_ceil(step) * step
    }

    fn bias<'a, T: Float>(&self, bias: View<'a>, step: &Step, keys: usize) -> Result<Box<Bias<'a, T::Wide>>> {
        let table = Table::of(widened::<T>(bias)?, bias.shape(), [step.batch, self.heads, step.sequence])?;
        ensure!(table.keys() >= keys, InvalidModel, "the attention bias {bias:?} does not reach key {keys}");
        Ok(table.into_bias())
    }

    fn visible(&self, step: &Step, batch: usize, query: usize) -> Range<usize> {
        let Span { first, past } = step.spans[batch];
        if !self.causal {
            return first..step.totals[batch];
        }
        let end = past + query + 1;
        first.max(end.saturating_sub(self.window.unwrap_or(end)))..end
    }

    /// Query, key and value as [batch, sequence, heads, size].
    fn projections<T: Float>(io: &Io<'_>, step: &Step) -> Result<[Vec<T::Wide>; 3]> {
        let [q, k, v] = step
            .parts
            .map(|(input, part)| columns::<T>(io.input(input)?, part.offset, part.heads * part.width));
        Ok([q?, k?, v?])
    }

    /// Joins new rows to the cache at input `past`, and writes both where they are wanted.
    fn cached<'a, T: Float>(
        &self,
        io: &mut Io<'a>,
        step: &Step,
        past: usize,
        new: Vec<T::Wide>,
    ) -> Result<Joined<'a, T::Wide>> {
        let is_key = past == 3;
        let (kind, scales, present) = if is_key { (self.k_scale, 12, 1) } else { (self.v_scale, 13, 2) };
        let (heads, added) = (self.kv_heads, step.sequence);
        let past = io.optional(past)?;
        let out = if io.wants(present) { Some(io.output(present)?) } else { None };
        let dtype = match (&past, &out) {
            (Some(past), _) => past.dtype(),
            (None, Some(out)) => out.dtype(),
            (None, None) => T::DTYPE,
        };
        let form = CacheForm::of(dtype, [heads, step.size], kind, io.optional(scales)?)?;
        let row_bytes = form.row_bytes();
        let width = row_bytes * 8 / dtype.bits();
        let expected = [step.batch, heads, step.capacity, width];
        ensure!(
            past.is_none_or(|past| past.shape() == expected),
            InvalidModel,
            "the cache must be {expected:?}, got {past:?}"
        );

        // What the step itself adds is used as the cache keeps it.
        let as_it_is = [T::DTYPE, <T::Wide as Element>::DTYPE] == [dtype; 2];
        let encoded = (!as_it_is).then(|| form.encode_all::<T>(&new, heads));
        let new = encoded.as_ref().map_or(new, |bytes| form.decode_all::<T>(bytes, |i| i % heads));
        let bytes: &[u8] = encoded.as_deref().unwrap_or(bytemuck::cast_slice(&new));
        if let Some(out) = out {
            let len = *out.shape().get(2).unwrap_or(&0);
            let joined = Joined {
                past: past.map(|past| {
                    let bytes = Cow::Borrowed(past.bytes());
                    (Rows::by_head(bytes, [heads, step.capacity, row_bytes]), step.capacity)
                }),
                new: Rows::by_position(Cow::Borrowed(bytes), [added, heads, row_bytes]),
                spans: step.spans.clone(),
            };
            let kept = |batch: usize| {
                let total = step.totals[batch];
                if self.window_cache {
                    total - self.resident(total, step.capacity)..total
                } else {
                    0..(step.spans[batch].past + added).min(len)
                }
            };
            joined.copy(out.into_units::<u8>()?, [heads, len], kept);
        }
        let past = match past {
            None => None,
            Some(past) => {
                let capacity = step.capacity.max(1);
                let rows = if past.dtype() == T::DTYPE {
                    widened::<T>(past)?
                } else {
                    Cow::Owned(form.decode_all::<T>(past.bytes(), |i| i / capacity % heads))
                };
                Some((Rows::by_head(rows, [heads, step.capacity, step.size]), step.capacity))
            }
        };
        let new = Rows::by_position(Cow::Owned(new), [added, heads, step.size]);
        Ok(Joined { past, new, spans: step.spans.clone() })
    }
}

impl Step {
    /// The position of a batch's new token.
    fn positions<'a>(&'a self, given: Option<&'a [i64]>) -> Result<impl Fn(usize, usize) -> i64 + 'a> {
        let prompt = self.sequence == self.total;
        let needed = if prompt { 1.min(self.sequence) } else { self.batch * self.sequence };
        ensure!(
            given.is_none_or(|given| given.len() >= needed),
            InvalidInput,
            "expected {needed} position ids or more"
        );
        Ok(move |batch: usize, at: usize| match given {
            // Of a prompt, only the first id counts.
            Some(given) if prompt => given[0].saturating_add(at as i64),
            Some(given) => given[batch * self.sequence + at],
            None => (self.spans[batch].past + at) as i64,
        })
    }
}

/// Some columns of a tensor, row after row.
fn columns<T: Float>(view: View<'_>, from: usize, len: usize) -> Result<Vec<T::Wide>> {
    let width = *view.shape().last().unwrap_or(&0);
    let rows = view.slice::<T>()?.chunks(width.max(1));
    let mut out = Vec::with_capacity(rows.len() * len);
    rows.for_each(|row| out.extend(row[from..from + len].iter().map(|x| x.widen())));
    Ok(out)
}

fn norm_heads<W: Float>(x: &mut [W], weight: &[W], epsilon: f32) {
    for head in x.chunks_mut(weight.len().max(1)) {
        normalize(head, true, epsilon);
        head.iter_mut().zip(weight).for_each(|(x, &w)| *x = x.mul(w));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    /// One head of one number; keys are 0, so that every visible value counts the same.
    fn mean_of_values(attrs: &[(&str, i64)], past: &[f32], new: &[f32]) -> Result<Vec<Vec<f32>>> {
        let (p, s) = (past.len(), new.len());
        let zeros = |shape: &[usize]| Tensor::zeros(crate::DType::F32, shape);
        let inputs = [
            zeros(&[1, s, 1])?,
            zeros(&[1, s, 1])?,
            Tensor::new(&[1, s, 1], new)?,
            zeros(&[1, 1, p, 1])?,
            Tensor::new(&[1, 1, p, 1], past)?,
            Tensor::new(&[1], &[(p + s) as i32 - 1])?,
            Tensor::scalar((p + s) as i32),
        ];
        let mut all = vec![("num_heads", Attr::Int(1)), ("kv_num_heads", Attr::Int(1))];
        all.extend(attrs.iter().map(|&(name, i)| (name, Attr::Int(i))));
        let y = run(("com.microsoft", "GroupQueryAttention", 1), &all, &inputs.map(|t| Some(t.into())), 3)?;
        [0, 2].iter().map(|&i| Ok(y[i].tensor()?.slice()?.to_vec())).collect()
    }

    #[test]
    fn a_token_sees_the_cache_and_itself() {
        assert_eq!(mean_of_values(&[], &[1.0, 2.0], &[6.0]).unwrap(), [vec![3.0], vec![1.0, 2.0, 6.0]]);
        assert_eq!(mean_of_values(&[], &[], &[1.0, 3.0]).unwrap()[0], [1.0, 2.0]);
        assert_eq!(mean_of_values(&[("causal", 0)], &[], &[1.0, 3.0]).unwrap()[0], [2.0, 2.0]);
    }

    #[test]
    fn a_sink_of_zero_takes_one_share() {
        assert_eq!(mean_of_values(&[("smooth_softmax", 1)], &[1.0, 2.0], &[6.0]).unwrap()[0], [2.25]);
    }
}
