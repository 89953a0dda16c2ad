//! DequantizeLinear → ConvTranspose → QuantizeLinear becomes QLinearConvTranspose.

use super::addend::Product;
use super::parameters::{Found, Quantized, Site, reason};
use super::{Draft, Patch};
use crate::graph::NodeId;
use crate::ops::Op;
use crate::ops::conv_transpose::ConvTranspose;
use crate::ops::qlinear_conv_transpose::QLinearConvTranspose;
use crate::tensor::element_count;
use crate::{Result, Tensor};

/// Makes the transposed convolution before a QuantizeLinear one of integers.
pub fn qlinear_conv_transpose(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(site) = Site::at(draft, id) else { return Ok(None) };
    let Op::ConvTranspose(conv) = &site.node.op else { return Ok(None) };
    site.answer(rewritten(&site, conv))
}

fn rewritten(site: &Site<'_>, conv: &ConvTranspose) -> Found<Patch> {
    let y = site.target()?;
    let x = site.input(0)?.bytes_with_one_scale()?;
    let w = site.input(1)?;
    let shape = site.draft.fact(w.value).and_then(|fact| fact.shape());
    let shape = shape.filter(|shape| shape.len() >= 2).ok_or("the shape of the weights is not known")?;
    let mut patch = Patch::new(site.draft);
    let w = by_channel(site.draft, &mut patch, w, &shape, conv.groups)?;
    let terms = shape[0].checked_div(conv.groups).zip(element_count(&shape[2..]).ok());
    let terms = terms.and_then(|(channels, taps)| channels.checked_mul(taps)).map(|terms| terms as u64);
    let product = Product { a: &x, b: &w, terms, alpha: 1.0, beta: 1.0 };
    let bias = product.addend(site.draft, &mut patch, site.value(2))?;
    if bias.is_some_and(|bias| patch.rank(site.draft, bias) != Some(1)) {
        return Err("the bias is no vector".into());
    }
    let mut inputs = x.inputs(&mut patch).map_err(reason)?.to_vec();
    inputs.extend(w.inputs(&mut patch).map_err(reason)?);
    inputs.extend(y.parameters(&mut patch).map_err(reason)?);
    inputs.push(bias);
    let op = Op::QLinearConvTranspose(QLinearConvTranspose { conv: conv.clone() }.into());
    patch.node(&site.node.name, (op, "edgewise.QLinearConvTranspose"), inputs, [Some(y.value)]);
    Ok(patch)
}

/// Weights with one scale for all, or one for every output channel: the second axis of the weights counts
/// those of one group, the first one those that go in.
fn by_channel(
    draft: &Draft,
    patch: &mut Patch,
    w: Quantized,
    shape: &[usize],
    groups: usize,
) -> Found<Quantized> {
    if w.scales.len() <= 1 {
        return Ok(w);
    }
    let (rank, [ins, outs]) = (shape.len() as i64, [shape[0], shape[1]]);
    let scale_of = match if w.axis < 0 { w.axis + rank } else { w.axis } {
        1 if groups == 1 => return Ok(w),
        1 => |channel: usize, outs: usize| channel % outs,
        // Each group takes one channel in.
        0 if ins == groups => |channel: usize, outs: usize| channel / outs,
        axis => {
            return Err(format!("the weights have scales along axis {axis}, not along the output channels"));
        }
    };
    let channels = (0..groups * outs).map(|channel| scale_of(channel, outs));
    let (scales, zeros): (Vec<f32>, Vec<i32>) = channels.map(|at| (w.scales[at], w.zeros[at])).unzip();
    let codes: Vec<u8> = zeros.iter().map(|&zero| zero as u8).collect();
    let name = draft.name(w.value);
    let zero = Tensor::from_bytes(w.dtype, &[codes.len()], &codes).map_err(reason)?;
    let scale = Tensor::new(&[scales.len()], &scales).map_err(reason)?;
    let scale = patch.constant(format!("{name}_channel_scale"), scale);
    let zero = Some(patch.constant(format!("{name}_channel_zero"), zero));
    Ok(Quantized { scale, zero, scales, zeros, ..w })
}

#[cfg(test)]
mod tests {
    use super::super::{QUANTIZED, Rule};
    use super::qlinear_conv_transpose;
    use crate::graph::{Graph, ValueId, infer_facts};
    use crate::ops::Attr;
    use crate::optimize::testing::{Build, bytes, expect, expect_refusal};
    use crate::optimize::{Arithmetic, Coverage, optimize};
    use crate::{DType, Tensor};

    const RULE: &[(&str, Rule)] = &[("qlinear_conv_transpose", qlinear_conv_transpose)];

