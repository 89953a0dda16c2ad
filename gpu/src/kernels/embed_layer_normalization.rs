//! EmbedLayerNormalization and QEmbedLayerNormalization: rows of three tables are summed, and the sums normalized by
//! the kernel of LayerNormalization.

use super::Kernel;
use super::arrange::scratch;
use super::cast;
use super::constant_of_shape::Fill;
use super::layer_normalization::{Inputs, lower_as};
use super::packed_bytes::{held, is_byte};
use super::shared::{append, count, groups, input_type, is_float, kind, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{
    Binding, Bound, Check, DeviceKernel, Launch, Lowered, Memory, Operand, PipelineId,
};
use edgewise_core::graph::Fact;
use edgewise_core::ops::embed_layer_normalization::EmbedLayerNormalization;
use edgewise_core::{DType, Dim, Result};

pub static SHADERS: &[Shader] = &[shader!("embed_layer_normalization", 6, 2), shader!("count_of_mask", 1, 1)];

/// The tables, and what is between them and the result.
const GAMMA: usize = 5;
const BETA: usize = 6;
const MASK: usize = 7;

pub fn lower(gpu: &Gpu, op: &EmbedLayerNormalization, node: &Lowered<'_>) -> Result<Kernel> {
    let ([sums, counts], Some(table), Some(y)) =
        (SHADERS, input_type(node, 2), node.output(0).and_then(|fact| fact.dtype()))
    else {
        return Ok(None);
    };
    let positions = if op.quantized { None } else { Some(8) };
    let ids = [Some(0), Some(1), Some(MASK), positions].into_iter().flatten();
    let types = ids.into_iter().all(|i| input_type(node, i).is_none_or(|dtype| dtype == DType::I32))
        && [3, 4, GAMMA, BETA].into_iter().all(|i| input_type(node, i).is_none_or(|dtype| dtype == table));
    let taken = if op.quantized { is_byte(table) } else { is_float(table) };
    let Some(quantized) = Tables::of(gpu, op, node)? else { return Ok(None) };
    if !types || !taken {
        return Ok(None);
    }
    // The sums of all words, and a row that scales and one that shifts them.
    let row = if op.quantized { DType::F32 } else { table };
    let symbols = |dtype, rank: usize| {
        Fact::tensor(dtype, (3 - rank..3).map(|i| Dim::symbol(["batch", "words", "width"][i])))
    };
    let (x, gamma, result) = (symbols(DType::F32, 3), symbols(row, 1), symbols(y, 3));
    let facts = [Some(&x), Some(&gamma), Some(&gamma)];
    let rows = Lowered { node: node.node, inputs: &facts, outputs: &[Some(&result)], wished: &[] };
    let inputs = Inputs { bias: Some(2), skip: None, skip_bias: None, statistics: &[] };
    let normalized =
        lower_as(gpu, &rows, true, op.epsilon, Box::new(|rank| Ok(rank.saturating_sub(1))), inputs)?;
    let Some(normalized) = normalized else { return Ok(None) };
    let given = positions.is_some_and(|i| node.has(i));
    let constants = [("KIND", kind(table)), ("SEGMENTS", node.has(1).into()), ("POSITIONS", given.into())];
    Ok(Some(Box::new(Lower {
        sums: gpu.pipeline(Variant::new(sums, &constants)),
        counts: gpu.pipeline(Variant::new(counts, &[])),
        positions: positions.filter(|_| given),
        tables: quantized,
        normalized,
        kept: cast::pipeline(gpu, DType::F32, y),
        fill: Fill::new(gpu),
        row,
        y,
    })))
}

/// What is known of tables of bytes; of others, that there is nothing to know.
struct Tables {
    scales: [f32; 4],
    zeros: [f32; 4],
    /// Gamma and beta, which have scales of their own.
    rows: Option<[Memory; 2]>,
}

impl Tables {
    /// Those of a node; none where something is not known that must be.
    fn of(gpu: &Gpu, op: &EmbedLayerNormalization, node: &Lowered<'_>) -> Result<Option<Tables>> {
        let mut tables = Tables { scales: [1.0; 4], zeros: [0.0; 4], rows: None };
        if !op.quantized {
            return Ok(Some(tables));
        }
        let of = |which: usize| -> Result<Option<(f32, f32)>> {
            let (Some(scale), Some(zero)) = (node.constant(8 + which), node.constant(13 + which)) else {
                return Ok(None);
            };
            Ok(Some((scale.scalar_f32()?, zero.scalar_i64()? as f32)))
        };
        for (which, (scale, zero)) in tables.scales.iter_mut().zip(&mut tables.zeros).enumerate().take(3) {
            // Without segments there is no table of them.
            if which == 2 && !node.has(4) {
                continue;
            }
            let Some(both) = of(which)? else { return Ok(None) };
            (*scale, *zero) = both;
        }
        let row = |i: usize, which: usize| -> Result<Option<Memory>> {
            let (Some(bytes), Some((scale, zero))) = (node.constant(i), of(which)?) else { return Ok(None) };
            let real = bytes.to_f32s()?.into_iter().map(|x| ((x - zero) * scale).to_bits());
            held(gpu, &real.collect::<Vec<u32>>(), "a row of embeddings").map(Some)
        };
        let (Some(gamma), Some(beta)) = (row(GAMMA, 3)?, row(BETA, 4)?) else { return Ok(None) };
        tables.rows = Some([gamma, beta]);
        Ok(Some(tables))
    }
}

struct Lower {
    sums: PipelineId,
    counts: PipelineId,
    /// The input that holds positions.
    positions: Option<usize>,
    tables: Tables,
    normalized: Box<dyn DeviceKernel>,
    /// What makes an output of the sums.
    kept: PipelineId,
    fill: Fill,
    row: DType,
    y: DType,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (ids, words) = (cx.input(0)?, cx.input(2)?);
        let (&[batch, sequence], &[_, width]) = (&ids[..], &words[..]) else {
            bail!(InvalidModel, "ids and tables must have two axes, got {ids:?} and {words:?}");
        };
        self.check(cx, count(&ids), sequence, width)?;
        let mut bound = Bound::nothing();
        let wanted = |i: usize| cx.outputs.get(i).is_some_and(Option::is_some);
        if wanted(1) {
            self.counts(cx, &mut bound, batch, sequence)?;
        }
        let len = count(&ids) * width;
        if len == 0 {
            return Ok(bound);
        }
        let sums = scratch(&mut bound, 4 * len);
        let launch = self.sums(cx, &mut bound, [sequence, width], sums.clone())?;
        bound.launches.push(launch);
        let shape = [batch, sequence, width];
        let (x, row) = (Fact::sized(DType::F32, &shape), Fact::sized(self.row, &[width]));
        let (y, facts) = (Fact::sized(self.y, &shape), [Some(&x), Some(&row), Some(&row)]);
        let normalized =
            self.normalized.bind(&Binding { inputs: &facts, outputs: &[Some(&y)], word: cx.word })?;
        append(&mut bound, normalized, |operand| match (operand, &self.tables.rows) {
            (Operand::Input(0), _) => sums.clone(),
            (Operand::Input(1), Some([gamma, _])) => Operand::Held(gamma.clone()),
            (Operand::Input(_), Some([_, beta])) => Operand::Held(beta.clone()),
            (Operand::Input(1), None) => Operand::Input(GAMMA),
            (Operand::Input(_), None) => Operand::Input(BETA),
            (other, _) => other,
        });
        if wanted(2) {
            let buffers = [sums, Operand::Output(2)];
            bound.launches.extend(cast::launch(self.kept, self.y, len, buffers)?);
        }
        Ok(bound)
    }
}

