//! GatherBlockQuantized (com.microsoft): Gather from a table that is stored in blocks with a scale each.
//!
//! The table is i4, u4, an 8- or 4-bit float, or u8 that holds codes of `bits` bits packed along the last
//! axis. Inputs: table, indices, scales, zero points (of the table's type, packed as it is; default 0, and
//! 2^(bits-1) for u8). An index outside the table gives zeros. The result has the type of the scales.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer, normalize_axis};
use crate::{DType, Dim, Result};

/// GatherBlockQuantized.
#[derive(Clone, Debug)]
pub struct GatherBlockQuantized {
    /// Bits of a code where the table is u8.
    pub bits: usize,
    /// Elements of a block; 0: all of the axis.
    pub block: usize,
    gather_axis: i64,
    quantize_axis: i64,
}

impl Operator for GatherBlockQuantized {
    fn parse(a: &mut Attrs) -> Result<GatherBlockQuantized> {
        a.arity(3..=4, 1..=1)?;
        let bits = a.int_or("bits", 4)?;
        ensure!(matches!(bits, 2 | 4 | 8), InvalidModel, "bits must be 2, 4 or 8, got {bits}");
        let block = a.int_or("block_size", 128)?;
        ensure!(
            block == 0 || block >= 16 && block & (block - 1) == 0,
            InvalidModel,
            "block_size must be 0 or a power of two from 16 on, got {block}"
        );
        Ok(GatherBlockQuantized {
            bits: bits as usize,
            block: block as usize,
            gather_axis: a.int_or("gather_axis", 0)?,
            quantize_axis: a.int_or("quantize_axis", 1)?,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let per_element = Dim::from(self.codes_per_element(cx.dtype(0)?));
        let mut dims = None;
        if let (Some(table), Some(indices)) = (cx.dims(0), cx.dims(1)) {
            let (gather, _) = self.axes(table.len())?;
            let mut table = table.clone();
            if let Some(last) = table.last_mut() {
                *last = last.clone() * per_element;
            }
            let (before, after) = (&table[..gather], &table[gather + 1..]);
            dims = Some(before.iter().chain(indices).chain(after).cloned().collect::<Dims>());
        }
        cx.set_tensor(0, cx.dtype(2)?, dims);
        Ok(())
    }
}

impl GatherBlockQuantized {
    /// How many codes lie in an element of the table.
    pub fn codes_per_element(&self, table: DType) -> usize {
        if table == DType::U8 { 8 / self.bits } else { 1 }
    }

    /// The axis of the indices and that of the blocks.
    pub fn axes(&self, rank: usize) -> Result<(usize, usize)> {
        Ok((normalize_axis(self.gather_axis, rank)?, normalize_axis(self.quantize_axis, rank)?))
    }
}
