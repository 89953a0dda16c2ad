//! RotaryEmbedding of both domains, and what attention operators do to rows of heads before they use them: add a
//! bias or normalize, turn.

use super::Kernel;
use super::arrange::scratch;
use super::attention_core::{Extent, Lengths, Rows, steps};
use super::narrow::Narrow;
use super::shared::{Parameters, count, input_type, is_float, kind, rows_of_groups, told, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, Check, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::heads::Part;
use edgewise_core::ops::rotary_embedding::RotaryEmbedding;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("rotary_embedding", 6, 2);

/// What is done to rows, by types. Those that get a bias are not normalized.
#[derive(Default)]
pub struct Changes {
    /// A bias, to whose type sums are rounded.
    pub bias: Option<DType>,
    /// Weights of a norm.
    pub weights: Option<DType>,
    /// Tables of cosines and sines, and whether pairs are neighbors.
    pub tables: Option<(DType, bool)>,
    /// Position ids.
    pub positions: Option<DType>,
    pub lengths: Option<Lengths>,
    /// Whether rows of a second tensor go with them. Nothing is added to those, and they are not normalized.
    pub paired: bool,
}

/// What changes rows.
pub struct Prepare(PipelineId);

/// The same with its sizes and operands.
#[derive(Default)]
pub struct Change<'a> {
    /// The bias, and where that of these heads begins.
    pub bias: Option<(Operand, usize)>,
    pub weights: Option<(Operand, f32)>,
    pub tables: Option<Tables>,
    pub lengths: Option<&'a Operand>,
    pub extent: Extent,
    /// The word of the status for positions, where they are not those of another launch.
    pub word: Option<usize>,
}

/// How rows turn.
pub struct Tables {
    pub cosines: Operand,
    pub sines: Operand,
    /// Positions and angles of each.
    pub shape: [usize; 2],
    pub positions: Option<(Operand, Ids)>,
    /// Whether positions continue those of the past.
    pub continued: bool,
}

/// What position ids say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// One for each row.
    Each,
    /// That of the first one.
    First,
}

impl Prepare {
    /// For rows of that type.
    pub fn new(gpu: &Gpu, x: DType, changes: &Changes) -> Prepare {
        let of = |dtype: Option<DType>| dtype.map_or(0, kind);
        let constants = [
            ("KIND", kind(x)),
            ("BIAS_KIND", of(changes.bias)),
            ("WEIGHT_KIND", of(changes.weights)),
            ("PAIRED", changes.paired.into()),
            ("TURNED", changes.tables.is_some().into()),
            ("INTERLEAVED", changes.tables.is_some_and(|(_, interleaved)| interleaved).into()),
            ("TABLE_KIND", changes.tables.map_or(1, |(dtype, _)| kind(dtype))),
            ("POSITION_KIND", of(changes.positions)),
            ("LENGTHS", changes.lengths.map_or(0, |lengths| lengths as u32)),
        ];
        Prepare(gpu.pipeline(Variant::new(&SHADER, &constants)))
    }

    /// From rows to rows of f32 of the same sizes.
    pub fn launch(&self, bound: &mut Bound, x: &Rows, y: &Rows, change: &Change<'_>) -> Result<()> {
        self.push(bound, (x, &y.part), None, &y.of, change)
    }

    /// The rows of two tensors of equal batches, positions and widths, to f32 in scratch.
    pub fn launch_both(
        &self,
        bound: &mut Bound,
        [first, second]: [&Rows; 2],
        change: &Change<'_>,
    ) -> Result<[Rows; 2]> {
        let dense = |of: &Part| Part::by_position([of.batch, of.positions, of.heads, of.width]);
        let (y, behind) = (dense(&first.part), dense(&second.part));
        let of = scratch(bound, (y.len() + behind.len()).saturating_mul(4));
        let behind = Part { offset: y.len(), ..behind };
        self.push(bound, (first, &y), Some((second, &behind)), &of, change)?;
        Ok([y, behind].map(|part| Rows { of: of.clone(), part }))
    }

