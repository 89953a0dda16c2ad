//! softmax(q·k) · v: what is behind every attention operator, and the scores where they are an output.
//!
//! An operator says where its rows lie ([`Rows`]), which keys a query sees and what is added to their scores; types
//! and what there is are known when it is lowered ([`Kinds`]), sizes when it is bound ([`Attend`]). What is not there
//! is bound all the same, as the queries, which nobody reads there.

use super::narrow::Narrow;
use super::shared::{Parameters, kind, rows_of_groups, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Bound, Launch, Operand, PipelineId, device_bytes};
use edgewise_core::ops::heads::Part;
use edgewise_core::ops::masks::MaskForm;
use edgewise_core::{DType, Dim, Result};

pub static TILES: Shader = shader!("attention_core", 7, 1);
pub static FEW: Shader = shader!("attention_few", 7, 1);
pub static JOIN: Shader = shader!("attention_join", 1, 1);
pub static SCORES: Shader = shader!("attention_scores", 7, 1);

/// Rows of queries that a group of `TILES` makes.
const TILE_ROWS: usize = 32;

/// Rows of queries that `FEW` makes, and elements of them that it holds.
const FEW_ROWS: usize = 8;
const FEW_ELEMENTS: usize = 256;
/// Keys that a group of `FEW` takes at a time, and that are worth a group of their own.
const FEW_KEYS: usize = 128;
const LEAST_KEYS: usize = 256;
/// So many groups keep a GPU busy.
const BUSY: usize = 192;

/// Where the lengths of batches come from; the number is the one in `common/span.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lengths {
    /// From sizes.
    Sizes = 0,
    /// Total lengths, less 1.
    Totals = 1,
    /// Keys that are no padding.
    Unpadded = 2,
    /// The length of the past.
    Past = 3,
}

/// Which scores are an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Raw = 0,
    Capped = 1,
    Biased = 2,
    Soft = 3,
}

/// What is known when an attention is lowered.
pub struct Kinds {
    pub q: DType,
    pub k: DType,
    pub v: DType,
    /// Of a table that is added; a bool hides.
    pub bias: Option<DType>,
    /// Whether there is a mask of com.microsoft.
    pub masked: bool,
    /// Whether scores are capped.
    pub capped: bool,
    pub lengths: Lengths,
    pub sinks: Option<DType>,
    /// Of the result, and of the scores.
    pub y: DType,
    /// Elements of a row of values, if that is known.
    pub width: Option<usize>,
    pub stage: Option<Stage>,
}

/// Pipelines for an attention.
pub struct Core {
    tiles: PipelineId,
    few: PipelineId,
    join: PipelineId,
    scores: Option<PipelineId>,
    /// Columns that a group makes.
    columns: usize,
    narrow: Narrow,
}

/// Rows of heads in some buffer.
#[derive(Clone)]
pub struct Rows {
    pub of: Operand,
    pub part: Part,
}

/// New rows, and those before them.
#[derive(Clone, Copy, Default)]
pub struct Extent {
    pub added: usize,
    pub keys: usize,
    pub past: usize,
}

/// One attention with its sizes.
pub struct Attend {
    pub q: Rows,
    pub k: Rows,
    pub v: Rows,
    pub extent: Extent,
    pub bias: Option<(Operand, [usize; 4])>,
    pub mask: Option<(Operand, MaskForm)>,
    pub lengths: Option<Operand>,
    pub sinks: Option<Operand>,
    /// A sink that all heads have.
    pub sink: Option<f32>,
    /// How many positions to the left and right of itself a query sees; `None`: all.
    pub window: [Option<usize>; 2],
    pub causal: bool,
    pub scale: f32,
    pub softcap: f32,
    /// What is added where the mask hides a key.
    pub filter: f32,
    /// Whether heads come before positions in the result.
    pub by_head: bool,
}

impl Core {
    pub fn new(gpu: &Gpu, kinds: &Kinds) -> Core {
        let of = |dtype: Option<DType>| dtype.map_or(0, kind);
        let constants = vec![
            ("Q_KIND", kind(kinds.q)),
            ("K_KIND", kind(kinds.k)),
            ("V_KIND", kind(kinds.v)),
            ("BIAS_KIND", of(kinds.bias)),
            ("MASKED", kinds.masked.into()),
            ("CAPPED", kinds.capped.into()),
            ("LENGTHS", kinds.lengths as u32),
            ("SINK_KIND", of(kinds.sinks)),
        ];
        let wide = match kinds.width {
            Some(0..=32) => 8,
            None | Some(33..=64) => 16,
            Some(_) => 32,
        };
        let with = |name, value| [&constants[..], &[(name, value)]].concat();
        let tiles = Variant::new(&TILES, &with("WIDE", wide));
        let scores = kinds.stage.map(|stage| Variant::new(&SCORES, &with("STAGE", stage as u32)));
        Core {
            tiles: gpu.pipeline(tiles),
            few: gpu.pipeline(Variant::new(&FEW, &constants)),
            join: gpu.pipeline(Variant::new(&JOIN, &[])),
            scores: scores.map(|scores| gpu.pipeline(scores)),
            columns: 4 * wide as usize,
            narrow: Narrow::to(gpu, kinds.y),
        }
    }

