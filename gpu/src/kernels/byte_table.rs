//! ByteTable: a look-up for every byte. Functions of bytes whose table is made here launch it too.

use super::Kernel;
use super::shared::{count, groups, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Memory, Operand, PipelineId};
use edgewise_core::ops::byte_table::ByteTable;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("byte_table", 2, 1);

pub fn lower(gpu: &Gpu, _op: &ByteTable, _node: &Lowered<'_>) -> Result<Kernel> {
    looked_up(gpu, Operand::Input(1), 1, &[])
}

/// Input 0 to output 0, by a table that the kernel holds.
pub fn by_table(gpu: &Gpu, table: Memory, on_host: &'static [usize]) -> Result<Kernel> {
    looked_up(gpu, Operand::Held(table), 1, on_host)
}

/// The same, where bytes of the last axis, of so many elements, have tables of their own: entries for all of them lie
/// side by side.
pub fn by_columns(gpu: &Gpu, table: Memory, columns: usize, on_host: &'static [usize]) -> Result<Kernel> {
    looked_up(gpu, Operand::Held(table), columns, on_host)
}

fn looked_up(gpu: &Gpu, table: Operand, columns: usize, on_host: &'static [usize]) -> Result<Kernel> {
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &[("COLUMNS", (columns > 1).into())]));
    Ok(Some(Box::new(Look { pipeline, table, columns, on_host })))
}

struct Look {
    pipeline: PipelineId,
    table: Operand,
    /// Elements of the last axis that have a table each, or 1.
    columns: usize,
    on_host: &'static [usize],
}

impl DeviceKernel for Look {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let shape = cx.output(0)?;
        let words = words(DType::U8, count(&shape));
        if words == 0 {
            return Ok(Bound::nothing());
        }
        ensure!(
            self.columns == 1 || shape.last() == Some(&self.columns),
            InvalidModel,
            "{} columns for a tensor of {shape:?}",
            self.columns
        );
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), self.table.clone(), Operand::Output(0)],
            parameters: vec![word(words)?, word(self.columns)?],
            groups: groups(words)?,
        }))
    }

    fn on_host(&self) -> &[usize] {
        self.on_host
    }
}
