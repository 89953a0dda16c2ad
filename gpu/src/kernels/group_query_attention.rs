//! GroupQueryAttention: norm and rotate what is new, put it behind the cache, attend.
//!
//! Quantized caches and those that hold little more than a window are left to the host. Lengths lie on the device: what
//! makes the cache of keys looks at them, and what turns queries at positions.

use super::Kernel;
use super::attention_core::{Attend, Core, Extent, Kinds, Lengths, Rows, Stage, known};
use super::kv_cache::{self, Caches, Kept, Told};
use super::rotary_embedding::{Change, Changes, Ids, Prepare, Tables, is_position};
use super::shared::{count, input_type, is_float, known_ints, will_be_known};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, Check, DeviceKernel, Lowered, Operand};
use edgewise_core::ops::group_query_attention::{CacheScale, GroupQueryAttention, Scores};
use edgewise_core::ops::heads::Part;
use edgewise_core::ops::masks::table_shape;
use edgewise_core::{DType, Result};
use std::sync::Arc;

/// The weights of norms.
const QUERY_WEIGHTS: usize = 14;
const KEY_WEIGHTS: usize = 15;

pub fn lower(gpu: &Gpu, op: &Arc<GroupQueryAttention>, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    let is = |i: usize, dtype| input_type(node, i).is_none_or(|of| of == dtype);
    let floats = [1, 2, 3, 4, 7, 8, 10, 11, 14, 15].into_iter().all(|i| is(i, dtype));
    let plain = [op.k_scale, op.v_scale] == [CacheScale::None; 2] && !op.window_cache && op.window != Some(0);
    let stage = match (node.output(3), op.scores) {
        (None, _) => None,
        (Some(_), Scores::BeforeSoftmax) => Some(Stage::Biased),
        (Some(_), Scores::AfterSoftmax) => Some(Stage::Soft),
        (Some(_), Scores::None) => return Ok(None),
    };
    // Sizes of outputs need the total length, so that it is known by then.
    let total = will_be_known(node, 6) || (1..4).any(|i| node.output(i).is_some());
    let positions = input_type(node, 9);
    if !floats || !plain || !total || !is(5, DType::I32) || !positions.is_none_or(is_position) {
        return Ok(None);
    }
    let tables = op.rotary.then_some((dtype, op.interleaved));
    let positions = positions.filter(|_| op.rotary);
    let changes = |weights, paired| Changes {
        bias: None,
        weights,
        tables,
        positions,
        lengths: Some(Lengths::Totals),
        paired,
    };
    let weights = [QUERY_WEIGHTS, KEY_WEIGHTS].map(|i| input_type(node, i));
    let prepare = match weights {
        [None, None] if op.rotary => Preparation::Both(Prepare::new(gpu, dtype, &changes(None, true))),
        _ => Preparation::Each(weights.map(|weights| {
            let changed = weights.is_some() || op.rotary;
            changed.then(|| Prepare::new(gpu, dtype, &changes(weights, false)))
        })),
    };
    let [q, k] = prepare.changes().map(|changed| if changed { DType::F32 } else { dtype });
    let caches = kv_cache::Kinds {
        dtypes: [dtype; 2],
        new: [k, dtype],
        pasts: [3, 4],
        kept: [1, 2].map(|i| node.output(i).map_or(Kept::Scratch, |_| Kept::Output(i))),
        lengths: Lengths::Totals,
    };
    let heads = if node.has(1) { op.heads } else { op.heads + 2 * op.kv_heads };
    let hidden = node.fact(0).and_then(|fact| fact.dims.as_ref()).and_then(|dims| known(dims.last()));
    let kinds = Kinds {
        q,
        k: dtype,
        v: dtype,
        bias: input_type(node, 10),
        masked: false,
        capped: op.softcap > 0.0,
        lengths: Lengths::Totals,
        sinks: input_type(node, 11),
        y: dtype,
        width: hidden.map(|hidden| hidden / heads),
        stage,
    };
    Ok(Some(Box::new(Lower {
        core: Core::new(gpu, &kinds),
        caches: Caches::new(gpu, caches),
        prepare,
        stage,
        op: op.clone(),
    })))
}

/// How query and key are made ready.
enum Preparation {
    /// They only turn: together.
    Both(Prepare),
    /// One after the other, as weights of norms take the place of a second tensor; or not at all.
    Each([Option<Prepare>; 2]),
}

impl Preparation {
    /// Whether query and key become others.
    fn changes(&self) -> [bool; 2] {
        match self {
            Preparation::Both(_) => [true; 2],
            Preparation::Each(each) => each.each_ref().map(Option::is_some),
        }
    }
}

struct Lower {
    core: Core,
    caches: Caches,
    prepare: Preparation,
    stage: Option<Stage>,
    op: Arc<GroupQueryAttention>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let parts = self.op.parts(&cx.input(0)?, cx.optional(1).as_deref(), cx.optional(2).as_deref())?;
        let [(_, q), (_, k), _] = parts;
        let total = known_ints(cx, 6).and_then(|total| total.first().copied());
        let total = total.ok_or_else(|| err!(Internal, "the total length is not known"))?;
        let total = usize::try_from(total).unwrap_or(0);
        ensure!(
            total >= q.positions,
            InvalidInput,
            "total length {total} is less than the {} new tokens",
            q.positions
        );
        let lengths = count(&cx.input(5)?);
        ensure!(lengths == q.batch, InvalidInput, "expected {} lengths, got {lengths}", q.batch);
        let past = k.past(cx.optional(3).as_deref())?;
        ensure!(past == k.past(cx.optional(4).as_deref())?, InvalidInput, "past key and past value differ");
        let extent = Extent { added: q.positions, keys: total, past };
        let lengths = Operand::Input(5);