    /// The result to output 0.
    pub fn launch(&self, bound: &mut Bound, attend: &Attend) -> Result<()> {
        let (q, width) = (&attend.q.part, attend.v.part.width);
        let len = q.batch * q.heads * q.positions * width;
        if len == 0 {
            return Ok(());
        }
        let group = q.heads / attend.k.part.heads.max(1);
        let few = q.positions * group <= FEW_ROWS && q.width.max(width) <= FEW_ELEMENTS;
        if few && attend.extent.keys > 0 {
            let y = self.narrow.output(bound, 0, len);
            self.launch_few(bound, attend, &y)?;
            return self.narrow.finish(bound, &y, 0, len);
        }
        let tiles = [width.div_ceil(self.columns), (q.positions * group).div_ceil(TILE_ROWS)];
        let work = tiles.iter().product::<usize>() * attend.k.part.heads * q.batch;
        let y = self.narrow.output(bound, 0, len);
        let own = [word(tiles[0])?, word(tiles[1])?, 0, 0];
        self.push(bound, attend, self.tiles, (y.clone(), work), own)?;
        self.narrow.finish(bound, &y, 0, len)
    }

    /// The result of few queries, by keys that are split among groups.
    fn launch_few(&self, bound: &mut Bound, attend: &Attend, y: &Operand) -> Result<()> {
        let (q, width, kv_heads) = (&attend.q.part, attend.v.part.width, attend.k.part.heads);
        // Whatever the batch, so that its rows do not depend on each other.
        let wanted = (BUSY / kv_heads).min(attend.extent.keys.div_ceil(LEAST_KEYS)).max(1);
        let span = attend.extent.keys.div_ceil(wanted).next_multiple_of(FEW_KEYS);
        let splits = attend.extent.keys.div_ceil(span);
        let rows = q.batch * q.heads * q.positions;
        let to = match splits {
            1 => y.clone(),
            _ => {
                let len = rows * splits * (width + 2);
                word(len)?;
                bound.scratch.push(device_bytes(len.saturating_mul(4)));
                Operand::Scratch(bound.scratch.len() - 1)
            }
        };
        let wide = width.div_ceil(4).next_power_of_two();
        let own = [word(splits)?, word(span)?, word(wide)?, 0];
        self.push(bound, attend, self.few, (to.clone(), splits * kv_heads * q.batch), own)?;
        if splits > 1 {
            let heads = if attend.by_head { 0 } else { q.heads };
            let parameters = [rows, splits, width, heads, q.positions].map(word);
            bound.launches.push(Launch {
                pipeline: self.join,
                buffers: vec![to, y.clone()],
                parameters: parameters.into_iter().collect::<Result<_>>()?,
                groups: rows_of_groups(rows)?,
            });
        }
        Ok(())
    }

    /// The scores to output 3, of so many columns; `unseen` of those that a query does not see.
    pub fn launch_scores(
        &self,
        bound: &mut Bound,
        attend: &Attend,
        columns: usize,
        unseen: f32,
    ) -> Result<()> {
        let q = &attend.q.part;
        let rows = q.batch * q.heads * q.positions;
        let (Some(scores), true) = (self.scores, rows * columns > 0) else { return Ok(()) };
        let y = self.narrow.output(bound, 3, rows * columns);
        let own = [word(columns)?, unseen.to_bits(), 0, 0];
        self.push(bound, attend, scores, (y.clone(), rows), own)?;
        self.narrow.finish(bound, &y, 3, rows * columns)
    }

