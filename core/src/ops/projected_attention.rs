//! Attention and QAttention (com.microsoft): a projection to query, key and value, then attention.
//!
//! Attention: input [batch, sequence, width], weights [width, all three side by side], bias, mask, past
//! [2, batch, heads, past, size], attention bias, past length. QAttention: input and weights are 8-bit;
//! then bias, scale of the input, scale(s) of the weights, mask, their zero points, past. Outputs: result,
//! present. f32, f16 or bf16. With `do_rotary`, query and key turn by angles of base 10000.

use super::multi_head_attention::{Scoring, parse_heads};
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Dim, Result};

/// Attention or QAttention.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ProjectedAttention {
    pub heads: usize,
    pub scoring: Scoring,
    /// Widths of query, key and value; `None`: a third each.
    pub widths: Option<[usize; 3]>,
    /// Past and present are one buffer, which the new rows fill up.
    pub shared_buffer: bool,
    /// How many numbers of a head turn; `None`: none do, 0: all.
    pub rotary: Option<usize>,
    pub quantized: bool,
}

impl Operator for ProjectedAttention {
    fn parse(a: &mut Attrs) -> Result<ProjectedAttention> {
        let quantized = a.op() == "QAttention";
        if quantized {
            a.arity(5..=9, 1..=2)?;
        } else {
            a.arity(2..=7, 1..=2)?;
        }
        let heads = parse_heads(a)?;
        let widths = match if quantized { None } else { a.ints("qkv_hidden_sizes")? } {
            None => None,
            Some(widths) => match widths[..] {
                [] => None,
                [q, k, v] if q == k && [q, v].iter().all(|&w| w > 0 && w % heads as i64 == 0) => {
                    Some([q as usize, k as usize, v as usize])
                }
                _ => bail!(InvalidModel, "qkv_hidden_sizes {widths:?} do not split into {heads} heads"),
            },
        };
        let rotary_dim = if quantized { 0 } else { a.int_or("rotary_embedding_dim", 0)? };
        ensure!(
            rotary_dim >= 0 && rotary_dim % 2 == 0,
            InvalidModel,
            "rotary_embedding_dim must be even, got {rotary_dim}"
        );
        Ok(ProjectedAttention {
            heads,
            scoring: Scoring::parse(a)?,
            widths,
            shared_buffer: a.flag("past_present_share_buffer", false)?,
            rotary: a.flag("do_rotary", false)?.then_some(rotary_dim as usize),
            quantized,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(if self.quantized { 2 } else { 0 })?;
        if self.quantized {
            for i in [0, 1] {
                let dtype = cx.dtype(i)?;
                ensure!(
                    matches!(dtype, DType::I8 | DType::U8),
                    InvalidModel,
                    "input {i} must be 8-bit, got {dtype}"
                );
            }
        }
        let heads = Dim::from(self.heads);
        let (Some(input), Some(weights)) = (cx.dims(0), cx.dims(1)) else {
            cx.set_tensor(0, dtype, None);
            cx.set_tensor(1, dtype, None);
            return Ok(());
        };
        let ([batch, sequence, _], [_, all]) = (input.as_slice(), weights.as_slice()) else {
            bail!(
                InvalidModel,
                "expected an input of three axes and weights of two, got {input:?}, {weights:?}"
            )
        };
        let width = self.widths.map_or_else(|| all.div_floor(&Dim::from(3)), |[_, _, v]| Dim::from(v));
        cx.set_tensor(0, dtype, Some(Dims::from_iter([batch.clone(), sequence.clone(), width.clone()])));
        let past = match cx.dims(self.past_input()).map(Dims::as_slice) {
            Some([_, _, _, past, _]) => past.clone(),
            Some(other) => bail!(InvalidModel, "the past must have five axes, got {other:?}"),
            None if cx.has(self.past_input()) => cx.unknown_dim(),
            None => Dim::from(0),
        };
        let len =
            if self.shared_buffer && cx.has(self.past_input()) { past } else { past + sequence.clone() };
        let present = [Dim::from(2), batch.clone(), heads.clone(), len, width.div_floor(&heads)];
        cx.set_tensor(1, dtype, Some(Dims::from_iter(present)));
        Ok(())
    }
}

impl ProjectedAttention {
    /// Which input is the past.
    pub fn past_input(&self) -> usize {
        if self.quantized { 8 } else { 4 }
    }

    /// Which inputs are the mask, the table that is added to scores, if there may be one, and the past.
    pub fn extras(&self) -> (usize, Option<usize>, usize) {
        if self.quantized { (5, None, 8) } else { (3, Some(5), self.past_input()) }
    }

    /// The sizes of the projection, of an input and weights of those shapes.
    pub fn projection(&self, input: &[usize], weights: &[usize]) -> Result<Projection> {
        let (&[batch, sequence, depth], &[rows, all]) = (input, weights) else {
            bail!(
                InvalidModel,
                "expected an input of three axes and weights of two, got {input:?}, {weights:?}"
            )
        };
        let widths = self.widths.unwrap_or([all / 3; 3]);
        ensure!(
            rows == depth
                && widths.iter().sum::<usize>() == all
                && widths.iter().all(|w| w % self.heads == 0),
            InvalidModel,
            "the weights {weights:?} do not project {input:?} to {} heads of {widths:?}",
            self.heads
        );
        Ok(Projection { batch, sequence, depth, all, widths })
    }
}

/// The sizes of a projection to query, key and value.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Projection {
    pub batch: usize,
    pub sequence: usize,
    pub depth: usize,
    /// Columns of the weights.
    pub all: usize,
    /// Of query, key and value.
    pub widths: [usize; 3],
}