        let mut bound = Bound::nothing();
        let of_lengths = Check::Total { total, added: q.positions, rows: past };
        bound.checks.push(of_lengths);
        if self.op.rotary {
            let table = cx.input(7)?;
            bound.checks.push(Check::Position(count(table.get(..table.len() - 1).unwrap_or(&[]))));
        }
        let [q, k, v] = parts.map(|(input, part)| Rows { of: Operand::Input(input), part });
        let [q, k] = self.prepared(&mut bound, cx, [q, k], (&lengths, extent))?;
        let told = (Some(&lengths), Told::Here(of_lengths, cx.word));
        let [k, v] = self.caches.launch(&mut bound, [k, v], past.max(total), &extent, told)?;
        let attend = self.attend(cx, [q, k, v], (extent, lengths))?;
        if self.stage.is_some() {
            self.core.launch_scores(&mut bound, &attend, total, 0.0)?;
        }
        self.core.launch(&mut bound, &attend)?;
        Ok(bound)
    }

    fn on_host(&self) -> &[usize] {
        &[6]
    }
}

impl Lower {
    /// Query and key, normalized and turned where that is asked for.
    fn prepared(
        &self,
        bound: &mut Bound,
        cx: &Binding<'_>,
        [mut q, mut k]: [Rows; 2],
        (lengths, extent): (&Operand, Extent),
    ) -> Result<[Rows; 2]> {
        let each = match &self.prepare {
            Preparation::Both(prepare) => {
                let change = self.change(cx, (QUERY_WEIGHTS, q.part.width), lengths, extent)?;
                return prepare.launch_both(bound, [&q, &k], &change);
            }
            Preparation::Each(each) => each,
        };
        let weights = [QUERY_WEIGHTS, KEY_WEIGHTS];
        for ((rows, prepare), weights) in [&mut q, &mut k].into_iter().zip(each).zip(weights) {
            let Some(prepare) = prepare else { continue };
            let to = Rows::scratch(bound, &rows.part);
            let change = self.change(cx, (weights, rows.part.width), lengths, extent)?;
            prepare.launch(bound, rows, &to, &change)?;
            *rows = to;
        }
        Ok([q, k])
    }

    /// What is done to query or key before all. Positions are those of both, and looked at once.
    fn change<'a>(
        &self,
        cx: &Binding<'_>,
        (input, size): (usize, usize),
        lengths: &'a Operand,
        extent: Extent,
    ) -> Result<Change<'a>> {
        let normed = cx.optional(input);
        ensure!(
            normed.as_ref().is_none_or(|shape| count(shape) == size),
            InvalidInput,
            "input {input} must have {size} weights"
        );
        let weights = normed.map(|_| (Operand::Input(input), self.op.norm_epsilon));
        let mut change = Change { weights, lengths: Some(lengths), extent, ..Change::default() };
        if self.op.rotary {
            let table = cx.input(7)?;
            let angles = table.last().copied().unwrap_or(0);
            ensure!(
                table == cx.input(8)? && table.len() >= 2 && 2 * angles <= size,
                InvalidInput,
                "rotary tables of shape {table:?} do not fit heads of {size}"
            );
            let prompt = extent.added == extent.keys;
            let ids = cx.optional(9).map(|shape| count(&shape));
            let needed = if prompt { extent.added.min(1) } else { count(&cx.input(5)?) * extent.added };
            ensure!(
                ids.is_none_or(|ids| ids >= needed),
                InvalidInput,
                "expected {needed} position ids or more"
            );
            let ids = ids.map(|_| (Operand::Input(9), if prompt { Ids::First } else { Ids::Each }));
            change.word = (input == QUERY_WEIGHTS).then_some(cx.word + 1);
            change.tables = Some(Tables {
                cosines: Operand::Input(7),
                sines: Operand::Input(8),
                shape: [count(&table) / angles.max(1), angles],
                positions: ids,
                continued: true,
            });
        }
        Ok(change)
    }

    fn attend(
        &self,
        cx: &Binding<'_>,
        [q, k, v]: [Rows; 3],
        (extent, lengths): (Extent, Operand),
    ) -> Result<Attend> {
        let Part { batch, heads, positions, width, .. } = q.part;
        let bias = match cx.optional(10) {
            Some(shape) => Some((Operand::Input(10), table_shape(&shape, [batch, heads, positions])?)),
            None => None,
        };
        let sinks = cx.optional(11);
        ensure!(
            sinks.as_ref().is_none_or(|shape| count(shape) == heads),
            InvalidInput,
            "expected a sink for each of {heads} heads"
        );
        Ok(Attend {
            q,
            k,
            v,
            extent,
            bias,
            mask: None,
            lengths: Some(lengths),
            sink: (sinks.is_none() && self.op.smooth_softmax).then_some(0.0),
            sinks: sinks.map(|_| Operand::Input(11)),
            // A window counts the query itself.
            window: [self.op.window.filter(|_| self.op.causal).map(|window| window - 1), None],
            causal: self.op.causal,
            scale: self.op.scale.unwrap_or(1.0 / (width as f32).sqrt()),
            softcap: self.op.softcap,
            filter: 0.0,
            by_head: false,
        })
    }
}
