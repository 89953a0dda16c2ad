//! ByteTable, an operator of our own: every byte becomes an entry of a table.
//!
//! Inputs: a tensor of u8 or i8, and a constant of 256 entries, u8 or i8. An element stands for the entry at
//! the place of its bits: -1 for the last one. What functions of one quantized tensor are rewritten to.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// ByteTable.
#[derive(Clone, Copy, Debug)]
pub struct ByteTable;

impl Operator for ByteTable {
    fn parse(a: &mut Attrs) -> Result<ByteTable> {
        a.arity(2..=2, 1..=1)?;
        Ok(ByteTable)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        for i in 0..2 {
            let dtype = cx.dtype(i)?;
            let byte = matches!(dtype, DType::U8 | DType::I8);
            ensure!(byte, InvalidModel, "input {i} must be u8 or i8, got {dtype}");
        }
        if let Some(shape) = cx.input(1)?.shape() {
            ensure!(shape[..] == [256], InvalidModel, "the table must have 256 entries, got {shape:?}");
        }
        cx.set_tensor(0, cx.dtype(1)?, cx.dims(0).cloned());
        Ok(())
    }
}
