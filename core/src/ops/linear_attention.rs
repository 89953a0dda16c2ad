//! LinearAttention (ai.onnx, opset 27): attention with a state of fixed size instead of a cache.
//!
//! Inputs: query [batch, sequence, heads * key size], key, value (of kv heads), past state [batch, kv heads,
//! key size, value size], decay (per kv head, or per kv head and key number), beta (per kv head, or one).
//! Outputs: result, present state. f32, f16 or bf16; the state may be of another of these.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// LinearAttention.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are the attributes'")]
pub struct LinearAttention {
    pub heads: usize,
    pub kv_heads: usize,
    /// Of the result; `None`: 1 / sqrt(size of a key).
    pub scale: Option<f32>,
    /// The state decays before each token.
    pub gated: bool,
    /// What the state already answers to a key is subtracted from its value.
    pub delta: bool,
}

impl Operator for LinearAttention {
    fn parse(a: &mut Attrs) -> Result<LinearAttention> {
        a.arity(3..=6, 1..=2)?;
        let (heads, kv_heads) = (a.int_or("q_num_heads", 0)?, a.int_or("kv_num_heads", 0)?);
        ensure!(
            heads > 0 && kv_heads > 0 && heads % kv_heads == 0,
            InvalidModel,
            "q_num_heads must be a multiple of kv_num_heads, got {heads} and {kv_heads}"
        );
        let (gated, delta) = a.choice(
            "update_rule",
            &[
                ("gated_delta", (true, true)),
                ("gated", (true, false)),
                ("delta", (false, true)),
                ("linear", (false, false)),
            ],
        )?;
        for (i, name, wanted) in [(4, "decay", gated), (5, "beta", delta)] {
            ensure!(
                a.has_input(i) == wanted,
                InvalidModel,
                "the update rule {} input {i}, {name}",
                if wanted { "needs" } else { "has no" }
            );
        }
        a.ignore(&["chunk_size"]);
        Ok(LinearAttention {
            heads: heads as usize,
            kv_heads: kv_heads as usize,
            scale: a.float("scale")?.filter(|&scale| scale != 0.0),
            gated,
            delta,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let state = if cx.has(3) { cx.dtype(3)? } else { cx.dtype(0)? };
        let (heads, kv_heads) = (Dim::from(self.heads), Dim::from(self.kv_heads));
        let (mut result, mut present) = (None, cx.dims(3).cloned());
        if let (Some(query), Some(value)) = (cx.dims(0), cx.dims(2)) {
            let ([batch, sequence, hidden], [_, _, values]) = (query.as_slice(), value.as_slice()) else {
                bail!(InvalidModel, "query and value must have three axes, got {query:?} and {value:?}")
            };
            let (size, value_size) = (hidden.div_floor(&heads), values.div_floor(&kv_heads));
            let width = heads * value_size.clone();
            result = Some(Dims::from_iter([batch.clone(), sequence.clone(), width]));
            present = Some(Dims::from_iter([batch.clone(), kv_heads, size, value_size]));
        }
        cx.set_tensor(0, cx.dtype(0)?, result);
        cx.set_tensor(1, state, present);
        Ok(())
    }
}
