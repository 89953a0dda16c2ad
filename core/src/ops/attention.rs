//! Attention (ai.onnx, from opset 23): softmax(Q·K) · V with grouped heads, masks and a cache.
//!
//! Q, K and V have four axes, [batch, heads, sequence, size], or three, [batch, sequence, heads * size], and
//! then the numbers of heads are attributes. Then a mask (bool, or added), past key and past value
//! [batch, kv heads, past, size]; from 24 on the number of keys of each batch that are no padding; from 25 on
//! windows. Outputs: Y, present key, present value, scores. Floats of every width.

use super::heads::Part;
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// Attention of ai.onnx.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are the attributes'")]
pub struct Attention {
    /// Heads of Q and of K and V, where there are three axes.
    pub heads: Option<[usize; 2]>,
    /// Of the scores; `None`: 1 / sqrt(size of a head).
    pub scale: Option<f32>,
    pub softcap: f32,
    pub causal: bool,
    /// How many positions to the left and to the right of itself a query sees; `None`: all.
    pub window: [Option<i64>; 2],
    /// At which stage scores are an output: 0 to 3.
    pub scores_mode: i64,
}

impl Operator for Attention {
    fn parse(a: &mut Attrs) -> Result<Attention> {
        a.arity(3..=if a.version() < 24 { 6 } else { 7 }, 1..=4)?;
        let heads = match (a.int("q_num_heads")?, a.int("kv_num_heads")?) {
            (Some(q), Some(kv)) if kv > 0 && q > 0 => Some([q as usize, kv as usize]),
            (None, None) => None,
            (q, kv) => bail!(InvalidModel, "q_num_heads and kv_num_heads do not go together: {q:?}, {kv:?}"),
        };
        let mut window = [None; 2];
        if a.version() >= 25 {
            for (window, name) in window.iter_mut().zip(["left_window_size", "right_window_size"]) {
                let size = a.int_or(name, -1)?;
                ensure!(size >= -1, InvalidModel, "{name} must be -1 or more, got {size}");
                *window = Some(size).filter(|&size| size >= 0);
            }
        }
        // The softmax is computed at least as precisely as any precision that may be asked for, but f64.
        a.dtype("softmax_precision")?;
        let scores_mode = a.int_or("qk_matmul_output_mode", 0)?;
        ensure!(
            (0..4).contains(&scores_mode),
            InvalidModel,
            "there is no qk_matmul_output_mode {scores_mode}"
        );
        Ok(Attention {
            heads,
            scale: a.float("scale")?,
            softcap: a.float_or("softcap", 0.0)?,
            causal: a.flag("is_causal", false)?,
            window,
            scores_mode,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let (t1, t2) = (cx.same_type([0, 1, 4])?, cx.same_type([2, 5])?);
        let heads = |which: usize| self.heads.map(|heads| heads[which]);
        let split = |i: usize| -> Result<Option<[Dim; 4]>> {
            cx.dims(i).map(|dims| split_heads(dims, heads(i.min(1)))).transpose()
        };
        let (q, k, v) = (split(0)?, split(1)?, split(2)?);
        let (Some(q), Some(k), Some(v)) = (q, k, v) else {
            for (i, dtype) in [(0, t1), (1, t1), (2, t2), (3, t1)] {
                cx.set_tensor(i, dtype, None);
            }
            return Ok(());
        };
        let [batch, q_heads, queries, _] = q;
        let [_, kv_heads, new, size] = k;
        let value_size = v[3].clone();
        let past = match cx.dims(4) {
            Some(dims) if dims.len() == 4 => dims[2].clone(),
            Some(dims) => bail!(InvalidModel, "the past key must have four axes, got {dims:?}"),
            None if cx.has(4) => cx.unknown_dim(),
            None => Dim::from(0),
        };
        let total = past + new;
        let y = if cx.dims(0).is_some_and(|dims| dims.len() == 3) {
            Dims::from_iter([batch.clone(), queries.clone(), q_heads.clone() * value_size.clone()])
        } else {
            Dims::from_iter([batch.clone(), q_heads.clone(), queries.clone(), value_size.clone()])
        };
        cx.set_tensor(0, t1, Some(y));
        let present = |size| Some(Dims::from_iter([batch.clone(), kv_heads.clone(), total.clone(), size]));
        cx.set_tensor(1, t1, present(size));
        cx.set_tensor(2, t2, present(value_size));
        cx.set_tensor(3, t1, Some(Dims::from_iter([batch.clone(), q_heads, queries, total.clone()])));
        Ok(())
    }
}

impl Attention {
    /// Where Q, K and V lie in tensors of those shapes.
    pub fn parts(&self, [q, k, v]: [&[usize]; 3]) -> Result<[Part; 3]> {
        let [q_heads, kv_heads] = self.heads.map_or([None; 2], |heads| heads.map(Some));
        let parts = [Part::of(q, q_heads)?, Part::of(k, kv_heads)?, Part::of(v, kv_heads)?];
        let [queries, keys, values] = &parts;
        ensure!(
            (keys.batch, keys.heads, keys.positions) == (values.batch, values.heads, values.positions)
                && (queries.batch, queries.width) == (keys.batch, keys.width)
                && keys.heads > 0
                && queries.heads.is_multiple_of(keys.heads),
            InvalidModel,
            "Q {q:?}, K {k:?} and V {v:?} do not go together"
        );
        Ok(parts)
    }

    /// What scores are multiplied with, of heads of that size.
    pub fn scale(&self, size: usize) -> f64 {
        self.scale.map_or(1.0 / (size as f64).sqrt(), f64::from)
    }
}

/// Batch, heads, sequence and size of a tensor of three or four axes.
fn split_heads(dims: &[Dim], heads: Option<usize>) -> Result<[Dim; 4]> {
    match (dims, heads) {
        ([batch, heads, sequence, size], _) => {
            Ok([batch.clone(), heads.clone(), sequence.clone(), size.clone()])
        }
        ([batch, sequence, hidden], Some(heads)) => {
            let heads = Dim::from(heads);
            Ok([batch.clone(), heads.clone(), sequence.clone(), hidden.div_floor(&heads)])
        }
        ([_, _, _], None) => {
            Err(err!(InvalidModel, "inputs of three axes need q_num_heads and kv_num_heads"))
        }
        _ => Err(err!(InvalidModel, "Q, K and V must have three or four axes, got {dims:?}")),
    }
}
