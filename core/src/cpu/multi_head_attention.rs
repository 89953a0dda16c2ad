//! MultiHeadAttention on the CPU.

use super::attention_core::{Joined, Rows, Stage};
use super::multi_head::{Heads, add_bias};
use super::wide::widened;
use super::{Io, Kernel};
use crate::ops::heads::Part;
use crate::ops::multi_head_attention::MultiHeadAttention;
use crate::{Float, Num, Result, View};

impl Kernel for MultiHeadAttention {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        for_float!(io.input(0)?.dtype(), T => self.run_as::<T>(io))
    }
}

impl MultiHeadAttention {
    fn run_as<T: Float>(&self, io: &mut Io<'_>) -> Result<()> {
        let mut heads = self.heads::<T>(io)?;
        for (i, joined) in [(1, &heads.k), (2, &heads.v)] {
            if io.wants(i) {
                let out = io.output(i)?;
                let len = *out.shape().get(2).unwrap_or(&0);
                let out = out.into_slice::<T>()?;
                joined.write(out, [self.heads, len], |_| 0..heads.total(), T::narrow);
            }
        }
        if let Some(beams) = io.optional(9)? {
            let beams = Beams::of(beams, heads.batch, heads.past)?;
            for (i, joined) in [(6, &mut heads.k), (7, &mut heads.v)] {
                if let Some((_, capacity)) = joined.past {
                    joined.past = Some((beams.gather::<T>(io.input(i)?, heads.past)?, heads.past));
                    ensure!(capacity >= heads.past, Internal, "the past was not checked");
                }
            }
        }

        let visible = heads.visible(&self.scoring);
        let columns = heads.total();
        let attend = heads.attend::<T>(&self.scoring, io.optional(4)?, io.optional(5)?, &visible)?;
        let cx = io.context();
        if io.wants(3) {
            let out = io.output(3)?.into_slice::<T>()?;
            attend.write_scores(cx, (out, columns), (Stage::Biased, T::Wide::LOWEST), T::narrow)?;
        }
        attend.run(cx, io.output(0)?.into_slice::<T>()?, false)
    }

    /// The heads, whatever the layout of the inputs.
    fn heads<'a, T: Float>(&self, io: &Io<'a>) -> Result<Heads<'a, T::Wide>> {
        let (query, n) = (io.input(0)?, self.heads);
        let (key, value) = (io.optional(1)?, io.optional(2)?);
        let shape = |view: &Option<View<'a>>| view.map(|view| view.shape());
        let parts = self.parts(query.shape(), shape(&key), shape(&value))?;
        let [(_, q), (_, k), (_, v)] = parts;

        let past_of = |i: usize, part: &Part| match io.optional(i)? {
            None => Ok(None),
            Some(past) => match *past.shape() {
                [batch, heads, rows, width] if [batch, heads, width] == [part.batch, n, part.width] => {
                    Ok(Some((Rows::by_head(widened::<T>(past)?, [heads, rows, width]), rows)))
                }
                _ => Err(err!(InvalidModel, "the past {past:?} does not fit the other inputs")),
            },
        };
        let (past_k, past_v) = (past_of(6, &k)?, past_of(7, &v)?);
        let capacity = past_k.as_ref().map_or(0, |(_, rows)| *rows);
        ensure!(
            past_v.as_ref().map_or(0, |(_, rows)| *rows) == capacity,
            InvalidModel,
            "past key and past value differ in length"
        );
        let past = match io.optional(8)? {
            None => capacity,
            Some(length) => {
                let (length, added) = (length.scalar_i64()?, k.positions);
                usize::try_from(length)
                    .ok()
                    .filter(|past| past.checked_add(added).is_some_and(|total| total <= capacity))
                    .ok_or_else(|| {
                        err!(
                            InvalidInput,
                            "the past's {capacity} rows do not hold {length} and {added} new ones"
                        )
                    })?
            }
        };

        let bias = io.optional(3)?.map(widened::<T>).transpose()?;
        let expected = n * (q.width + k.width + v.width);
        ensure!(
            bias.as_ref().is_none_or(|bias| bias.len() == expected),
            InvalidModel,
            "the bias must have {expected} elements"
        );
        let (batch, queries, added) = (q.batch, q.positions, k.positions);
        let mut at = 0;
        let mut biased = |(input, part): (usize, Part)| -> Result<Rows<'a, T::Wide>> {
            let from = at;
            at += n * part.width;
            let bias = bias.as_deref().filter(|_| !part.by_head).map(|bias| &bias[from..at]);
            let rows = Rows::of(widened::<T>(io.input(input)?)?, &part, 1);
            Ok(match bias {
                None => rows,
                Some(_) => rows.mapped([part.batch, part.positions, n], add_bias::<T>(bias, part.width)),
            })
        };
        let [q, k, v] = parts;
        let (q, k, v) = (biased(q)?, biased(k)?, biased(v)?);
        let spans = Heads::<T::Wide>::spans(batch, past);
        let k = Joined { past: past_k, new: k, spans: spans.clone() };
        let v = Joined { past: past_v, new: v, spans };
        Ok(Heads { batch, heads: n, queries, added, past, q, k, v })
    }
}