    fn push(
        &self,
        bound: &mut Bound,
        first: (&Rows, &Part),
        second: Option<(&Rows, &Part)>,
        y: &Operand,
        change: &Change<'_>,
    ) -> Result<()> {
        let Part { batch, heads, positions, width, .. } = first.0.part;
        let others = second.map_or(0, |(second, _)| second.part.heads);
        let rows = batch * positions * (heads + others);
        if rows * width == 0 {
            return Ok(());
        }
        let mut words = Vec::new();
        for (from, to) in [first, second.unwrap_or(first)] {
            words.extend(steps(&from.part)?);
            words.extend(steps(to)?);
        }
        words.extend(change.extent.words()?);
        words.extend([word(positions)?, word(width)?, word(heads)?, word(others)?]);
        word(rows)?;
        let [places, angles] = change.tables.as_ref().map_or([1, 0], |tables| tables.shape);
        ensure!(places > 0 || angles == 0, InvalidInput, "the rotary tables have no positions");
        word(places.saturating_mul(angles))?;
        let ids = change.tables.as_ref().and_then(|tables| tables.positions.as_ref());
        let of_first = ids.is_some_and(|(_, ids)| *ids == Ids::First);
        let from = change.bias.as_ref().map_or(0, |(_, from)| *from);
        words.extend([word(from)?, word(angles)?, word(places)?, of_first.into()]);
        let epsilon = change.weights.as_ref().map_or(0.0, |(_, epsilon)| *epsilon);
        let mut parameters = Parameters(words).floats(&[epsilon]).0;
        parameters.push(change.tables.as_ref().is_some_and(|tables| tables.continued).into());
        let (status, at) = told(bound, change.word)?;
        parameters.extend([at, word(batch)?]);
        let bias = change.bias.as_ref().map(|(bias, _)| bias);
        let weights = change.weights.as_ref().map(|(weights, _)| weights);
        ensure!(bias.is_none() || weights.is_none(), Internal, "rows with a bias are not normalized");
        let factors = bias.or(weights).or(second.map(|(second, _)| &second.of));
        let (x, _) = first;
        let other = |operand: Option<&Operand>| operand.unwrap_or(&x.of).clone();
        let tables = change.tables.as_ref();
        let buffers = vec![
            x.of.clone(),
            other(factors),
            other(tables.map(|tables| &tables.cosines)),
            other(tables.map(|tables| &tables.sines)),
            other(ids.map(|(ids, _)| ids)),
            other(change.lengths),
            y.clone(),
            status,
        ];
        bound.launches.push(Launch { pipeline: self.0, buffers, parameters, groups: rows_of_groups(rows)? });
        Ok(())
    }
}

pub fn lower(gpu: &Gpu, op: &RotaryEmbedding, node: &Lowered<'_>) -> Result<Kernel> {
    let [cosines, sines, positions] = op.order;
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    let same = [cosines, sines].iter().all(|&i| input_type(node, i) == Some(dtype));
    let ids = input_type(node, positions);
    if !same || !ids.is_none_or(is_position) {
        return Ok(None);
    }
    let changes = Changes { tables: Some((dtype, op.interleaved)), positions: ids, ..Changes::default() };
    let prepare = Prepare::new(gpu, dtype, &changes);
    Ok(Some(Box::new(Lower { prepare, narrow: Narrow::to(gpu, dtype), op: op.clone() })))
}

/// Whether positions of that type can be read.
pub fn is_position(dtype: DType) -> bool {
    matches!(dtype, DType::I32 | DType::I64)
}

struct Lower {
    prepare: Prepare,
    narrow: Narrow,
    op: RotaryEmbedding,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let [cosines, sines, positions] = self.op.order;
        let (x, table) = (cx.input(0)?, cx.input(cosines)?);
        let angles = table.last().copied().unwrap_or(0);
        let part = self.op.part(&x, angles)?;
        ensure!(
            table == cx.input(sines)? && table.len() >= 2,
            InvalidInput,
            "the tables of cosines and sines must have one shape of two or three axes"
        );
        let of_table = count(table.get(..table.len() - 1).unwrap_or(&[]));
        let ids = cx.optional(positions).map(|shape| count(&shape));
        let (rows, needed) = (ids.unwrap_or(of_table), part.batch * part.positions);
        ensure!(
            rows == needed || angles == 0 || ids == Some(1),
            InvalidInput,
            "expected positions for batch {} and sequence {}, got {rows}",
            part.batch,
            part.positions
        );
        let first = if ids == Some(1) { Ids::First } else { Ids::Each };
        let mut bound = Bound::nothing();
        let y = Rows { of: self.narrow.output(&mut bound, 0, part.len()), part };
        let tables = Tables {
            cosines: Operand::Input(cosines),
            sines: Operand::Input(sines),
            shape: [of_table, angles],
            positions: ids.map(|_| (Operand::Input(positions), first)),
            continued: false,
        };
        bound.checks.push(Check::Position(of_table));
        let change = Change { tables: Some(tables), word: Some(cx.word), ..Change::default() };
        self.prepare.launch(&mut bound, &Rows { of: Operand::Input(0), part }, &y, &change)?;
        self.narrow.finish(&mut bound, &y.of, 0, part.len())?;
        Ok(bound)
    }
}
