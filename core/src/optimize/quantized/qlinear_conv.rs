//! DequantizeLinear → Conv → QuantizeLinear becomes QLinearConv.

use super::addend::Product;
use super::parameters::{Found, Site, reason};
use super::{Draft, Patch};
use crate::Result;
use crate::graph::NodeId;
use crate::ops::Op;
use crate::ops::conv::Conv;
use crate::ops::fused_activation::FusedActivation;
use crate::ops::qlinear_conv::{Gives, QLinearConv};
use crate::tensor::element_count;

/// Makes the convolution before a QuantizeLinear one of integers.
pub fn qlinear_conv(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(site) = Site::at(draft, id) else { return Ok(None) };
    let Op::Conv(conv) = &site.node.op else { return Ok(None) };
    site.answer(rewritten(&site, conv))
}

fn rewritten(site: &Site<'_>, conv: &Conv) -> Found<Patch> {
    let y = site.target()?;
    let x = site.input(0)?.bytes_with_one_scale()?;
    let w = site.input(1)?;
    if !matches!(conv.activation, FusedActivation::None) || site.value(3).is_some() {
        return Err("it adds a tensor or has an activation".into());
    }
    let rank = site.draft.rank(w.value).ok_or("the shape of the weights is not known")?;
    if w.scales.len() > 1 && w.axis != 0 && w.axis != -(rank as i64) {
        return Err(format!("the weights have scales along axis {}, not along the output channels", w.axis));
    }
    let mut patch = Patch::new(site.draft);
    let terms = site
        .draft
        .fact(w.value)
        .and_then(|fact| fact.shape())
        .and_then(|w| element_count(w.get(1..)?).ok())
        .map(|terms| terms as u64);
    let product = Product { a: &x, b: &w, terms, alpha: 1.0, beta: 1.0 };
    let bias = product.addend(site.draft, &mut patch, site.value(2))?;
    if bias.is_some_and(|bias| patch.rank(site.draft, bias) != Some(1)) {
        return Err("the bias is no vector".into());
    }
    let mut inputs = x.inputs(&mut patch).map_err(reason)?.to_vec();
    inputs.extend(w.inputs(&mut patch).map_err(reason)?);
    inputs.extend(y.parameters(&mut patch).map_err(reason)?);
    inputs.push(bias);
    let op = QLinearConv { windows: conv.windows.clone(), gives: Gives::Bytes, channels_last: false };
    let op = (Op::QLinearConv(op.into()), "QLinearConv");
    patch.node(&site.node.name, op, inputs, [Some(y.value)]);
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::super::{QUANTIZED, Rule};
    use super::qlinear_conv;
    use crate::graph::{Graph, ValueId};
    use crate::optimize::testing::{Build, bytes, expect, expect_refusal};
    use crate::{DType, Tensor};

    const RULE: &[(&str, Rule)] = &[("qlinear_conv", qlinear_conv)];

    /// x → Conv → what `after` adds → QuantizeLinear, with that bias scale.
    fn conv(bias_scale: f32, y_scale: f32, after: impl Fn(&mut Build, ValueId) -> ValueId) -> Graph {
        let mut b = Build::default();
        let q = b.input("x", DType::U8, &[1, 3, 5, 5]);
        let x = b.dequantize(q, 0.5, 7u8);
        let w = b.constant("w", bytes(DType::I8, &[4, 3, 3, 3], 1));
        let w = b.dequantize_slices::<i8>(w, 0, &[0.25, 0.5, 0.125, 1.0]);
        let c = b.constant("c", Tensor::new(&[4], &[100i32, -100, 5000, 0]).unwrap());
        let steps = [0.25, 0.5, 0.125, 1.0].map(|w| w * bias_scale);
        let c = b.dequantize_slices::<i32>(c, 0, &steps);
        let y = b.node("Conv", &[x, w, c], "y");
        let y = after(&mut b, y);
        let y = b.quantize(y, y_scale, 100u8);
        b.finish(&[y])
    }

    fn image() -> [Tensor; 1] {
        [bytes(DType::U8, &[1, 3, 5, 5], 9)]
    }

    #[test]
    fn weights_per_channel_and_a_bias_in_steps_of_both_scales() {
        let node =
            "y_q = QLinearConv (x, x_real_scale, x_real_zero, w, w_scale, w_zero, y_q_scale, y_q_zero, c)";
        expect(conv(0.5, 40.0, |_, y| y), RULE, &image(), 1, &[node]);
    }

    #[test]
    fn a_bias_in_other_steps_is_quantized_anew() {
        let node = "y_q = QLinearConv (x, x_real_scale, x_real_zero, w, w_scale, w_zero, y_q_scale, y_q_zero, \
                    c_real_quantized)";
        expect(conv(0.3, 40.0, |_, y| y), RULE, &image(), 1, &[node]);
    }

    #[test]
    fn a_relu_that_the_range_does_not_imply_becomes_a_table() {
        let nodes = [
            "y_relu_q_unclipped = QLinearConv (x, x_real_scale, x_real_zero, w, w_scale, w_zero, \
             y_relu_q_scale, y_relu_q_zero, c)",
            "y_relu_q = edgewise.ByteTable (y_relu_q_unclipped, y_relu_q_table)",
        ];
        let relu = |b: &mut Build, y| b.node("Relu", &[y], "y_relu");
        expect(conv(0.5, 40.0, relu), QUANTIZED, &image(), 1, &nodes);
    }

    #[test]
    fn what_cannot_be_integer_stays_and_says_why() {
        expect_refusal(conv(0.5, f32::NAN, |_, y| y), RULE, "not a number above zero");
        expect_refusal(conv(0.5, 0.0, |_, y| y), RULE, "not a number above zero");
        expect_refusal(conv(0.5, -1.0, |_, y| y), RULE, "not a number above zero");
        expect_refusal(conv(1e9, 1.0, |_, y| y), RULE, "does not fit 32 bits");
        let twice = |b: &mut Build, y| {
            b.node("Neg", &[y], "other");
            y
        };
        expect_refusal(conv(0.5, 1.0, twice), RULE, "needed as floats");
    }
}
