//! DequantizeLinear → AveragePool, GlobalAveragePool or a mean over the image → QuantizeLinear becomes
//! QLinearAveragePool.

use super::parameters::{Found, Site, reason};
use super::{Draft, Patch};
use crate::Result;
use crate::graph::NodeId;
use crate::ops::Op;
use crate::ops::max_pool::Pooling;
use crate::ops::qlinear_average_pool::QLinearAveragePool;
use crate::optimize::mean_of_image::mean_of_image;

/// Makes the mean before a QuantizeLinear one of integers.
pub fn qlinear_average_pool(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(site) = Site::at(draft, id) else { return Ok(None) };
    let (window, count_pads, channels_last) = match &site.node.op {
        Op::GlobalPool(pool) if matches!(pool.pooling, Pooling::Average { .. }) => (None, false, false),
        Op::Reduce(_) if mean_of_image(draft, site.node) == Some(true) => (None, false, false),
        Op::MaxPool(pool) => match pool.pooling {
            Pooling::Average { count_pads } => (Some(pool.window.clone()), count_pads, pool.channels_last),
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    site.answer(rewritten(&site, QLinearAveragePool { window, count_pads, channels_last }))
}

fn rewritten(site: &Site<'_>, op: QLinearAveragePool) -> Found<Patch> {
    let y = site.target()?;
    let mut patch = Patch::new(site.draft);
    let x = site.input(0)?.bytes_with_one_scale()?;
    let x = x.of_type(site.draft, &mut patch, y.dtype).map_err(reason)?;
    let mut inputs = x.inputs(&mut patch).map_err(reason)?.to_vec();
    inputs.extend(y.parameters(&mut patch).map_err(reason)?);
    let name = match op.window {
        Some(_) => "com.microsoft.QLinearAveragePool",
        None => "com.microsoft.QLinearGlobalAveragePool",
    };
    patch.node(&site.node.name, (Op::QLinearAveragePool(op.into()), name), inputs, [Some(y.value)]);
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::qlinear_average_pool;
    use crate::DType;
    use crate::ops::Attr;
    use crate::optimize::testing::{Build, bytes, expect};

    const RULE: &[(&str, Rule)] = &[("qlinear_average_pool", qlinear_average_pool)];

    #[test]
    fn means_of_windows_and_of_images() {
        let window = [("kernel_shape", Attr::Ints(vec![2, 2])), ("pads", Attr::Ints(vec![1, 0, 0, 1]))];
        let counted = [&window[..], &[("count_include_pad", Attr::Int(1))]].concat();
        for (op, attrs) in
            [("AveragePool", &window[..]), ("AveragePool", &counted), ("GlobalAveragePool", &[])]
        {
            let mut b = Build::default();
            let x = b.input("x", DType::I8, &[1, 2, 4, 4]);
            let x = b.dequantize(x, 0.5, -7i8);
            let y = b.node_with(op, &[x], attrs, &["y"])[0];
            let y = b.quantize(y, 0.4, 3i8);
            let node = format!(
                "y_q = com.microsoft.QLinear{op} (x, x_real_scale, x_real_zero, y_q_scale, y_q_zero)"
            );
            expect(b.finish(&[y]), RULE, &[bytes(DType::I8, &[1, 2, 4, 4], 3)], 1, &[&node]);
        }
    }

    #[test]
    fn a_mean_over_the_image_is_a_pool() {
        let mut b = Build::default();
        let x = b.input("x", DType::U8, &[1, 2, 4, 4]);
        let x = b.dequantize(x, 0.5, 7u8);
        let y = b.node_with("ReduceMean", &[x], &[("axes", Attr::Ints(vec![-1, 2]))], &["y"])[0];
        let y = b.quantize(y, 0.4, 3u8);
        let node = "y_q = com.microsoft.QLinearGlobalAveragePool (x, x_real_scale, x_real_zero, y_q_scale, \
                    y_q_zero)";
        expect(b.finish(&[y]), RULE, &[bytes(DType::U8, &[1, 2, 4, 4], 3)], 1, &[node]);
    }
}
