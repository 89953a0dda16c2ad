//! MultiHeadAttention.

use super::Kernel;
use super::attention_core::{Attend, Core, Extent, Kinds, Lengths, Rows, Stage, known};
use super::kv_cache::{self, Caches, Kept, Told};
use super::rotary_embedding::{Change, Changes, Prepare};
use super::shared::{count, input_type, is_float};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand};
use edgewise_core::graph::Dims;
use edgewise_core::ops::heads::Part;
use edgewise_core::ops::masks::{Extent as MaskExtent, MaskForm, table_shape};
use edgewise_core::ops::multi_head_attention::{MultiHeadAttention, Scoring};
use edgewise_core::{DType, Result};
use std::sync::Arc;

pub fn lower(gpu: &Gpu, op: &Arc<MultiHeadAttention>, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    let is = |i: usize, dtype| input_type(node, i).is_none_or(|of| of == dtype);
    let floats = [1, 2, 3, 5, 6, 7].into_iter().all(|i| is(i, dtype));
    let rank = |i: usize| node.fact(i).map(|fact| fact.dims.as_ref().map(|dims| dims.len()));
    let ranks = [rank(0), rank(1), rank(2)];
    // With a past whose length nobody knows yet, neither is the form of a mask.
    let vague = node.has(8) && node.has(4);
    if !floats
        || !is(4, DType::I32)
        || !is(8, DType::I32)
        || vague
        || node.has(9)
        || ranks.contains(&Some(None))
    {
        return Ok(None);
    }
    let lengths = if node.has(8) { Lengths::Past } else { Lengths::Sizes };
    let prepare = Prepare::new(gpu, dtype, &Changes { bias: Some(dtype), ..Changes::default() });
    // A bias is not added to what lies by head.
    let [_, k_rank, v_rank] = ranks;
    let biased = [true, k_rank != Some(Some(4)), v_rank != Some(Some(4))].map(|may| may && node.has(3));
    let new = biased.map(|biased| if biased { DType::F32 } else { dtype });
    let kept = [Kept::of(node, 6, 1), Kept::of(node, 7, 2)];
    let [q, new_keys, new_values] = new;
    let caches = (kept != [Kept::Nowhere; 2]).then(|| {
        let (dtypes, new) = ([dtype; 2], [new_keys, new_values]);
        Caches::new(gpu, kv_cache::Kinds { dtypes, new, pasts: [6, 7], kept, lengths })
    });
    let kept_type = |kept, new| if kept == Kept::Nowhere { new } else { dtype };
    let stage = node.output(3).map(|_| Stage::Biased);
    let kinds = Kinds {
        q,
        k: kept_type(kept[0], new_keys),
        v: kept_type(kept[1], new_values),
        bias: input_type(node, 5),
        masked: node.has(4),
        capped: false,
        lengths,
        sinks: None,
        y: dtype,
        width: width(op, node),
        stage,
    };
    let prepare = node.has(3).then_some(prepare);
    Ok(Some(Box::new(Lower { core: Core::new(gpu, &kinds), caches, prepare, biased, stage, op: op.clone() })))
}

/// Elements of a row of values, if that is known.
fn width(op: &MultiHeadAttention, node: &Lowered<'_>) -> Option<usize> {
    let dims = |i: usize| node.fact(i).and_then(|fact| fact.dims.as_ref()).map(Dims::as_slice);
    match (dims(0), dims(1), dims(2)) {
        (_, _, Some([_, _, _, width])) | (_, Some([_, _, _, _, width]), None) => known(Some(width)),
        (_, _, Some([_, _, hidden])) => known(Some(hidden)).map(|hidden| hidden / op.heads),
        (Some([_, _, _, _, width]), ..) => known(Some(width)),
        _ => None,
    }
}