impl Lower {
    /// Whether all sizes fit each other.
    fn check(&self, cx: &Binding<'_>, words: usize, sequence: usize, width: usize) -> Result<()> {
        for i in [1, MASK] {
            let fits = cx.optional(i).is_none_or(|ids| count(&ids) == words);
            ensure!(fits, InvalidModel, "input {i} does not fit {words} words");
        }
        let positions = self.positions.and_then(|i| cx.optional(i)).map(|positions| count(&positions));
        let fits = positions.is_none_or(|n| n == sequence || n == words);
        ensure!(fits, InvalidModel, "positions do not fit {words} words");
        for i in [3, 4, GAMMA, BETA] {
            let fits = cx.optional(i).is_none_or(|table| table.last() == Some(&width));
            ensure!(fits, InvalidModel, "tables of different widths: input {i} has not {width} columns");
        }
        Ok(())
    }

    /// The launch that counts the words of each text.
    fn counts(&self, cx: &Binding<'_>, bound: &mut Bound, batch: usize, sequence: usize) -> Result<()> {
        if cx.optional(MASK).is_none() {
            bound.launches.extend(self.fill.launch(batch, [0, 0], Operand::Output(1))?);
        } else if batch > 0 {
            bound.launches.push(Launch {
                pipeline: self.counts,
                buffers: vec![Operand::Input(MASK), Operand::Output(1)],
                parameters: vec![word(batch)?, word(sequence)?, 0, 0],
                groups: groups(batch)?,
            });
        }
        Ok(())
    }

    /// The launch that sums embeddings.
    fn sums(
        &self,
        cx: &Binding<'_>,
        bound: &mut Bound,
        [sequence, width]: [usize; 2],
        to: Operand,
    ) -> Result<Launch<Operand>> {
        let words = count(&cx.input(0)?);
        let positions = self.positions.and_then(|i| cx.optional(i)).map_or(1, |ids| count(&ids));
        let mut parameters = vec![word(words * width)?, word(width)?, word(sequence)?, word(positions)?];
        for i in [2, 3, 4] {
            let rows = cx.optional(i).and_then(|table| table.first().copied()).unwrap_or(1);
            ensure!(rows > 0, InvalidInput, "there are no embeddings in input {i}");
            parameters.push(word(rows)?);
            bound.checks.push(Check::Row(rows));
        }
        parameters.push(word(cx.word)?);
        parameters.extend(self.tables.scales.iter().chain(&self.tables.zeros).map(|x| x.to_bits()));
        let there = |i: Option<usize>| Operand::Input(i.filter(|&i| cx.optional(i).is_some()).unwrap_or(0));
        Ok(Launch {
            pipeline: self.sums,
            buffers: vec![
                Operand::Input(0),
                there(Some(1)),
                there(self.positions),
                Operand::Input(2),
                Operand::Input(3),
                there(Some(4)),
                to,
                Operand::Status,
            ],
            parameters,
            groups: groups(words * width)?,
        })
    }
}
