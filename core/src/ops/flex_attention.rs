//! FlexAttention (ai.onnx.preview): attention whose scores and shares may go through graphs of the model.
//!
//! Inputs Q, K, V [batch, heads, sequence, size], floats of every width; heads of Q share those of K and V.
//! `score_mod` changes the scores before the softmax, `prob_mod` the shares after it; both take and give a
//! tensor [batch, heads, queries, keys] of the type `softmax_precision` (f32; f64 where Q is).

use super::heads::Part;
use super::{Attrs, Operator};
use crate::graph::{Dims, Graph, Infer};
use crate::{DType, Result};

/// FlexAttention.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are the attributes'")]
pub struct FlexAttention {
    pub prob_mod: Option<Graph>,
    pub score_mod: Option<Graph>,
    /// Of the scores; `None`: 1 / sqrt(size of a head).
    pub scale: Option<f32>,
    softmax_precision: Option<DType>,
}

impl Operator for FlexAttention {
    fn parse(a: &mut Attrs) -> Result<FlexAttention> {
        a.arity(3..=3, 1..=1)?;
        let op = FlexAttention {
            prob_mod: a.graph("prob_mod")?,
            score_mod: a.graph("score_mod")?,
            scale: a.float("scale")?,
            softmax_precision: a.dtype("softmax_precision")?,
        };
        for graph in op.graphs() {
            let (inputs, outputs) = (graph.inputs.len() - graph.captures, graph.outputs.len());
            ensure!(
                inputs == 1 && outputs == 1,
                InvalidModel,
                "'{}' must have one input and one output, it has {inputs} and {outputs}",
                graph.name
            );
        }
        let floats = [DType::F32, DType::F64, DType::F16, DType::BF16];
        ensure!(
            op.softmax_precision.is_none_or(|dtype| floats.contains(&dtype)),
            InvalidModel,
            "softmax_precision must be a float type, got {:?}",
            op.softmax_precision
        );
        Ok(op)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let mut y = cx.dims(0).cloned();
        for i in 0..3 {
            let four = cx.dims(i).is_none_or(|dims| dims.len() == 4);
            ensure!(four, InvalidModel, "input {i} must have four axes, got {:?}", cx.dims(i));
        }
        match (&mut y, cx.dims(2).map(Dims::as_slice)) {
            (Some(y), Some([.., size])) => y[3] = size.clone(),
            _ => y = None,
        }
        cx.set_tensor(0, cx.dtype(0)?, y);
        Ok(())
    }

    fn graphs(&self) -> Vec<&Graph> {
        self.prob_mod.iter().chain(&self.score_mod).collect()
    }

    fn graphs_mut(&mut self) -> Vec<&mut Graph> {
        self.prob_mod.iter_mut().chain(&mut self.score_mod).collect()
    }

    fn is_pure(&self) -> bool {
        super::all_pure(&self.graphs())
    }
}

impl FlexAttention {
    /// The type of scores and shares.
    pub fn precision(&self, q: DType) -> DType {
        self.softmax_precision.unwrap_or(if q == DType::F64 { q } else { DType::F32 })
    }
}

impl FlexAttention {
    /// Where Q, K and V lie in tensors of those shapes.
    pub fn parts(&self, [q, k, v]: [&[usize]; 3]) -> Result<[Part; 3]> {
        ensure!(
            [q, k, v].iter().all(|shape| shape.len() == 4),
            InvalidModel,
            "Q, K and V must have four axes, got {q:?}, {k:?} and {v:?}"
        );
        let parts = [Part::of(q, None)?, Part::of(k, None)?, Part::of(v, None)?];
        let [queries, keys, values] = &parts;
        ensure!(
            (keys.batch, keys.heads, keys.positions) == (values.batch, values.heads, values.positions)
                && (queries.batch, queries.width) == (keys.batch, keys.width)
                && keys.heads > 0
                && queries.heads.is_multiple_of(keys.heads),
            InvalidModel,
            "Q {q:?}, K {k:?} and V {v:?} do not go together"
        );
        Ok(parts)
    }

    /// What scores are multiplied with, of heads of that size.
    pub fn factor(&self, size: usize) -> f64 {
        self.scale.map_or(1.0 / (size as f64).sqrt(), f64::from)
    }
}
