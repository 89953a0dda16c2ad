//! Products of few tiles, which alone would leave most of a GPU idle, are split along their depth: slices are
//! summed apart, and `join` puts them together before what follows.
//!
//! What a reader would get wrong: how often it is split must not depend on what else is in the batch, or the same
//! image would give other bits among others. Callers count the tiles of one image, or of one tile of rows.

use super::matmul::Last;
use super::shared::{groups, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Bound, Launch, Operand, PipelineId};
use edgewise_core::{DType, Result};

pub static SHADERS: &[Shader] = &[shader!("join", 3, 1)];

/// So many groups keep a GPU busy.
const BUSY: usize = 192;
/// A shorter slice costs more than it brings.
const LEAST_DEPTH: usize = 256;
/// What tiles go on by.
const TILE_DEPTH: usize = 16;

/// How a product is split along its depth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// The depth of a slice.
    pub depth: usize,
    /// How many slices there are.
    pub slices: usize,
}

impl Split {
    /// Of a product of that depth which has so many tiles.
    pub fn of(tiles: usize, depth: usize) -> Split {
        let wanted = (BUSY / tiles.max(1)).min(depth / LEAST_DEPTH).max(1);
        let each = depth.div_ceil(wanted).next_multiple_of(TILE_DEPTH).max(TILE_DEPTH);
        Split { depth: each, slices: depth.div_ceil(each).max(1) }
    }

    /// The words of `Finish` that say it.
    pub fn words(self, len: usize) -> Result<[u32; 4]> {
        word(self.slices.saturating_mul(len))?;
        Ok([word(self.depth)?, word(self.slices)?, word(len)?, 0])
    }
}

/// How an element's row, or its column, follows from its place: divisor, count, and the addend's step.
pub type Line = [usize; 3];

/// What puts slices together.
pub struct Join(PipelineId);

impl Join {
    /// With what follows.
    pub fn new(gpu: &Gpu, last: &Last, dtype: DType) -> Option<Join> {
        Some(Join(gpu.pipeline(Variant::new(SHADERS.first()?, &last.constants(dtype)))))
    }

    /// `len` elements to `y`, by a launch that `write`s to where it is told: to `y` itself if there is one slice.
    pub fn after(
        &self,
        (last, split, len): (&Last, Split, usize),
        lines: [Line; 2],
        y: Operand,
        write: impl FnOnce(Operand) -> Result<Launch<Operand>>,
    ) -> Result<Bound> {
        if split.slices == 1 {
            return Ok(Bound::one(write(y)?));
        }
        // Where `y` is scratch memory it is the first one.
        let mut scratch = if let Operand::Scratch(_) = y { vec![0] } else { Vec::new() };
        let partial = Operand::Scratch(scratch.len());
        scratch.push(4 * (split.slices * len) as u64);
        let launch = write(partial.clone())?;
        let mut parameters = last.parameters(split, len)?;
        for [divisor, count, step] in lines {
            parameters.0.extend([word(divisor)?, word(count)?, word(step)?, 0]);
        }
        let [addend, residual] = last.buffers(&Operand::Input(0));
        let join = Launch {
            pipeline: self.0,
            buffers: vec![partial, addend, residual, y],
            parameters: parameters.0,
            groups: groups(len)?,
        };
        Ok(Bound { launches: vec![launch, join], scratch, ..Bound::nothing() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_cover_the_depth_by_whole_tiles() {
        for tiles in [1, 3, 8, 191, 192, 1000] {
            for depth in [0, 1, 16, 255, 512, 513, 4608, 100_000] {
                let split = Split::of(tiles, depth);
                assert_eq!(split.depth % TILE_DEPTH, 0);
                assert!(
                    split.slices * split.depth >= depth && (split.slices - 1) * split.depth < depth.max(1)
                );
                assert!(tiles * split.slices <= BUSY.max(tiles), "{tiles} {depth} {split:?}");
            }
        }
        assert_eq!(Split::of(8, 4608).slices, 18);
        assert_eq!(Split::of(1, 255), Split { depth: 256, slices: 1 });
    }
}