    /// x → ConvTranspose → what `after` adds → QuantizeLinear, with scales of the weights along that axis.
    fn graph(
        groups: i64,
        (axis, scales): (i64, &[f32]),
        bias: bool,
        after: impl Fn(&mut Build, ValueId) -> ValueId,
    ) -> Graph {
        let mut b = Build::default();
        let q = b.input("x", DType::U8, &[2, 4, 5, 3]);
        let x = b.dequantize(q, 0.5, 7u8);
        let w = b.constant("w", bytes(DType::I8, &[4, 6, 3, 2], 1));
        let w = match scales {
            [one] => b.dequantize(w, *one, 3i8),
            _ => b.dequantize_slices::<i8>(w, axis, scales),
        };
        let mut inputs = vec![x, w];
        if bias {
            let channels = 6 * groups as usize;
            let numbers: Vec<f32> = (0..channels).map(|i| i as f32 * 77.7 - 200.0).collect();
            inputs.push(b.constant("c", Tensor::new(&[channels], &numbers).unwrap()));
        }
        let attrs = [
            ("strides", Attr::Ints(vec![2, 2])),
            ("pads", Attr::Ints(vec![1, 0, 1, 0])),
            ("output_padding", Attr::Ints(vec![1, 0])),
            ("group", Attr::Int(groups)),
        ];
        let y = b.node_with("ConvTranspose", &inputs, &attrs, &["y"])[0];
        let y = after(&mut b, y);
        let y = b.quantize(y, 11.0, 100u8);
        b.finish(&[y])
    }

    fn image() -> [Tensor; 1] {
        [bytes(DType::U8, &[2, 4, 5, 3], 9)]
    }

    #[test]
    fn weights_with_a_scale_for_all_or_for_every_channel() {
        let six = [0.25, 0.5, 0.125, 0.4, 0.3, 0.07];
        let ends = "y_q_scale, y_q_zero, c_quantized)";
        let node = |w: &str| {
            format!("y_q = edgewise.QLinearConvTranspose (x, x_real_scale, x_real_zero, w, {w}, {ends}")
        };
        let same = |_: &mut Build, y| y;
        for (groups, axis, scales, parameters) in [
            (1, 1, &[0.25][..], "w_real_scale, w_real_zero"),
            (1, 1, &six, "w_scale, w_zero"),
            (1, -3, &six, "w_scale, w_zero"),
            (2, 1, &six, "w_channel_scale, w_channel_zero"),
            (4, 0, &six[..4], "w_channel_scale, w_channel_zero"),
        ] {
            expect(graph(groups, (axis, scales), true, same), RULE, &image(), 1, &[&node(parameters)]);
        }
        let plain = node("w_real_scale, w_real_zero").replace(", c_quantized", "");
        expect(graph(1, (1, &[0.25]), false, same), RULE, &image(), 1, &[&plain]);
    }

    #[test]
    fn a_relu_that_the_range_does_not_imply_becomes_a_table() {
        let nodes = [
            "z_q_unclipped = edgewise.QLinearConvTranspose (x, x_real_scale, x_real_zero, w, w_real_scale, \
             w_real_zero, z_q_scale, z_q_zero)",
            "z_q = edgewise.ByteTable (z_q_unclipped, z_q_table)",
        ];
        let relu = |b: &mut Build, y| b.node("Relu", &[y], "z");
        expect(graph(1, (1, &[0.25]), false, relu), QUANTIZED, &image(), 1, &nodes);
    }

    #[test]
    fn it_counts_as_integer_and_its_channels_move_last() {
        let mut graph = graph(1, (1, &[0.25]), true, |_, y| y);
        let remarks = optimize(&mut graph, false).unwrap();
        let found = Coverage::of(&graph, &infer_facts(&graph, &[]).unwrap(), &remarks);
        assert_eq!(
            (found.arithmetic, found.integer["edgewise.QLinearConvTranspose"]),
            (Arithmetic::Integer, 1)
        );
        assert!(
            graph.text().contains("y_q_channels_last = edgewise.QLinearConvTranspose"),
            "{}",
            graph.text()
        );
    }

    #[test]
    fn what_cannot_be_integer_stays_and_says_why() {
        let along_input = graph(1, (0, &[0.25, 0.5, 0.125, 0.4]), false, |_, y| y);
        expect_refusal(along_input, RULE, "scales along axis 0, not along the output channels");
        let twice = |b: &mut Build, y| {
            b.node("Neg", &[y], "other");
            y
        };
        expect_refusal(graph(1, (1, &[0.25]), false, twice), RULE, "needed as floats");
    }
}
