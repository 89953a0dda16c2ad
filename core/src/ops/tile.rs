//! Tile: a tensor repeated along its axes.
//!
//! Opset 1 repeated along one axis, which came with the count as two inputs; from 6 on there is one count
//! per axis. Tensors of every type.

use super::carry::carry;
use super::{Attrs, Operator};
use crate::graph::{Infer, normalize_axis};
use crate::{Dim, Result};

/// Tile.
#[derive(Clone, Debug)]
pub struct Tile;

impl Operator for Tile {
    fn parse(a: &mut Attrs) -> Result<Tile> {
        if a.version() < 6 {
            a.arity(3..=3, 1..=1)?
        } else {
            a.arity(2..=2, 1..=1)?
        }
        Ok(Tile)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = match cx.dims(0) {
            None => None,
            Some(dims) => match repeats(cx, dims.len())? {
                None => Some(dims.iter().map(|_| cx.unknown_dim()).collect()),
                Some(repeats) => {
                    let fits = repeats.len() == dims.len();
                    ensure!(fits, InvalidModel, "there are {} repeats for {dims:?}", repeats.len());
                    let negative = repeats.iter().any(|n| n.known().is_some_and(|n| n < 0));
                    ensure!(!negative, InvalidModel, "a repeat in {repeats:?} is negative");
                    Some(dims.iter().zip(repeats).map(|(d, n)| d.clone() * n).collect())
                }
            },
        };
        cx.set_tensor(0, cx.dtype(0)?, dims);
        carry(self, cx, |i| i == 0)
    }
}

/// How often each axis is repeated, where that is known.
fn repeats(cx: &Infer<'_>, rank: usize) -> Result<Option<Vec<Dim>>> {
    if !cx.has(2) {
        return Ok(cx.ints(1));
    }
    let (Some(count), Some(axis)) = (cx.view(1), cx.view(2)) else { return Ok(None) };
    let mut out = vec![Dim::from(1); rank];
    out[normalize_axis(axis.scalar_f32()? as i64, rank)?] = Dim::from(count.scalar_f32()? as i64);
    Ok(Some(out))
}