/// From which beam each row of the past comes.
struct Beams {
    /// [batch and beam, position]: the batch and beam whose row it is.
    sources: Vec<usize>,
}

impl Beams {
    fn of(view: View<'_>, rows: usize, past: usize) -> Result<Beams> {
        let &[batch, beams, len] = view.shape() else {
            bail!(InvalidModel, "the cache indirection must have three axes, got {view:?}")
        };
        ensure!(
            batch * beams == rows && len >= past,
            InvalidModel,
            "the cache indirection {view:?} does not fit {rows} beams and {past} positions"
        );
        let from = view.to_i64s()?;
        let mut sources = Vec::new();
        for (row, position) in (0..rows).flat_map(|row| (0..past).map(move |p| (row, p))) {
            let beam = from[row * len + position];
            let beam = usize::try_from(beam).ok().filter(|&beam| beam < beams);
            let beam = beam.ok_or_else(|| err!(InvalidInput, "the cache indirection names no beam"))?;
            sources.push(row / beams * beams + beam);
        }
        Ok(Beams { sources })
    }

    /// The rows that each beam sees, as [batch and beam, heads, past, width].
    fn gather<'a, T: Float>(&self, cache: View<'a>, past: usize) -> Result<Rows<'a, T::Wide>> {
        let &[rows, heads, capacity, width] = cache.shape() else {
            bail!(InvalidModel, "the past must have four axes, got {cache:?}")
        };
        let cache = Rows::by_head(widened::<T>(cache)?, [heads, capacity, width]);
        let mut gathered: Vec<T::Wide> = Vec::with_capacity(rows * heads * past * width);
        for (row, head) in (0..rows).flat_map(|row| (0..heads).map(move |h| (row, h))) {
            for position in 0..past {
                gathered.extend_from_slice(cache.row(self.sources[row * past + position], head, position));
            }
        }
        Ok(Rows::by_head(gathered.into(), [heads, past, width]))
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    /// Query and key are 0, so that every visible value counts the same.
    fn means(values: &[f32], mask: Option<&[i32]>, past: Option<&[f32]>) -> Result<Vec<f32>> {
        let zeros = Tensor::new(&[1, values.len(), 1], &vec![0f32; values.len()])?;
        let v = Tensor::new(&[1, values.len(), 1], values)?;
        let mut inputs = vec![Some(zeros.clone().into()), Some(zeros.into()), Some(v.into()), None];
        inputs.push(mask.map(|mask| Tensor::new(&[1, mask.len()], mask).unwrap().into()));
        inputs.push(None);
        for past in [past.map(|past| vec![0f32; past.len()]), past.map(<[f32]>::to_vec)] {
            inputs.push(past.map(|past| Tensor::new(&[1, 1, past.len(), 1], &past).unwrap().into()));
        }
        let attrs = [("num_heads", Attr::Int(1)), ("unidirectional", Attr::Int(1))];
        let y = run(("com.microsoft", "MultiHeadAttention", 1), &attrs, &inputs, 3)?;
        Ok(y[0].tensor()?.slice::<f32>()?.to_vec())
    }

    #[test]
    fn a_query_sees_the_past_and_what_is_before_it() {
        assert_eq!(means(&[1.0, 3.0], None, None).unwrap(), [1.0, 2.0]);
        assert_eq!(means(&[1.0, 4.0], None, Some(&[4.0])).unwrap(), [2.5, 3.0]);
    }

    #[test]
    fn where_all_is_hidden_all_counts() {
        assert_eq!(means(&[1.0, 3.0], Some(&[0, 0]), None).unwrap(), [1.0, 2.0]);
        assert_eq!(means(&[1.0, 3.0], Some(&[0, 1]), None).unwrap(), [1.0, 3.0]);
        assert!(means(&[1.0, 3.0], Some(&[1; 3]), None).is_err());
    }
}
