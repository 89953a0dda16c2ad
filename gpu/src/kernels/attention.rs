//! Attention of ai.onnx.

use super::Kernel;
use super::attention_core::{Attend, Core, Extent, Kinds, Lengths, Rows, Stage, known};
use super::kv_cache::{self, Caches, Kept, Told};
use super::shared::{input_type, is_float};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand};
use edgewise_core::ops::attention::Attention;
use edgewise_core::ops::masks::table_shape;
use edgewise_core::{DType, Result};

pub fn lower(gpu: &Gpu, op: &Attention, node: &Lowered<'_>) -> Result<Kernel> {
    let float = |i| input_type(node, i).filter(|&dtype| is_float(dtype));
    let (Some(q), Some(k), Some(v)) = (float(0), float(1), float(2)) else { return Ok(None) };
    let (bias, padded) = (input_type(node, 3), input_type(node, 6));
    let pasts =
        [(4, k), (5, v)].into_iter().all(|(i, dtype)| !node.has(i) || input_type(node, i) == Some(dtype));
    let added = !node.has(3) || bias.is_some_and(|dtype| is_float(dtype) || dtype == DType::Bool);
    if q != k || !pasts || !added || node.has(6) && padded != Some(DType::I64) {
        return Ok(None);
    }
    let stage = node.output(3).map(|_| match op.scores_mode {
        0 => Stage::Raw,
        1 => Stage::Capped,
        2 => Stage::Biased,
        _ => Stage::Soft,
    });
    let width =
        node.fact(2).and_then(|fact| fact.dims.as_ref()).and_then(|dims| match (&dims[..], op.heads) {
            ([_, _, _, width], _) => known(Some(width)),
            ([_, _, hidden], Some([_, heads])) => known(Some(hidden)).map(|hidden| hidden / heads),
            _ => None,
        });
    let lengths = if node.has(6) { Lengths::Unpadded } else { Lengths::Sizes };
    let kinds = Kinds {
        q,
        k,
        v,
        bias,
        masked: false,
        capped: op.softcap > 0.0,
        lengths,
        sinks: None,
        y: q,
        width,
        stage,
    };
    let kept = [Kept::of(node, 4, 1), Kept::of(node, 5, 2)];
    let caches = (kept != [Kept::Nowhere; 2]).then(|| {
        let dtypes = [k, v];
        let lengths = Lengths::Sizes;
        Caches::new(gpu, kv_cache::Kinds { dtypes, new: dtypes, pasts: [4, 5], kept, lengths })
    });
    Ok(Some(Box::new(Lower { core: Core::new(gpu, &kinds), caches, stage, op: op.clone() })))
}

struct Lower {
    core: Core,
    /// Where there is a past, or keys or values are outputs.
    caches: Option<Caches>,
    stage: Option<Stage>,
    op: Attention,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let shapes = [cx.input(0)?, cx.input(1)?, cx.input(2)?];
        let [q, k, v] = self.op.parts([&shapes[0], &shapes[1], &shapes[2]])?;
        let past = k.past(cx.optional(4).as_deref())?;
        ensure!(past == v.past(cx.optional(5).as_deref())?, InvalidInput, "past key and past value differ");
        let extent = Extent { added: k.positions, keys: past + k.positions, past };
        let bias = match cx.optional(3) {
            None => None,
            Some(shape) => Some((Operand::Input(3), table_shape(&shape, [q.batch, q.heads, q.positions])?)),
        };
        ensure!(
            bias.as_ref().is_none_or(|(_, [.., keys])| *keys <= extent.keys),
            InvalidInput,
            "the mask is for more than {} keys",
            extent.keys
        );
        let padded = cx.optional(6);
        ensure!(
            padded.as_ref().is_none_or(|lengths| lengths[..] == [q.batch]),
            InvalidInput,
            "nonpad_kv_seqlen must have a length for each of {} batches",
            q.batch
        );
        let mut bound = Bound::nothing();
        let mut rows = [(1, k), (2, v)].map(|(i, part)| Rows { of: Operand::Input(i), part });
        if let Some(caches) = &self.caches {
            rows = caches.launch(&mut bound, rows, extent.keys, &extent, (None, Told::Nothing))?;
        }
        let [k, v] = rows;
        let attend = Attend {
            q: Rows { of: Operand::Input(0), part: q },
            k,
            v,
            extent,
            bias,
            mask: None,
            lengths: padded.map(|_| Operand::Input(6)),
            sinks: None,
            sink: None,
            window: self.op.window.map(|size| size.and_then(|size| usize::try_from(size).ok())),
            causal: self.op.causal,
            scale: self.op.scale(q.width) as f32,
            softcap: self.op.softcap,
            filter: 0.0,
            by_head: q.by_head,
        };
        if let Some(stage) = self.stage {
            let unseen = if stage == Stage::Biased { f32::NEG_INFINITY } else { 0.0 };
            self.core.launch_scores(&mut bound, &attend, extent.keys, unseen)?;
        }
        self.core.launch(&mut bound, &attend)?;
        Ok(bound)
    }
}
