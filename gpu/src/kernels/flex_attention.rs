//! FlexAttention where no graph changes its scores or its shares; a node with graphs stays with the host.

use super::Kernel;
use super::attention_core::{Attend, Core, Extent, Kinds, Lengths, Rows, known};
use super::shared::{input_type, is_float};
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand};
use edgewise_core::ops::flex_attention::FlexAttention;
use std::sync::Arc;

pub fn lower(gpu: &Gpu, op: &Arc<FlexAttention>, node: &Lowered<'_>) -> Result<Kernel> {
    let float = |i| input_type(node, i).filter(|&dtype| is_float(dtype));
    let (Some(q), Some(k), Some(v)) = (float(0), float(1), float(2)) else { return Ok(None) };
    if [k, v] != [q; 2] || op.prob_mod.is_some() || op.score_mod.is_some() {
        return Ok(None);
    }
    let dims = node.fact(2).and_then(|fact| fact.dims.as_ref());
    let kinds = Kinds {
        q,
        k,
        v,
        bias: None,
        masked: false,
        capped: false,
        lengths: Lengths::Sizes,
        sinks: None,
        y: q,
        width: dims.and_then(|dims| known(dims.last())),
        stage: None,
    };
    Ok(Some(Box::new(Lower { core: Core::new(gpu, &kinds), op: op.clone() })))
}

struct Lower {
    core: Core,
    op: Arc<FlexAttention>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let shapes = [cx.input(0)?, cx.input(1)?, cx.input(2)?];
        let [q, k, v] = self.op.parts([&shapes[0], &shapes[1], &shapes[2]])?;
        let rows = |i, part| Rows { of: Operand::Input(i), part };
        let mut bound = Bound::nothing();
        let attend = Attend {
            q: rows(0, q),
            k: rows(1, k),
            v: rows(2, v),
            extent: Extent { added: k.positions, keys: k.positions, past: 0 },
            bias: None,
            mask: None,
            lengths: None,
            sinks: None,
            sink: None,
            window: [None; 2],
            causal: false,
            scale: self.op.factor(q.width) as f32,
            softcap: 0.0,
            filter: 0.0,
            by_head: true,
        };
        self.core.launch(&mut bound, &attend)?;
        Ok(bound)
    }
}