struct Lower {
    core: Core,
    /// Where there is a past, or keys or values are outputs.
    caches: Option<Caches>,
    /// What adds the bias, and to which of query, key and value.
    prepare: Option<Prepare>,
    biased: [bool; 3],
    stage: Option<Stage>,
    op: Arc<MultiHeadAttention>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let query = cx.input(0)?;
        let parts = self.op.parts(&query, cx.optional(1).as_deref(), cx.optional(2).as_deref())?;
        let [(_, q), (_, k), (_, v)] = parts;
        let past = k.past(cx.optional(6).as_deref())?;
        ensure!(past == v.past(cx.optional(7).as_deref())?, InvalidInput, "past key and past value differ");
        let buffered = cx.optional(8).is_some();
        ensure!(
            !buffered || k.positions <= past,
            InvalidInput,
            "a buffer of {past} rows does not hold {} new ones",
            k.positions
        );
        let keys = if buffered { past } else { past + k.positions };
        let extent = Extent { added: k.positions, keys, past };
        let lengths = buffered.then_some(Operand::Input(8));

        let mut bound = Bound::nothing();
        let told = Told::past(&mut bound, cx, buffered.then_some((past, k.positions)));
        let expected = self.op.heads * (q.width + k.width + v.width);
        let bias = cx.optional(3).map_or(expected, |bias| count(&bias));
        ensure!(bias == expected, InvalidInput, "the bias must have {expected} elements");
        let starts = [0, self.op.heads * q.width, self.op.heads * (q.width + k.width)];
        let mut rows = Vec::with_capacity(3);
        for (((input, part), start), biased) in parts.into_iter().zip(starts).zip(self.biased) {
            let plain = Rows { of: Operand::Input(input), part };
            rows.push(match &self.prepare {
                Some(prepare) if biased => {
                    let to = Rows::scratch(&mut bound, &part);
                    let change = Change { bias: Some((Operand::Input(3), start)), ..Change::default() };
                    prepare.launch(&mut bound, &plain, &to, &change)?;
                    to
                }
                _ => plain,
            });
        }
        let [q, mut k, mut v] = <[Rows; 3]>::try_from(rows).map_err(|_| err!(Internal, "three rows"))?;
        if let Some(caches) = &self.caches {
            [k, v] = caches.launch(&mut bound, [k, v], keys, &extent, (lengths.as_ref(), told))?;
        }
        let attend = scored(cx, &self.op.scoring, [q, k, v], (extent, lengths), (4, 5))?;
        if self.stage.is_some() {
            let columns = cx.output(3)?.last().copied().unwrap_or(0);
            self.core.launch_scores(&mut bound, &attend, columns, f32::MIN)?;
        }
        self.core.launch(&mut bound, &attend)?;
        Ok(bound)
    }
}

/// What MultiHeadAttention, Attention and QAttention of com.microsoft do once they have their rows; mask and table
/// are those inputs, if they are there.
pub fn scored(
    cx: &Binding<'_>,
    scoring: &Scoring,
    [q, k, v]: [Rows; 3],
    (extent, lengths): (Extent, Option<Operand>),
    (mask, table): (usize, usize),
) -> Result<Attend> {
    let Part { batch, heads, positions: queries, width, .. } = q.part;
    let to = MaskExtent { batch, queries, past: extent.past, keys: extent.keys };
    let mask = match cx.optional(mask) {
        Some(shape) => Some((Operand::Input(mask), MaskForm::of(&shape, &to)?)),
        None => None,
    };
    let bias = match cx.optional(table) {
        Some(shape) => Some((Operand::Input(table), table_shape(&shape, [batch, heads, queries])?)),
        None => None,
    };
    // In a buffer that is filled up, only the GPU knows how many keys there are.
    ensure!(
        lengths.is_some() || bias.as_ref().is_none_or(|(_, [.., keys])| *keys >= extent.keys),
        InvalidInput,
        "a bias that does not reach the last of {} keys",
        extent.keys
    );
    Ok(Attend {
        q,
        k,
        v,
        extent,
        bias,
        mask,
        lengths,
        sinks: None,
        sink: None,
        window: [None; 2],
        causal: scoring.causal,
        scale: scoring.scale.unwrap_or(1.0 / (width as f32).sqrt()),
        softcap: 0.0,
        filter: scoring.mask_filter,
        by_head: false,
    })
}
