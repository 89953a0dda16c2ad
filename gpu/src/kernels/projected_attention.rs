//! Attention and QAttention of com.microsoft: the projection, then what MultiHeadAttention does.
//!
//! Those that turn are left to the host: the angles of their positions are found in f64.

use super::Kernel;
use super::attention_core::{Core, Extent, Kinds, Lengths, Rows, known};
use super::kv_cache::{self, Caches, Kept, Told};
use super::multi_head_attention::scored;
use super::projection::Projected;
use super::shared::{count, input_type, is_float};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand};
use edgewise_core::ops::heads::Part;
use edgewise_core::ops::projected_attention::ProjectedAttention;
use edgewise_core::{DType, Result, Shape};
use std::sync::Arc;

pub fn lower(gpu: &Gpu, op: &Arc<ProjectedAttention>, node: &Lowered<'_>) -> Result<Kernel> {
    let of_type = if op.quantized { 2 } else { 0 };
    let Some(dtype) = input_type(node, of_type).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    let is = |i: usize, dtype| input_type(node, i).is_none_or(|of| of == dtype);
    let (mask, table, past) = op.extras();
    let buffered = op.shared_buffer && !op.quantized && node.has(past);
    let floats = [Some(past), table].into_iter().flatten().all(|i| is(i, dtype));
    let length = !buffered || node.has(6) && is(6, DType::I32) && !node.has(mask);
    if !floats || !is(mask, DType::I32) || !length || op.rotary.is_some() || op.quantized && op.shared_buffer
    {
        return Ok(None);
    }
    let projected = match op.quantized {
        true => Projected::bytes(gpu, node, dtype)?,
        false => Projected::floats(gpu, node, dtype),
    };
    let Some(projected) = projected else { return Ok(None) };
    let lengths = if buffered { Lengths::Past } else { Lengths::Sizes };
    let all = node.fact(1).and_then(|fact| fact.dims.as_ref()).and_then(|dims| known(dims.last()));
    let kinds = Kinds {
        q: dtype,
        k: dtype,
        v: dtype,
        bias: table.and_then(|table| input_type(node, table)),
        masked: node.has(mask),
        capped: false,
        lengths,
        sinks: None,
        y: dtype,
        width: op.widths.map(|[_, _, v]| v).or(all.map(|all| all / 3)).map(|width| width / op.heads),
        stage: None,
    };
    let kept = Kept::of(node, past, 1);
    let caches = (kept != Kept::Nowhere).then(|| {
        let (dtypes, kept) = ([dtype; 2], [kept; 2]);
        Caches::new(gpu, kv_cache::Kinds { dtypes, new: dtypes, pasts: [past; 2], kept, lengths })
    });
    Ok(Some(Box::new(Lower {
        projected,
        core: Core::new(gpu, &kinds),
        caches,
        weights: node.fact(1).and_then(|fact| fact.shape()),
        buffered,
        op: op.clone(),
    })))
}

struct Lower {
    projected: Projected,
    core: Core,
    /// Where there is a past, or it is an output.
    caches: Option<Caches>,
    /// The shape of weights that are known.
    weights: Option<Shape>,
    /// Whether the past is a buffer that new rows fill up.
    buffered: bool,
    op: Arc<ProjectedAttention>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let weights = self.weights.clone().map_or_else(|| cx.input(1), Ok)?;
        let sizes = self.op.projection(&cx.input(0)?, &weights)?;
        let (batch, sequence, heads) = (sizes.batch, sizes.sequence, self.op.heads);
        let bias = cx.optional(2).map_or(sizes.all, |bias| count(&bias));
        ensure!(bias == sizes.all, InvalidInput, "the bias must have {} elements", sizes.all);
        let mut bound = Bound::nothing();
        let of = self.projected.launch(&mut bound, cx, &sizes)?;
        let mut from = 0;
        let [q, mut k, mut v] = sizes.widths.map(|width| {
            let part = Part::columns([batch, sequence, sizes.all], from, [heads, width / heads]);
            from += width;
            Rows { of: of.clone(), part }
        });

        let (mask, table, past_input) = self.op.extras();
        let past = match cx.optional(past_input).as_deref() {
            None => 0,
            Some(&[2, ref cache @ ..]) if k.part.width == v.part.width => k.part.past(Some(cache))?,
            Some(other) => bail!(InvalidInput, "the past {other:?} does not fit {:?}", sizes.widths),
        };
        ensure!(
            !self.buffered || sequence <= past,
            InvalidInput,
            "the past's {past} rows do not hold {sequence} new ones"
        );
        let keys = if self.buffered { past } else { past + sequence };
        let extent = Extent { added: sequence, keys, past };
        let lengths = self.buffered.then_some(Operand::Input(6));
        if let Some(caches) = &self.caches {
            ensure!(
                k.part.width == v.part.width,
                InvalidInput,
                "keys and values of {:?} do not go into one present",
                sizes.widths
            );
            let told = Told::past(&mut bound, cx, self.buffered.then_some((past, sequence)));
            [k, v] = caches.launch(&mut bound, [k, v], keys, &extent, (lengths.as_ref(), told))?;
        }
        let inputs = (mask, table.unwrap_or(usize::MAX));
        let attend = scored(cx, &self.op.scoring, [q, k, v], (extent, lengths), inputs)?;
        self.core.launch(&mut bound, &attend)?;
        Ok(bound)
    }

    fn packed(&self) -> &[usize] {
        self.projected.packed()
    }
}
