//! LinearAttention on the CPU: token after token, in f32.
//!
//! Each kv head keeps a matrix S of key size × value size. A token lets it decay, adds key ⊗ value to it
//! (less what S already answers to the key, under the delta rule), and reads queries · S.

use super::wide::{converted, zeros};
use super::{Io, Kernel};
use crate::ops::linear_attention::LinearAttention;
use crate::{Float, Result, View, ViewMut};
use std::borrow::Cow;

impl Kernel for LinearAttention {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let sizes = self.sizes(io)?;
        let Sizes { batch, tokens, key, value, .. } = sizes;
        let (q, k, v) = (f32s(io, 0)?, f32s(io, 1)?, f32s(io, 2)?);
        let (decay, beta) = (f32s(io, 4)?, f32s(io, 5)?);
        let mut states = match io.optional(3)? {
            Some(past) => converted::<f32>(past)?.into_owned(),
            None => zeros(&[batch, self.kv_heads, key, value])?,
        };
        let mut out = vec![0f32; batch * tokens * self.heads * value];
        let scale = self.scale.unwrap_or(1.0 / (key as f32).sqrt());
        let group = self.heads / self.kv_heads;
        let mut update = vec![0f32; value];
        for (i, state) in states.chunks_mut((key * value).max(1)).enumerate() {
            let (b, head) = (i / self.kv_heads, i % self.kv_heads);
            io.check()?;
            for token in b * tokens..(b + 1) * tokens {
                let at = token * self.kv_heads + head;
                let k = &k[at * key..][..key];
                if self.gated {
                    let per = sizes.decays;
                    let gates = &decay[at * per..][..per];
                    for (i, row) in state.chunks_mut(value).enumerate() {
                        let gate = gates[i % per].exp();
                        row.iter_mut().for_each(|s| *s *= gate);
                    }
                }
                update.copy_from_slice(&v[at * value..][..value]);
                if self.delta {
                    for (k, row) in k.iter().zip(state.chunks(value)) {
                        update.iter_mut().zip(row).for_each(|(u, s)| *u -= k * s);
                    }
                    let beta = beta[if sizes.one_beta { token } else { at }];
                    update.iter_mut().for_each(|u| *u *= beta);
                }
                for (k, row) in k.iter().zip(state.chunks_mut(value)) {
                    row.iter_mut().zip(&update).for_each(|(s, u)| *s += k * u);
                }
                for head in head * group..(head + 1) * group {
                    let at = token * self.heads + head;
                    let out = &mut out[at * value..][..value];
                    for (q, row) in q[at * key..][..key].iter().zip(state.chunks(value)) {
                        out.iter_mut().zip(row).for_each(|(o, s)| *o += q * s);
                    }
                    out.iter_mut().for_each(|o| *o *= scale);
                }
            }
        }
        if io.wants(1) {
            store(io.output(1)?, &states)?;
        }
        store(io.output(0)?, &out)
    }
}

struct Sizes {
    batch: usize,
    tokens: usize,
    /// Numbers of a key.
    key: usize,
    /// Numbers of a value.
    value: usize,
    /// Decays per head and token: 1, or one per number of a key.
    decays: usize,
    /// All heads share beta.
    one_beta: bool,
}

impl LinearAttention {
    fn sizes(&self, io: &Io<'_>) -> Result<Sizes> {
        let (q, k, v) = (io.input(0)?, io.input(1)?, io.input(2)?);
        let (&[batch, tokens, hidden], &[_, _, values]) = (q.shape(), v.shape()) else {
            bail!(InvalidModel, "query and value must have three axes, got {q:?} and {v:?}")
        };
        let (key, value) = (hidden / self.heads, values / self.kv_heads);
        let expect = |view: Option<View<'_>>, shapes: &[&[usize]]| -> Result<usize> {
            let Some(view) = view else { return Ok(0) };
            let which = shapes.iter().position(|&shape| shape == view.shape());
            which.ok_or_else(|| err!(InvalidModel, "expected one of the shapes {shapes:?}, got {view:?}"))
        };
        let per_head = [batch, tokens, self.kv_heads];
        let per_number = [batch, tokens, self.kv_heads * key];
        expect(Some(q), &[&[batch, tokens, self.heads * key]])?;
        expect(Some(k), &[&per_number])?;
        expect(Some(v), &[&[batch, tokens, self.kv_heads * value]])?;
        expect(io.optional(3)?, &[&[batch, self.kv_heads, key, value]])?;
        let decays = if expect(io.optional(4)?, &[&per_head, &per_number])? == 0 { 1 } else { key };
        let one_beta = expect(io.optional(5)?, &[&per_head, &[batch, tokens, 1]])? == 1;
        Ok(Sizes { batch, tokens, key, value, decays, one_beta })
    }
}

fn f32s<'a>(io: &Io<'a>, i: usize) -> Result<Cow<'a, [f32]>> {
    io.optional(i)?.map_or(Ok(Cow::Borrowed(&[])), converted)
}

fn store(out: ViewMut<'_>, values: &[f32]) -> Result<()> {
    for_float!(out.dtype(), T => {
        out.into_slice::<T>()?.iter_mut().zip(values).for_each(|(y, &x)| *y = T::from_f32(x));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn linear(rule: &str, k: &[f32], v: &[f32]) -> Result<Vec<f32>> {
        let row = |x: &[f32]| Some(Tensor::new(&[1, x.len(), 1], x).unwrap().into());
        let ones = vec![1f32; k.len()];
        let mut inputs = vec![row(&ones), row(k), row(v), None, None, None];
        if rule.contains("gated") {
            inputs[4] = row(&vec![0f32; k.len()]);
        }
        if rule.contains("delta") {
            inputs[5] = row(&ones);
        }
        let attrs = [
            ("q_num_heads", Attr::Int(1)),
            ("kv_num_heads", Attr::Int(1)),
            ("update_rule", Attr::Str(rule.into())),
        ];
        let y = run(("", "LinearAttention", 27), &attrs, &inputs, 2)?;
        Ok([y[0].tensor()?.slice::<f32>()?, y[1].tensor()?.slice::<f32>()?].concat())
    }

    #[test]
    fn the_delta_rule_replaces_and_the_linear_one_adds() {
        assert_eq!(linear("linear", &[1.0, 1.0], &[3.0, 5.0]).unwrap(), [3.0, 8.0, 8.0]);
        assert_eq!(linear("gated_delta", &[1.0, 1.0], &[3.0, 5.0]).unwrap(), [3.0, 5.0, 5.0]);
    }

    #[test]
    fn no_tokens_leave_the_state_alone() {
        assert_eq!(linear("delta", &[], &[]).unwrap(), [0.0]);
        assert!(linear("gated", &[1.0], &[1.0, 2.0]).is_err());
    }
}
