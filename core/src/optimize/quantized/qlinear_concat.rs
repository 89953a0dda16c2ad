//! DequantizeLinear → Concat → QuantizeLinear becomes QLinearConcat, or Concat of the integers where all
//! parameters are the same.

use super::parameters::{Found, Quantized, Site, reason};
use super::{Draft, Patch};
use crate::Result;
use crate::graph::NodeId;
use crate::ops::Op;
use crate::ops::concat::Concat;
use crate::ops::qlinear_concat::QLinearConcat;

/// Joins integers before a QuantizeLinear.
pub fn qlinear_concat(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(site) = Site::at(draft, id) else { return Ok(None) };
    let Op::Concat(concat) = &site.node.op else { return Ok(None) };
    site.answer(rewritten(&site, concat))
}

fn rewritten(site: &Site<'_>, concat: &Concat) -> Found<Patch> {
    let y = site.target()?;
    let count = site.node.inputs.len();
    let parts: Vec<Quantized> =
        (0..count).map(|i| site.input(i)?.bytes_with_one_scale()).collect::<Found<_>>()?;
    let mut patch = Patch::new(site.draft);
    if parts.iter().all(|part| part.agrees_with(&y)) {
        patch.moved(site.node, parts.iter().map(|part| Some(part.value)), [Some(y.value)]);
        return Ok(patch);
    }
    let mut inputs = y.parameters(&mut patch).map_err(reason)?.to_vec();
    for part in parts {
        let part = part.of_type(site.draft, &mut patch, y.dtype).map_err(reason)?;
        inputs.extend(part.inputs(&mut patch).map_err(reason)?);
    }
    let op = Op::QLinearConcat(QLinearConcat { axis: concat.axis }.into());
    patch.node(&site.node.name, (op, "com.microsoft.QLinearConcat"), inputs, [Some(y.value)]);
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::qlinear_concat;
    use crate::DType;
    use crate::graph::Graph;
    use crate::ops::Attr;
    use crate::optimize::testing::{Build, bytes, expect};

    const RULE: &[(&str, Rule)] = &[("qlinear_concat", qlinear_concat)];

    fn joined(second: f32) -> Graph {
        let mut b = Build::default();
        let (x, z) = (b.input("x", DType::U8, &[2, 3]), b.input("z", DType::U8, &[2, 1]));
        let (x, z) = (b.dequantize(x, 0.5, 7u8), b.dequantize(z, second, 7u8));
        let y = b.node_with("Concat", &[x, z], &[("axis", Attr::Int(-1))], &["y"])[0];
        let y = b.quantize(y, 0.5, 7u8);
        b.finish(&[y])
    }

    #[test]
    fn parts_are_brought_to_one_scale_unless_they_have_it() {
        let inputs = [bytes(DType::U8, &[2, 3], 3), bytes(DType::U8, &[2, 1], 4)];
        expect(joined(0.5), RULE, &inputs, 0, &["y_q = Concat (x, z)"]);
        let node = "y_q = com.microsoft.QLinearConcat (y_q_scale, y_q_zero, x, x_real_scale, x_real_zero, z, \
                    z_real_scale, z_real_zero)";
        expect(joined(0.3), RULE, &inputs, 0, &[node]);
    }
}
