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
        view.to_f32s().ok()
    };
    let parameters = [scale, shift, mean, variance].map(|id| numbers(Some(id)));
    let weights = at(1).filter(|w| draft.dtype(*w) == Some(DType::F32)).filter(|_| plain);
    let ([Some(scale), Some(shift), Some(mean), Some(variance)], Some((w, constant))) =
        (parameters, weights.and_then(|w| Some((w, draft.stored(w)?))))
    else {
        return Ok(None);
    };
    let channels = constant.shape().first().copied().unwrap_or(0);
    let bias = match at(2) {
        None => vec![0.0; channels],
        bias => match numbers(bias) {
            Some(bias) => bias,
            None => return Ok(None),
        },
    };
    let lengths = [&scale, &shift, &mean, &variance, &bias].map(Vec::len);
    if constant.shape().contains(&0) || channels == 0 || lengths.iter().any(|&len| len != channels) {
        return Ok(None);
    }
    let (mut factors, mut folded) = (Vec::with_capacity(channels), Vec::with_capacity(channels));
    for c in 0..channels {
        let factor = f64::from(scale[c]) / (f64::from(variance[c]) + f64::from(op.epsilon)).sqrt();
        factors.push(factor);
        folded.push((f64::from(shift[c]) + (f64::from(bias[c]) - f64::from(mean[c])) * factor) as f32);
    }
    let finite = |x: f32| x.is_finite();
    let Some(before) = draft.glance(w) else { return Ok(None) };
    if !scaled(before.slice()?, &factors).all(finite) || !folded.iter().copied().all(finite) {
        return Ok(None);
    }
    let mut patch = Patch::new(draft);
    let name = &node.name;
    let kind = (DType::F32, constant.shape());
    let w = patch.derived(format!("{name}.weights"), constant, kind, move |w| {
        let after: Vec<f32> = scaled(w.slice()?, &factors).collect();
        Tensor::new(w.shape(), &after)
    })?;
    let bias = patch.constant(format!("{name}.bias"), Tensor::new(&[channels], &folded)?);
    patch.moved(node, [at(0), Some(w), Some(bias)], [Some(y)]);
    Ok(Some(patch))
}

/// Weights, those of each channel times its factor.
fn scaled<'a>(weights: &'a [f32], factors: &'a [f64]) -> impl Iterator<Item = f32> + 'a {
    let len = (weights.len() / factors.len().max(1)).max(1);
    let channels = weights.chunks(len).zip(factors);
    channels.flat_map(|(weights, &factor)| weights.iter().map(move |w| (f64::from(*w) * factor) as f32))
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
