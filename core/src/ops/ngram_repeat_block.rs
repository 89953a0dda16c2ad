//! NGramRepeatBlock (com.microsoft): no n-gram of the words so far may come again.
//!
//! Inputs: word ids [batch, sequence] (i64), scores of the next word [batch, vocabulary] (f32). What would
//! complete an n-gram that is there already gets -inf.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// NGramRepeatBlock.
#[derive(Clone, Debug)]
pub struct NGramRepeatBlock {
    /// Words of an n-gram.
    pub size: usize,
}

impl Operator for NGramRepeatBlock {
    fn parse(a: &mut Attrs) -> Result<NGramRepeatBlock> {
        a.arity(2..=2, 1..=1)?;
        let size = a.int("ngram_size")?;
        let size = a.required("ngram_size", size)?;
        ensure!(size > 0, InvalidModel, "ngram_size must be positive, got {size}");
        Ok(NGramRepeatBlock { size: size as usize })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        cx.set_tensor(0, cx.dtype(1)?, cx.dims(1).cloned());
        Ok(())
    }
}
