//! DepthToSpace and SpaceToDepth: blocks of channels become blocks of pixels, and back.
//!
//! `mode` says whether the block's position is the outer part of the channel (DCR) or the inner one (CRD);
//! DepthToSpace has it from opset 11 on, SpaceToDepth from 28 on. Tensors of every type, N×C×H×W.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// DepthToSpace or SpaceToDepth.
#[derive(Clone, Debug)]
pub struct DepthToSpace {
    /// Whether channels become pixels.
    pub to_space: bool,
    /// Whether the block's position is the inner part of the channel.
    pub inner: bool,
    /// The edge of a block.
    pub block: usize,
}

impl Operator for DepthToSpace {
    fn parse(a: &mut Attrs) -> Result<DepthToSpace> {
        a.arity(1..=1, 1..=1)?;
        let to_space = a.op() == "DepthToSpace";
        let block = a.int("blocksize")?;
        let block = a.required("blocksize", block)?;
        let area_fits = (1..=1 << 20).contains(&block);
        ensure!(area_fits, InvalidModel, "blocksize must be positive and sensible, got {block}");
        let has_mode = a.version() >= if to_space { 11 } else { 28 };
        let inner = has_mode && a.choice("mode", &[("DCR", false), ("CRD", true)])?;
        Ok(DepthToSpace { to_space, inner, block: block as usize })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = cx.dims(0).map(|dims| self.dims(dims)).transpose()?;
        cx.set_tensor(0, cx.dtype(0)?, dims);
        Ok(())
    }
}

impl DepthToSpace {
    /// The input seen with six axes, and the order of these that makes the output.
    pub fn axes(&self, shape: &[usize]) -> Result<([usize; 6], [usize; 6])> {
        let &[n, c, h, w] = shape else {
            bail!(InvalidModel, "expected a tensor of rank 4, got {shape:?}");
        };
        let b = self.block;
        Ok(match (self.to_space, self.inner) {
            (true, false) => ([n, b, b, c / (b * b), h, w], [0, 3, 4, 1, 5, 2]),
            (true, true) => ([n, c / (b * b), b, b, h, w], [0, 1, 4, 2, 5, 3]),
            (false, false) => ([n, c, h / b, b, w / b, b], [0, 3, 5, 1, 2, 4]),
            (false, true) => ([n, c, h / b, b, w / b, b], [0, 1, 3, 5, 2, 4]),
        })
    }

    fn dims(&self, dims: &Dims) -> Result<Dims> {
        let [n, c, h, w] = &dims[..] else {
            bail!(InvalidModel, "expected a tensor of rank 4, got {dims:?}");
        };
        let (edge, area) = (Dim::from(self.block), Dim::from(self.block * self.block));
        let divisible = |d: &Dim, by: &Dim| d.known().zip(by.known()).is_none_or(|(d, by)| d % by == 0);
        if self.to_space {
            ensure!(divisible(c, &area), InvalidModel, "{c} channels do not divide into {area}");
            let (h, w) = (h.clone() * edge.clone(), w.clone() * edge);
            return Ok([n.clone(), c.div_floor(&area), h, w].into_iter().collect());
        }
        let fits = divisible(h, &edge) && divisible(w, &edge);
        ensure!(fits, InvalidModel, "{h} by {w} pixels do not divide into blocks of {edge} by {edge}");
        Ok([n.clone(), c.clone() * area, h.div_floor(&edge), w.div_floor(&edge)].into_iter().collect())
    }
}
