//! EmbedLayerNormalization and QEmbedLayerNormalization (com.microsoft): the sum of the embeddings of a
//! word, its position and its segment, normalized.
//!
//! Inputs: word ids [batch, sequence], segment ids, tables of words, positions and segments [.., width],
//! gamma, beta, mask, then position ids; or, quantized, scales of the tables, gamma and beta, and their zero
//! points. Segments may be left out. Outputs: result, how many words of each row the mask has, the sum (the
//! first two only where quantized). f32 or f16; tables i8 or u8 where quantized.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Result};

/// EmbedLayerNormalization or QEmbedLayerNormalization.
#[derive(Clone, Debug)]
pub struct EmbedLayerNormalization {
    /// Tables, gamma and beta are 8-bit integers.
    pub quantized: bool,
    /// Added to the variance.
    pub epsilon: f32,
}

impl Operator for EmbedLayerNormalization {
    fn parse(a: &mut Attrs) -> Result<EmbedLayerNormalization> {
        let quantized = a.op() == "QEmbedLayerNormalization";
        if quantized {
            a.arity(18..=18, 1..=2)?;
        } else {
            a.arity(7..=9, 1..=3)?;
            a.ignore(&["mask_index_type"]);
        }
        ensure!(a.has_input(1) == a.has_input(4), InvalidModel, "segment ids go with a table of segments");
        Ok(EmbedLayerNormalization { quantized, epsilon: a.float_or("epsilon", 1e-12)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = if self.quantized { DType::F32 } else { cx.dtype(2)? };
        let (mut embedded, mut counts) = (None, None);
        if let (Some(ids), Some(table)) = (cx.dims(0), cx.dims(2)) {
            let ([batch, sequence], [_, width]) = (ids.as_slice(), table.as_slice()) else {
                bail!(InvalidModel, "ids and tables must have two axes, got {ids:?} and {table:?}")
            };
            embedded = Some(Dims::from_iter([batch.clone(), sequence.clone(), width.clone()]));
            counts = Some(Dims::from_iter([batch.clone()]));
        }
        cx.set_tensor(0, dtype, embedded.clone());
        cx.set_tensor(1, DType::I32, counts);
        cx.set_tensor(2, dtype, embedded);
        Ok(())
    }
}