    fn push(
        &self,
        bound: &mut Bound,
        attend: &Attend,
        pipeline: PipelineId,
        (y, work): (Operand, usize),
        own: [u32; 4],
    ) -> Result<()> {
        let q = &attend.q.of;
        let other = |operand: Option<&Operand>| operand.unwrap_or(q).clone();
        let buffers = vec![
            q.clone(),
            attend.k.of.clone(),
            attend.v.of.clone(),
            other(attend.bias.as_ref().map(|(bias, _)| bias)),
            other(attend.mask.as_ref().map(|(mask, _)| mask)),
            other(attend.lengths.as_ref()),
            other(attend.sinks.as_ref()),
            y,
        ];
        let parameters = attend.parameters(work, own)?;
        bound.launches.push(Launch { pipeline, buffers, parameters, groups: rows_of_groups(work)? });
        Ok(())
    }
}

impl Rows {
    /// Dense rows in f32 in scratch of their own, a position after the other.
    pub fn scratch(bound: &mut Bound, part: &Part) -> Rows {
        let part = Part::by_position([part.batch, part.positions, part.heads, part.width]);
        bound.scratch.push(device_bytes(part.len().saturating_mul(4)));
        Rows { of: Operand::Scratch(bound.scratch.len() - 1), part }
    }
}

/// First element and steps of rows, for a shader. What an index may become is held against 32 bits.
pub fn steps(part: &Part) -> Result<[u32; 4]> {
    let [batch, head, position] = part.steps;
    word(part.offset.saturating_add(batch.saturating_mul(part.batch)))?;
    word(head.saturating_mul(part.heads).max(position.saturating_mul(part.positions)))?;
    Ok([word(part.offset)?, word(batch)?, word(head)?, word(position)?])
}

impl Extent {
    /// The words of `common/span.wgsl`.
    pub fn words(&self) -> Result<[u32; 4]> {
        Ok([word(self.added)?, word(self.keys)?, word(self.past)?, 0])
    }
}

impl Attend {
    fn parameters(&self, work: usize, own: [u32; 4]) -> Result<Vec<u32>> {
        let (q, k, v) = (&self.q.part, &self.k.part, &self.v.part);
        let shape = [q.batch, q.heads, q.positions, v.width];
        let y = match self.by_head {
            true => Part::by_head(shape),
            false => Part::by_position([shape[0], shape[2], shape[1], shape[3]]),
        };
        let mut words = Vec::new();
        for part in [q, k, v, &y] {
            words.extend(steps(part)?);
        }
        words.extend(self.bias_words()?);
        words.extend(self.mask_words()?);
        words.extend(self.extent.words()?);
        let window = self.window.map(|size| match size {
            // No position is further away.
            Some(size) => word(size.min(1 << 30)),
            None => Ok(-1i32 as u32),
        });
        let [left, right] = window;
        let whole =
            |part: &Part| part.steps.iter().chain([&part.offset, &part.width]).all(|n| n.is_multiple_of(4));
        words.extend([left?, right?, self.causal.into(), [q, k, v].into_iter().all(whole).into()]);
        let floats = [self.scale, self.softcap, self.filter, self.sink.unwrap_or(0.0)];
        let mut words = Parameters(words).floats(&floats).0;
        let group = q.heads / k.heads.max(1);
        words.extend([word(q.batch)?, word(k.heads)?, word(group)?, word(q.positions)?]);
        words.extend([word(q.width)?, word(v.width)?, self.sink.is_some().into(), word(work)?]);
        words.extend(own);
        Ok(words)
    }

    fn bias_words(&self) -> Result<[u32; 4]> {
        let Some((_, [batches, heads, queries, keys])) = self.bias else { return Ok([0; 4]) };
        let step = |size: usize, step: usize| word(if size == 1 { 0 } else { step });
        word(batches.saturating_mul(heads).saturating_mul(queries).saturating_mul(keys))?;
        Ok([
            step(batches, heads * queries * keys)?,
            step(heads, queries * keys)?,
            step(queries, keys)?,
            word(keys)?,
        ])
    }

    fn mask_words(&self) -> Result<[u32; 4]> {
        let keys = self.extent.keys;
        match self.mask.as_ref().map(|(_, form)| *form) {
            None | Some(MaskForm::Ends) => Ok([0; 4]),
            Some(MaskForm::Spans) => Ok([1, 0, 0, 0]),
            Some(MaskForm::Table { queries }) => {
                let step = if queries == 1 { 0 } else { keys };
                Ok([2, word(queries * keys)?, word(step)?, 0])
            }
            Some(MaskForm::Square { size }) => {
                Ok([2, word(size * size)?, word(size)?, word(self.extent.past * size)?])
            }
        }
    }
}

/// A size that is known.
pub fn known(dim: Option<&Dim>) -> Option<usize> {
    dim.and_then(Dim::known).and_then(|size| usize::try_from(size).ok())
}
