//! FlexAttention on the CPU. Without graphs it is the loop that all attentions share; with them, scores and
//! shares are whole tensors.

use super::attention_core::{Attend, Joined, Rows, Span, Stage};
use super::softmax::normalize;
use super::wide::{converted, widened};
use super::{Io, Kernel, Lowering};
use crate::ops::flex_attention::FlexAttention;
use crate::ops::heads::Part;
use crate::ops::softmax::Mode;
use crate::plan::Program;
use crate::{Float, Num, Result, Tensor, Value, run};

impl Kernel for FlexAttention {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        let compile = |graph: &Option<_>| graph.as_ref().map(|graph| cx.compile(graph)).transpose();
        let (prob_mod, score_mod) = (compile(&self.prob_mod)?, compile(&self.score_mod)?);
        Ok(Some(Box::new(Flex { op: self.clone(), prob_mod, score_mod })))
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let compile = |graph: &Option<crate::graph::Graph>| graph.clone().map(Program::compile).transpose();
        let (prob_mod, score_mod) = (compile(&self.prob_mod)?, compile(&self.score_mod)?);
        Flex { op: self.clone(), prob_mod, score_mod }.run(io)
    }
}

/// With its graphs ready to run.
struct Flex {
    op: FlexAttention,
    prob_mod: Option<Program>,
    score_mod: Option<Program>,
}

impl Kernel for Flex {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        for_float!(io.input(0)?.dtype(), T => self.attend::<T>(io))
    }
}

impl Flex {
    fn attend<T: Float>(&self, io: &mut Io<'_>) -> Result<()> {
        let (q, k, v) = (io.input(0)?, io.input(1)?, io.input(2)?);
        let [q_part, k_part, v_part] = self.op.parts([q.shape(), k.shape(), v.shape()])?;
        let Part { batch, heads, positions: queries, .. } = q_part;
        let Part { heads: kv_heads, positions: keys, .. } = k_part;
        let new = |data, part: &Part| Joined {
            past: None,
            new: Rows::of(data, part, 1),
            spans: vec![Span { first: 0, past: 0 }; batch],
        };
        let attend = Attend {
            heads,
            kv_heads,
            queries,
            keys,
            q: Rows::of(widened::<T>(q)?, &q_part, 1),
            k: new(widened::<T>(k)?, &k_part),
            v: new(widened::<T>(v)?, &v_part),
            scale: T::Wide::from_f64(self.op.factor(q_part.width)),
            softcap: Num::zero(),
            visible: &|_, _| 0..keys,
            bias: None,
            sinks: None,
        };
        let cx = io.context();
        let y = io.output(0)?.into_slice::<T>()?;
        if self.prob_mod.is_none() && self.score_mod.is_none() {
            return attend.run(cx, y, true);
        }

        let mut scores = Tensor::zeros(self.op.precision(T::DTYPE), &[batch, heads, queries, keys])?;
        for_float!(scores.dtype(), C => {
            let out = scores.view_mut().into_slice::<C>()?;
            attend.write_scores(cx, (out, keys), (Stage::Raw, Num::zero()), |x| C::from_f64(x.to_f64()))
        })?;
        let captures = self.prob_mod.as_ref().map_or(0, |graph| graph.graph().captures);
        let scores = modified(io, self.score_mod.as_ref(), 3 + captures, scores)?;
        let shares = modified(io, self.prob_mod.as_ref(), 3, softmax(scores)?)?;

        let shares = converted::<T::Wide>(shares.view())?;
        attend.sum_by::<T>(cx, y, &Rows::by_head(shares, [heads, queries, keys]))
    }
}

/// What a graph, whose captures begin at that input, makes of a tensor.
fn modified(io: &Io<'_>, graph: Option<&Program>, captures: usize, tensor: Tensor) -> Result<Tensor> {
    let Some(program) = graph else { return Ok(tensor) };
    let (dtype, shape) = (tensor.dtype(), tensor.shape().to_vec());
    let mut inputs = vec![Value::Tensor(tensor)];
    for i in captures..captures + program.graph().captures {
        inputs.push(io.value(i)?);
    }
    let (outputs, _) = run::run(program, inputs, io.context())?;
    match outputs.first() {
        Some(Value::Tensor(out)) if out.dtype() == dtype && out.shape() == shape => Ok(out.clone()),
        other => Err(err!(
            InvalidModel,
            "'{}' must give {dtype}{shape:?}, it gave {other:?}",
            program.graph().name
        )),
    }
}

fn softmax(mut scores: Tensor) -> Result<Tensor> {
    let row = scores.shape().last().copied().unwrap_or(1).max(1);
    for_float!(scores.dtype(), C => {
        let mut wide = vec![<C as Float>::Wide::zero(); row];
        for row in scores.view_mut().into_slice::<C>()?.chunks_mut(row) {
            wide.iter_mut().zip(&*row).for_each(|(w, x)| *w = x.widen());
            normalize(Mode::Soft, &mut wide);
            row.iter_mut().zip(&wide).for_each(|(x, w)| *x = C::narrow(*w));
        }
        Ok(())
    })?;
    Ok(scores)
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{DType, Result, Tensor};

    fn flex(attrs: &[(&str, Attr)], queries: usize, values: &[f32]) -> Result<Vec<f32>> {
        let inputs = [
            Tensor::zeros(DType::F32, &[1, 1, queries, 2])?,
            Tensor::zeros(DType::F32, &[1, 1, values.len(), 2])?,
            Tensor::new(&[1, 1, values.len(), 1], values)?,
        ];
        let inputs = inputs.map(|t| Some(t.into()));
        let y = run(("ai.onnx.preview", "FlexAttention", 1), attrs, &inputs, 1)?;
        Ok(y[0].tensor()?.slice::<f32>()?.to_vec())
    }

    #[test]
    fn without_graphs_it_is_plain_attention() {
        assert_eq!(flex(&[], 2, &[1.0, 3.0]).unwrap(), [2.0, 2.0]);
        assert!(flex(&[], 0, &[1.0]).unwrap().is_empty());
        assert_eq!(flex(&[], 1, &[]).unwrap(), [0.0]);
        assert!(flex(&[("softmax_precision", Attr::Int(7))], 1, &[1.0]).is_err());
    }
}
