//! NonMaxSuppression: the best boxes of every batch and class, without those that overlap a better one.
//!
//! Opset 10, unchanged in 11. f32 boxes and scores; three columns of i64 out. Without a maximum number of
//! boxes, or with 0, nothing is selected.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Dim, Result};

/// NonMaxSuppression.
#[derive(Clone, Debug)]
pub struct NonMaxSuppression {
    /// Whether boxes are [x center, y center, width, height] rather than two corners [y1, x1, y2, x2].
    pub center_point_box: bool,
}

impl Operator for NonMaxSuppression {
    fn parse(a: &mut Attrs) -> Result<NonMaxSuppression> {
        a.arity(2..=5, 1..=1)?;
        Ok(NonMaxSuppression { center_point_box: a.flag("center_point_box", false)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let (Some(boxes), Some(scores)) = (cx.dims(0), cx.dims(1)) {
            let same = |a: &Dim, b: &Dim| a.known().is_none() || b.known().is_none() || a == b;
            let fits = boxes.len() == 3
                && scores.len() == 3
                && same(&boxes[0], &scores[0])
                && same(&boxes[1], &scores[2])
                && same(&boxes[2], &Dim::from(4));
            ensure!(
                fits,
                InvalidModel,
                "expected boxes [batches, boxes, 4] and scores [batches, classes, boxes], got {boxes:?} and {scores:?}"
            );
        }
        let count = cx.unknown_dim();
        cx.set_tensor(0, DType::I64, Some(Dims::from_iter([count, Dim::from(3)])));
        Ok(())
    }
}
