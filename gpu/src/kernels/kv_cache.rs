//! Caches of keys and values: what they held, followed by new rows, head by head.

use super::attention_core::{Extent, Lengths, Rows, steps};
use super::shared::{self, count, groups, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, Check, Launch, Operand, PipelineId, device_bytes};
use edgewise_core::ops::heads::Part;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("kv_cache", 3, 2);

/// What makes a cache of that type.
pub struct Cache {
    pipeline: PipelineId,
    dtype: DType,
}

/// What lengths on the device may be.
#[derive(Clone, Copy)]
pub enum Told {
    /// Another launch looks at them, or there are none.
    Elsewhere,
    /// This check says it, in that word of the status.
    Here(Check, usize),
}

impl Told {
    /// One more check: of the length of a past in a buffer of so many rows, behind which so many are added.
    pub fn past(bound: &mut Bound, cx: &Binding<'_>, buffer: Option<(usize, usize)>) -> Told {
        let Some((rows, added)) = buffer else { return Told::Elsewhere };
        let (check, at) = (Check::Past { rows, added }, cx.word + bound.checks.len());
        bound.checks.push(check);
        Told::Here(check, at)
    }

    /// The least and the largest.
    fn range(self) -> [usize; 2] {
        match self {
            Told::Here(Check::Past { rows, added }, _) => [0, rows.saturating_sub(added)],
            Told::Here(Check::Total { total, added, rows }, _) if added < total => {
                [added, total.min(rows.saturating_add(added))]
            }
            Told::Here(Check::Total { total, .. }, _) => [0, total],
            _ => [0, 0],
        }
    }
}

/// Where a cache is to be written.
pub struct Present {
    /// The output, if it is wanted: scratch otherwise.
    pub output: Option<usize>,
    /// Rows for each head.
    pub rows: usize,
    /// Keys and values behind each other, of which the steps in the past and in the new rows are these.
    pub halves: Option<[usize; 2]>,
}

impl Cache {
    /// Of new rows of that type.
    pub fn new(gpu: &Gpu, dtype: DType, of: DType, lengths: Lengths) -> Cache {
        let constants = [("KIND", kind(dtype)), ("NEW_KIND", kind(of)), ("LENGTHS", lengths as u32)];
        Cache { pipeline: gpu.pipeline(Variant::new(&SHADER, &constants)), dtype }
    }

    /// The rows of `past`, if there is one, and behind them those of `new`.
    pub fn launch(
        &self,
        bound: &mut Bound,
        (past, new): (Option<&Rows>, &Rows),
        (lengths, told): (Option<&Operand>, Told),
        extent: &Extent,
        present: &Present,
    ) -> Result<Rows> {
        let Part { batch, heads, width, .. } = new.part;
        let part = Part::by_head([batch, heads, present.rows, width]);
        let halves = present.halves.map_or(1, |_| 2);
        let len = halves * part.len();
        let of = match present.output {
            Some(output) => Operand::Output(output),
            None => {
                bound.scratch.push(device_bytes(len.saturating_mul(self.dtype.bits() / 8)));
                Operand::Scratch(bound.scratch.len() - 1)
            }
        };
        let rows = Rows { of, part };
        if len == 0 {
            return Ok(rows);
        }
        let before = past.unwrap_or(new);
        let mut parameters = steps(&before.part)?.to_vec();
        parameters.extend(steps(&new.part)?);
        parameters.extend(extent.words()?);
        let capacity = past.map_or(0, |past| past.part.positions);
        parameters.extend([word(heads)?, word(present.rows)?, word(width)?, word(capacity)?]);
        let words = words(self.dtype, len);
        let at = match told {
            Told::Here(_, at) => Some(at),
            Told::Elsewhere => None,
        };
        let (status, at) = shared::told(bound, at)?;
        parameters.extend([word(len)?, word(words)?, word(batch)?, at]);
        let [of_past, of_new] = present.halves.unwrap_or_default();
        let [low, high] = told.range();
        parameters.extend([word(of_past)?, word(of_new)?, word(low)?, word(high)?]);
        word(count(&[halves, of_past]).saturating_add(before.part.len()))?;
        bound.launches.push(Launch {
            pipeline: self.pipeline,
            buffers: vec![
                before.of.clone(),
                new.of.clone(),
                lengths.unwrap_or(&new.of).clone(),
                rows.of.clone(),
                status,
            ],
            parameters,
            groups: groups(words)?,
        });
        Ok(rows)
    }
}
