//! How scales and zero points lie over a tensor, on the host: what `common/scales.wgsl` reads.

use super::shared::{count, word, words};
use edgewise_core::graph::normalize_axis;
use edgewise_core::ops::granularity::Granularity;
use edgewise_core::{DType, Result};

/// The words of it, for an output of that type and shape.
pub fn parameters(of: &Granularity, dtype: DType, x: &[usize], scales: &[usize]) -> Result<Vec<u32>> {
    let len = count(x);
    let (mut inner, mut size, mut block, mut blocks, mut mode) = (1, 1, 1, 1, 0);
    if count(scales) != 1 {
        // Shapes that do not fit are refused here.
        of.layout(x, scales)?;
        let (axis, of_block) = match (of.axis(), of.blocks()) {
            (_, Some((axis, block))) => (axis, Some(block)),
            (axis, None) => (axis.unwrap_or(1), None),
        };
        let axis = normalize_axis(axis, x.len())?;
        size = x.get(axis).copied().unwrap_or(1);
        inner = count(x.get(axis + 1..).unwrap_or(&[]));
        mode = 1;
        if let Some(of_block) = of_block {
            (block, blocks, mode) = (of_block, size.div_ceil(of_block), 2);
        }
    }
    [len, words(dtype, len), inner, size, block, blocks, mode, 0].into_iter().map(word).collect()
}
