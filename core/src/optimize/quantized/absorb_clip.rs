//! Relu or Clip before a QuantizeLinear: quantizing keeps the order, so it may come first, and the limits
//! apply to integers. Where the integers have no others anyway, nothing is left to do.

use super::parameters::{Found, Quantized, Site, reason};
use super::{Draft, Patch};
use crate::graph::NodeId;
use crate::ops::Op;
use crate::ops::activation::Activation;
use crate::ops::byte_table::ByteTable;
use crate::quant::round_to;
use crate::{DType, Result, Tensor};

/// Applies the limits of a Relu or Clip to the integers behind it.
pub fn absorb_clip(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(site) = Site::at(draft, id) else { return Ok(None) };
    match &site.node.op {
        Op::Activation(op) if **op == Activation::Relu => site.answer(rewritten(&site, 0.0, f32::INFINITY)),
        Op::Clip(op) => {
            let limit = |i: usize, attribute: Option<f32>, none: f32| match site.value(i) {
                None => Some(attribute.unwrap_or(none)),
                Some(value) => draft.single(value)?.scalar_f32().ok(),
            };
            match (limit(1, op.min, f32::NEG_INFINITY), limit(2, op.max, f32::INFINITY)) {
                (Some(low), Some(high)) => site.answer(rewritten(&site, low, high)),
                _ => site.answer(Err("its limits are no constants".into())),
            }
        }
        _ => Ok(None),
    }
}

fn rewritten(site: &Site<'_>, low: f32, high: f32) -> Found<Patch> {
    let y = site.target()?;
    // Quantizing NaN gives the zero point, which must not be clipped then.
    if !(low <= 0.0 && high >= 0.0) {
        return Err("its limits leave out zero".into());
    }
    let mut patch = Patch::new(site.draft);
    let inputs = [site.value(0)].into_iter().chain(site.quantize.inputs.iter().skip(1).copied());
    let (lowest, highest) = limits(&y);
    let integer = |x: f32| round_to(x / y.scales[0], y.zeros[0], lowest, highest);
    let (low, high) = (integer(low), integer(high));
    if (low, high) == (lowest, highest) {
        patch.moved(site.quantize, inputs, [Some(y.value)]);
        return Ok(patch);
    }
    let name = site.draft.name(y.value);
    let free = patch.value(format!("{name}_unclipped"));
    patch.moved(site.quantize, inputs, [Some(free)]);
    let wide = |byte: u8| if y.dtype == DType::I8 { byte as i8 as i32 } else { byte as i32 };
    let bytes: Vec<u8> = (0..=255).map(|byte| wide(byte).clamp(low, high) as u8).collect();
    let table =
        patch.constant(format!("{name}_table"), Tensor::from_bytes(y.dtype, &[256], &bytes).map_err(reason)?);
    let op = (Op::ByteTable(ByteTable.into()), "edgewise.ByteTable");
    patch.node(&site.node.name, op, [Some(free), Some(table)], [Some(y.value)]);
    Ok(patch)
}

fn limits(q: &Quantized) -> (i32, i32) {
    if q.dtype == DType::I8 { (-128, 127) } else { (0, 255) }
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::absorb_clip;
    use crate::graph::Graph;
    use crate::optimize::testing::{Build, expect, expect_refusal};
    use crate::{DType, Tensor};

    const RULE: &[(&str, Rule)] = &[("absorb_clip", absorb_clip)];

    fn clipped(limits: [f32; 2], scale: f32, zero: u8) -> Graph {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[8]);
        let (low, high) = (b.scalar("low", limits[0]), b.scalar("high", limits[1]));
        let y = b.node("Clip", &[x, low, high], "y");
        let y = b.quantize(y, scale, zero);
        b.finish(&[y])
    }

    #[test]
    fn limits_that_the_range_implies_vanish_and_others_apply_to_bytes() {
        let x = [-9f32, -1.0, -0.02, 0.0, 1.01, 5.99, 7.0, f32::NAN];
        let x = [Tensor::new(&[8], &x).unwrap()];
        let free = "y_q = QuantizeLinear (x, y_q_scale, y_q_zero)";
        expect(clipped([0.0, 6.0], 6.0 / 255.0, 0), RULE, &x, 0, &[free]);
        expect(clipped([-100.0, 200.0], 0.5, 3), RULE, &x, 0, &[free]);
        let nodes = [
            "y_q_unclipped = QuantizeLinear (x, y_q_scale, y_q_zero)",
            "y_q = edgewise.ByteTable (y_q_unclipped, y_q_table)",
        ];
        expect(clipped([0.0, 6.0], 0.05, 20), RULE, &x, 0, &nodes);
        expect_refusal(clipped([1.0, 6.0], 0.05, 20), RULE, "leave out zero");
    }

    #[test]
    fn a_relu_before_u8_with_zero_point_zero_vanishes() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[3]);
        let y = b.node("Relu", &[x], "y");
        let y = b.quantize(y, 0.1, 0u8);
        let x = [Tensor::new(&[3], &[-1f32, f32::NAN, 2.0]).unwrap()];
        expect(b.finish(&[y]), RULE, &x, 0, &["y_q = QuantizeLinear (x, y_q_scale, y_q_zero)"]);
    }
}
