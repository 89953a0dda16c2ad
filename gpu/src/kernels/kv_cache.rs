//! Caches of keys and values: what they held, followed by new rows, head by head. One launch makes both.

use super::arrange::scratch;
use super::attention_core::{Extent, Lengths, Rows, steps};
use super::shared::{self, groups, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, Check, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::heads::Part;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("kv_cache", 5, 3);

/// What is known of caches when they are lowered, of keys and of values.
pub struct Kinds {
    /// Their types.
    pub dtypes: [DType; 2],
    /// Those of new rows.
    pub new: [DType; 2],
    /// The inputs that hold the past; one, where values lie behind keys in it.
    pub pasts: [usize; 2],
    pub kept: [Kept; 2],
    pub lengths: Lengths,
}

/// Whether a cache is made, and where.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// New rows are all that there is, and nobody wants them by head.
    Nowhere,
    /// For what follows.
    Scratch,
    Output(usize),
}

impl Kinds {
    /// Whether values lie behind keys, before and after.
    fn joined(&self) -> bool {
        let [keys, values] = self.pasts;
        keys == values
    }
}

impl Kept {
    /// In that output, where it is wanted; behind a past, if there is one.
    pub fn of(node: &Lowered<'_>, past: usize, output: usize) -> Kept {
        match (node.output(output), node.has(past)) {
            (Some(_), _) => Kept::Output(output),
            (None, true) => Kept::Scratch,
            (None, false) => Kept::Nowhere,
        }
    }
}

/// What makes caches.
pub struct Caches {
    pipeline: PipelineId,
    kinds: Kinds,
}

/// What lengths on the device may be.
#[derive(Clone, Copy)]
pub enum Told {
    /// There are none.
    Nothing,
    /// This check says it, in that word of the status.
    Here(Check, usize),
}

impl Told {
    /// One more check: of the length of a past in a buffer of so many rows, behind which so many are added.
    pub fn past(bound: &mut Bound, cx: &Binding<'_>, buffer: Option<(usize, usize)>) -> Told {
        let Some((rows, added)) = buffer else { return Told::Nothing };
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

    fn word(self) -> Option<usize> {
        match self {
            Told::Here(_, at) => Some(at),
            Told::Nothing => None,
        }
    }
}

impl Caches {
    pub fn new(gpu: &Gpu, kinds: Kinds) -> Caches {
        let ([keys, values], [new_keys, new_values]) = (kinds.dtypes.map(kind), kinds.new.map(kind));
        let constants = [
            ("KIND", keys),
            ("NEW_KIND", new_keys),
            ("VALUE_KIND", values),
            ("NEW_VALUE_KIND", new_values),
            ("JOINED", kinds.joined().into()),
            ("LENGTHS", kinds.lengths as u32),
        ];
        Caches { pipeline: gpu.pipeline(Variant::new(&SHADER, &constants)), kinds }
    }

    /// The rows of the past and behind them the new ones, in caches of so many rows for each head. New rows that are
    /// not kept stay what they are.
    pub fn launch(
        &self,
        bound: &mut Bound,
        new: [Rows; 2],
        rows: usize,
        extent: &Extent,
        (lengths, told): (Option<&Operand>, Told),
    ) -> Result<[Rows; 2]> {
        let made = self.made(bound, &new, rows);
        if made.iter().all(|made| made.words == 0) {
            return Ok(made.map(|made| made.rows));
        }
        let [keys, values] = &new;
        let pasts = self.pasts(&new, extent.past);
        let mut parameters = Vec::new();
        for ((past, new), made) in pasts.iter().zip(&new).zip(&made) {
            word(past.part.offset.saturating_add(past.part.len()))?;
            parameters.extend(steps(&past.part)?);
            parameters.extend(steps(&new.part)?);
            for size in [extent.past, new.part.width, made.rows.part.len(), made.words] {
                parameters.push(word(size)?);
            }
        }
        parameters.extend(extent.words()?);
        parameters.extend([word(keys.part.batch)?, word(keys.part.heads)?, word(rows)?, 0]);
        let [low, high] = told.range();
        let (status, at) = shared::told(bound, told.word())?;
        parameters.extend([word(low)?, word(high)?, at, 0]);

        let mut buffers: Vec<Operand> = pasts.into_iter().map(|past| past.of).collect();
        buffers.extend([keys.of.clone(), values.of.clone(), lengths.unwrap_or(&keys.of).clone()]);
        // What is not written is bound all the same.
        buffers.extend(made.each_ref().map(|made| match made.words {
            0 => scratch(bound, 0),
            _ => made.rows.of.clone(),
        }));
        buffers.push(status);
        let groups = groups(made.iter().map(|made| made.words).sum())?;
        bound.launches.push(Launch { pipeline: self.pipeline, buffers, parameters, groups });
        Ok(made.map(|made| made.rows))
    }

    /// Where caches of those new rows are to be.
    fn made(&self, bound: &mut Bound, [keys, values]: &[Rows; 2], rows: usize) -> [Made; 2] {
        let part = |of: &Rows| Part::by_head([of.part.batch, of.part.heads, rows, of.part.width]);
        if !self.kinds.joined() {
            return [(0, keys), (1, values)].map(|(i, new)| self.place(bound, i, new, (part(new), 0)));
        }
        let behind = Part { offset: part(keys).len(), ..part(values) };
        let keys = self.place(bound, 0, keys, (part(keys), behind.len()));
        let values = Rows { of: keys.rows.of.clone(), part: behind };
        [keys, Made { rows: values, words: 0 }]
    }

    /// Memory for one of them, and for so many elements behind it.
    fn place(&self, bound: &mut Bound, i: usize, new: &Rows, (part, behind): (Part, usize)) -> Made {
        let (dtype, len) = (self.kinds.dtypes[i], part.len() + behind);
        let of = match self.kinds.kept[i] {
            Kept::Nowhere => return Made { rows: new.clone(), words: 0 },
            Kept::Scratch => scratch(bound, len.saturating_mul(dtype.bits() / 8)),
            Kept::Output(output) => Operand::Output(output),
        };
        Made { rows: Rows { of, part }, words: words(dtype, len) }
    }

    /// What came before new rows; those themselves where nothing did, which nobody reads there.
    fn pasts(&self, [keys, values]: &[Rows; 2], rows: usize) -> [Rows; 2] {
        let part = |of: &Rows| Part::by_head([of.part.batch, of.part.heads, rows, of.part.width]);
        let [past_keys, past_values] = self.kinds.pasts.map(Operand::Input);
        let offset = if self.kinds.joined() { part(keys).len() } else { 0 };
        match rows {
            0 => [keys.clone(), values.clone()],
            _ => [
                Rows { of: past_keys, part: part(keys) },
                Rows { of: past_values, part: Part { offset, ..part(values) } },
            ],
        }
    }
}

/// One of the two: where it lies, and the words that are written for it.
struct Made {
    rows: Rows,
    words: usize,
}
