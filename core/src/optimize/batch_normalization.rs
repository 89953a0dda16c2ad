//! BatchNormalization after a convolution goes into its weights.

use super::pattern::Pattern;
use super::{Draft, Patch};
use crate::graph::{NodeId, ValueId};
use crate::ops::Op;
use crate::ops::fused_activation::FusedActivation;
use crate::{DType, Result, Tensor};

/// `(conv - mean) / √(variance + ε) · scale + bias`, all constants.
pub fn fold_batch_normalization(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some((Op::BatchNormalization(op), inputs, y)) = Pattern::of(draft).node(id) else { return Ok(None) };
    let [Some(x), Some(scale), Some(shift), Some(mean), Some(variance)] = *inputs else { return Ok(None) };
    let Some(node) = draft.maker(x).filter(|_| draft.only_user(x).is_some()) else { return Ok(None) };
    let Op::Conv(conv) = &node.op else { return Ok(None) };
    let at = |i: usize| node.inputs.get(i).copied().flatten();
    let plain = conv.activation == FusedActivation::None && at(3).is_none() && !op.training && op.spatial;
    let numbers = |value: Option<ValueId>| {
        let view = draft.constant(value?).filter(|view| view.dtype() == DType::F32)?;
        Some((view.to_f32s().ok()?, view.shape().to_vec()))
    };
    let parameters = [scale, shift, mean, variance].map(|id| numbers(Some(id)));
    let ([Some(scale), Some(shift), Some(mean), Some(variance)], Some((mut w, shape)), true) =
        (parameters, numbers(at(1)), plain)
    else {
        return Ok(None);
    };
    let channels = shape.first().copied().unwrap_or(0);
    let bias = match at(2) {
        None => vec![0.0; channels],
        bias => match numbers(bias) {
            Some((bias, _)) => bias,
            None => return Ok(None),
        },
    };
    let lengths = [&scale.0, &shift.0, &mean.0, &variance.0, &bias].map(Vec::len);
    if channels == 0 || lengths.iter().any(|&len| len != channels) {
        return Ok(None);
    }
    let mut folded = Vec::with_capacity(channels);
    let len = w.len() / channels;
    for (c, w) in w.chunks_mut(len.max(1)).enumerate() {
        let factor = f64::from(scale.0[c]) / (f64::from(variance.0[c]) + f64::from(op.epsilon)).sqrt();
        w.iter_mut().for_each(|w| *w = (f64::from(*w) * factor) as f32);
        folded.push((f64::from(shift.0[c]) + (f64::from(bias[c]) - f64::from(mean.0[c])) * factor) as f32);
    }
    let finite = |x: &f32| x.is_finite();
    if !w.iter().all(finite) || folded.len() != channels || !folded.iter().all(finite) {
        return Ok(None);
    }
    let mut patch = Patch::new(draft);
    let name = &node.name;
    let w = patch.constant(format!("{name}.weights"), Tensor::new(&shape, &w)?);
    let bias = patch.constant(format!("{name}.bias"), Tensor::new(&[channels], &folded)?);
    patch.moved(node, [at(0), Some(w), Some(bias)], [Some(y)]);
    Ok(Some(patch))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Build, rewritten_alike, waves};
    use super::*;
    use crate::optimize::Rule;

    #[test]
    fn it_goes_into_weights_and_bias() {
        const RULES: &[(&str, Rule)] = &[("fold_batch_normalization", fold_batch_normalization)];
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[1, 2, 3, 3]);
        let w = b.constant("w", waves(&[4, 2, 2, 2]));
        let parameters = ["scale", "shift", "mean"].map(|name| b.constant(name, waves(&[4])));
        let variance = b.constant("variance", Tensor::new(&[4], &[1f32, 0.5, 0.25, 3.0]).unwrap());
        let p = b.node("Conv", &[x, w], "p");
        let [scale, shift, mean] = parameters;
        let y = b.node("BatchNormalization", &[p, scale, shift, mean, variance], "y");
        let text = rewritten_alike(b.finish(&[y]), RULES, &[waves(&[1, 2, 3, 3])]);
        assert_eq!(text, "y = Conv (x, p.weights, p.bias)\n");
    }
}
