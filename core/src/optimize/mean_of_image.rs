//! A mean over all axes of an image is a GlobalAveragePool. Where the image has its channels last, its kernel
//! takes whole pixels; a mean along axes would pick every channel by itself.

use super::channels_last::{to_first, transpose, turned_back};
use super::{Draft, Patch};
use crate::graph::{Node, NodeId};
use crate::ops::global_pool::GlobalPool;
use crate::ops::max_pool::Pooling;
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::{Attr, Attrs, Op};
use crate::{DType, Result};

/// A mean of an image that was turned back is one of the image with its channels last.
pub fn pool_mean(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let (Some(keeps), Some(image), [Some(y)]) =
        (mean_of_image(draft, node), node.input(0), &node.outputs[..])
    else {
        return Ok(None);
    };
    let (Some(source), Some(rank), Some(DType::F32)) =
        (turned_back(draft, image)?, draft.rank(image), draft.dtype(image))
    else {
        return Ok(None);
    };
    let mut patch = Patch::new(draft);
    let mean = patch.value(format!("{}_channels_last", draft.name(*y)));
    let pool = GlobalPool { pooling: Pooling::Average { count_pads: false }, channels_last: true };
    let op = (Op::GlobalPool(pool.into()), "GlobalAveragePool");
    patch.node(&node.name, op, [Some(source)], [Some(mean)]);
    let last = if keeps { transpose(&to_first(rank))? } else { squeeze(1..rank as i64 - 1)? };
    patch.node(draft.name(*y), last, [Some(mean)], [Some(*y)]);
    Ok(Some(patch))
}

/// Whether the axes stay of a node that is the mean over all axes of an image, batch and channels in front.
pub fn mean_of_image(draft: &Draft, node: &Node) -> Option<bool> {
    let Op::Reduce(reduce) = &node.op else { return None };
    let marked = marked(draft, node, reduce).ok()?;
    let image = marked.len() > 2 && marked.iter().enumerate().all(|(axis, gone)| *gone == (axis >= 2));
    (image && reduce.kind == Reduction::ReduceMean).then(|| reduce.axes.keeps())
}

/// Which axes go; not none.
pub fn marked(draft: &Draft, node: &Node, reduce: &Reduce) -> Result<Vec<bool>, String> {
    let constant = |i: usize| node.input(i).and_then(|id| draft.constant(id)?.to_i64s().ok());
    let axes = reduce.axes.given(constant).ok_or("its axes are no constants")?;
    let rank = node.input(0).and_then(|x| draft.rank(x)).ok_or("the number of its axes is not known")?;
    let marked = reduce.axes.marked(&axes, rank).map_err(|e| e.what().to_string())?;
    if marked.contains(&true) { Ok(marked) } else { Err("it reduces no axis".into()) }
}

/// A Squeeze of those axes.
fn squeeze(axes: std::ops::Range<i64>) -> Result<(Op, &'static str)> {
    let attrs = [("axes".to_string(), Attr::Ints(axes.collect()))].into_iter().collect();
    Ok((Op::parse(Attrs::new("", "Squeeze", 11, vec![true], vec![true], attrs))?, "Squeeze"))
}

#[cfg(test)]
mod tests {
    use super::super::LAYOUT;
    use super::super::testing::{Build, rewritten_alike, waves};
    use crate::DType;
    use crate::ops::Attr;

    #[test]
    fn a_mean_behind_a_convolution_is_a_pool() {
        for (axes, keep) in [(vec![2, 3], 1), (vec![-1, 2], 0)] {
            let mut b = Build::default();
            let x = b.input("x", DType::F32, &[2, 3, 6, 5]);
            let v = b.constant("v", waves(&[8, 3, 1, 1]));
            let p = b.node("Conv", &[x, v], "p");
            let attrs = [("axes", Attr::Ints(axes)), ("keepdims", Attr::Int(keep))];
            let y = b.node_with("ReduceMean", &[p], &attrs, &["y"])[0];
            let text = rewritten_alike(b.finish(&[y]), LAYOUT, &[waves(&[2, 3, 6, 5])]);
            assert!(text.contains("y_channels_last = GlobalAveragePool (p_channels_last)"), "{text}");
        }
    }

    #[test]
    fn means_along_other_axes_stay() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[2, 3, 6, 5]);
        let v = b.constant("v", waves(&[8, 3, 1, 1]));
        let p = b.node("Conv", &[x, v], "p");
        let y = b.node_with("ReduceMean", &[p], &[("axes", Attr::Ints(vec![1]))], &["y"])[0];
        let text = rewritten_alike(b.finish(&[y]), LAYOUT, &[waves(&[2, 3, 6, 5])]);
        assert!(text.contains("y = ReduceMean (p)"), "{text}");
    }
}
