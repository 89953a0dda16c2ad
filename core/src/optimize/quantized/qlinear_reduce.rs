//! DequantizeLinear → ReduceMean or ReduceSum → QuantizeLinear becomes QLinearReduceMean: a sum is the mean of
//! numbers as many times larger.

use super::parameters::{Found, Site, reason};
use super::{Draft, Patch};
use crate::graph::NodeId;
use crate::ops::Op;
use crate::ops::qlinear_reduce_mean::QLinearReduceMean;
use crate::ops::reduce::{Axes, Reduce, Reduction};
use crate::optimize::mean_of_image::marked;
use crate::{Result, Tensor};

/// Makes the mean or sum before a QuantizeLinear one of integers.
pub fn qlinear_reduce(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(site) = Site::at(draft, id) else { return Ok(None) };
    match &site.node.op {
        Op::Reduce(reduce) if matches!(reduce.kind, Reduction::ReduceMean | Reduction::ReduceSum) => {
            site.answer(rewritten(&site, reduce))
        }
        _ => Ok(None),
    }
}

fn rewritten(site: &Site<'_>, reduce: &Reduce) -> Found<Patch> {
    let y = site.target()?;
    let x = site.input(0)?.bytes_with_one_scale()?;
    let marked = marked(site.draft, site.node, reduce)?;
    let scale = match reduce.kind {
        Reduction::ReduceSum => {
            let dims = site.draft.fact(x.value).and_then(|fact| fact.dims.as_ref());
            let sizes = dims.into_iter().flatten().zip(&marked).filter(|(_, gone)| **gone);
            let count = sizes.map(|(d, _)| d.size()).try_fold(1usize, |n, d| n.checked_mul(d?));
            let count = count.ok_or("how many elements it sums is not known")?;
            let scale = x.scales[0] * count as f32;
            (count > 0 && scale.is_finite()).then_some(scale).ok_or("it sums nothing, or too much")?
        }
        _ => x.scales[0],
    };
    let axes = marked.iter().enumerate().filter(|(_, gone)| **gone).map(|(axis, _)| axis as i64).collect();
    let axes = Axes::fixed(axes, reduce.axes.keeps());
    let mut patch = Patch::new(site.draft);
    let x = x.of_type(site.draft, &mut patch, y.dtype).map_err(reason)?;
    let mut inputs = x.inputs(&mut patch).map_err(reason)?.to_vec();
    if scale != x.scales[0] {
        inputs[1] = Some(patch.constant(format!("{}_all", site.draft.name(x.scale)), Tensor::scalar(scale)));
    }
    inputs.extend(y.parameters(&mut patch).map_err(reason)?);
    let op = (Op::QLinearReduceMean(QLinearReduceMean { axes }.into()), "com.microsoft.QLinearReduceMean");
    patch.node(&site.node.name, op, inputs, [Some(y.value)]);
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::super::QUANTIZED;
    use crate::ops::Attr;
    use crate::optimize::testing::{Build, bytes, expect};
    use crate::{DType, Tensor};

    #[test]
    fn means_and_sums_along_axes_and_along_all() {
        for (op, axes, keep) in [
            ("ReduceMean", vec![-2i64], 1),
            ("ReduceMean", vec![0, 2], 0),
            ("ReduceMean", vec![], 0),
            ("ReduceSum", vec![1], 1),
            ("ReduceSum", vec![1, 2], 0),
        ] {
            for dtype in [DType::U8, DType::I8] {
                let mut b = Build::default();
                let x = b.input("x", dtype, &[4, 5, 7]);
                let x =
                    if dtype == DType::U8 { b.dequantize(x, 0.3, 100u8) } else { b.dequantize(x, 0.3, 9i8) };
                let mut inputs = vec![x];
                let mut attrs = vec![("keepdims", Attr::Int(keep))];
                let mut scale = 0.2;
                if op == "ReduceSum" {
                    inputs.push(b.constant("axes", Tensor::new(&[axes.len()], &axes).unwrap()));
                    scale = 2.0;
                } else if !axes.is_empty() {
                    attrs.push(("axes", Attr::Ints(axes.clone())));
                }
                let y = b.node_with(op, &inputs, &attrs, &["y"])[0];
                let y = b.quantize(y, scale, 120u8);
                let all = if op == "ReduceSum" { "x_real_scale_all" } else { "x_real_scale" };
                let node = |x: &str, zero: &str| {
                    format!("y_q = com.microsoft.QLinearReduceMean ({x}, {all}, {zero}, y_q_scale, y_q_zero)")
                };
                let inputs = [bytes(dtype, &[4, 5, 7], 3)];
                if dtype == DType::U8 {
                    expect(b.finish(&[y]), QUANTIZED, &inputs, 1, &[&node("x", "x_real_zero")]);
                } else {
                    let table = "x_u8 = edgewise.ByteTable (x, x_table)";
                    expect(b.finish(&[y]), QUANTIZED, &inputs, 1, &[table, &node("x_u8", "x_zero")]);
                }
            }
        }
    }
}
