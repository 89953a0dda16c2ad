//! DequantizeLinear → Softmax → QuantizeLinear becomes QLinearSoftmax.

use super::parameters::{Found, Site, reason};
use super::{Draft, Patch};
use crate::Result;
use crate::graph::NodeId;
use crate::ops::Op;
use crate::ops::qlinear_softmax::QLinearSoftmax;
use crate::ops::softmax::{Mode, Softmax};

/// Makes the softmax before a QuantizeLinear one of integers.
pub fn qlinear_softmax(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(site) = Site::at(draft, id) else { return Ok(None) };
    match &site.node.op {
        Op::Softmax(softmax) if softmax.mode == Mode::Soft => site.answer(rewritten(&site, softmax)),
        _ => Ok(None),
    }
}

fn rewritten(site: &Site<'_>, softmax: &Softmax) -> Found<Patch> {
    let y = site.target()?;
    let mut patch = Patch::new(site.draft);
    let x = site.input(0)?.bytes_with_one_scale()?;
    let x = x.of_type(site.draft, &mut patch, y.dtype).map_err(reason)?;
    let mut inputs = x.inputs(&mut patch).map_err(reason)?.to_vec();
    inputs.extend(y.parameters(&mut patch).map_err(reason)?);
    let op = Op::QLinearSoftmax(QLinearSoftmax::like(softmax).into());
    patch.node(&site.node.name, (op, "com.microsoft.QLinearSoftmax"), inputs, [Some(y.value)]);
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::qlinear_softmax;
    use crate::DType;
    use crate::optimize::testing::{Build, bytes, expect};

    #[test]
    fn softmax_of_bytes() {
        let rule: &[(&str, Rule)] = &[("qlinear_softmax", qlinear_softmax)];
        let mut b = Build::default();
        let x = b.input("x", DType::U8, &[2, 5]);
        let x = b.dequantize(x, 0.02, 7u8);
        let y = b.node("Softmax", &[x], "y");
        let y = b.quantize(y, 1.0 / 256.0, 0u8);
        let node = "y_q = com.microsoft.QLinearSoftmax (x, x_real_scale, x_real_zero, y_q_scale, y_q_zero)";
        expect(b.finish(&[y]), rule, &[bytes(DType::U8, &[2, 5], 3)], 1, &[node]);
    }
}
