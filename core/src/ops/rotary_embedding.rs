//! RotaryEmbedding: turns pairs of numbers by an angle that grows with the position.
//!
//! ai.onnx (23): X, cos, sin and, optionally, position ids; without them the tables hold a row per batch
//! and position. com.microsoft: X, position ids (one: that of the first position; or one per batch and position),
//! cos, sin. X is [batch, sequence, heads * size] or [batch, heads, sequence, size]; f32, f16 or bf16. The
//! first `rotary_embedding_dim` numbers of a head turn, the others stay. com.microsoft's `scale` is read by
//! no implementation, and its `is_packed_batching` only loosens a check.

use super::heads::Part;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// RotaryEmbedding of either domain.
#[derive(Clone, Debug)]
pub struct RotaryEmbedding {
    /// Whether pairs are neighbors; otherwise the first half pairs with the second.
    pub interleaved: bool,
    /// How many numbers of a head turn; 0: all.
    pub rotary_dim: usize,
    /// Heads of a three-dimensional X; 0: what the tables' width gives.
    pub heads: usize,
    /// Which inputs are cos, sin and position ids.
    pub order: [usize; 3],
}

impl Operator for RotaryEmbedding {
    fn parse(a: &mut Attrs) -> Result<RotaryEmbedding> {
        let order = if a.domain().is_empty() {
            a.arity(3..=4, 1..=1)?;
            [1, 2, 3]
        } else {
            a.arity(4..=4, 1..=1)?;
            a.ignore(&["scale", "is_packed_batching"]);
            [2, 3, 1]
        };
        let interleaved = a.flag("interleaved", false)?;
        let mut size = |name| {
            let value = a.int_or(name, 0)?;
            ensure!(value >= 0, InvalidModel, "attribute '{name}' must not be negative, got {value}");
            Ok(value as usize)
        };
        let (rotary_dim, heads) = (size("rotary_embedding_dim")?, size("num_heads")?);
        ensure!(
            rotary_dim.is_multiple_of(2),
            InvalidModel,
            "rotary_embedding_dim must be even, got {rotary_dim}"
        );
        Ok(RotaryEmbedding { interleaved, rotary_dim, heads, order })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let Some(dims) = cx.dims(0) {
            ensure!(
                matches!(dims.len(), 3 | 4),
                InvalidModel,
                "input 0 must have three or four axes, got {dims:?}"
            );
        }
        cx.like_input()
    }
}

impl RotaryEmbedding {
    /// Where the heads of an X of that shape lie, of which tables of so many angles turn some or all numbers.
    pub fn part(&self, shape: &[usize], angles: usize) -> Result<Part> {
        let part = match *shape {
            [batch, heads, positions, width] => Part::by_head([batch, heads, positions, width]),
            [batch, positions, hidden] => {
                let heads = match self.heads {
                    0 => hidden / (2 * angles).max(1),
                    heads => heads,
                };
                let width = hidden.checked_div(heads).unwrap_or(0);
                ensure!(width * heads == hidden, InvalidModel, "{hidden} numbers are not {heads} heads");
                Part::by_position([batch, positions, heads, width])
            }
            _ => bail!(InvalidModel, "input 0 must have three or four axes, got {shape:?}"),
        };
        let turning = if self.rotary_dim == 0 { part.width } else { self.rotary_dim };
        ensure!(
            turning == 2 * angles && turning <= part.width,
            InvalidModel,
            "tables of {angles} angles do not turn {turning} numbers of heads of {}",
            part.width
        );
        Ok(part)
    }
}
