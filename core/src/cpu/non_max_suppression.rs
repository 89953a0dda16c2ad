//! NonMaxSuppression on the CPU. Of equal scores the box that comes first is the better one.

use super::{Io, Kernel};
use crate::ops::non_max_suppression::NonMaxSuppression;
use crate::{DType, Result};

impl Kernel for NonMaxSuppression {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (boxes, scores) = (io.input(0)?, io.input(1)?);
        let (&[batches, count, 4], &[batches_too, classes, count_too]) = (boxes.shape(), scores.shape())
        else {
            bail!(InvalidInput, "boxes {boxes:?} and scores {scores:?} do not fit together")
        };
        ensure!(
            batches == batches_too && count == count_too,
            InvalidInput,
            "boxes {boxes:?} and scores {scores:?} do not fit together"
        );
        let most = io.optional(2)?.map_or(Ok(0), |v| v.scalar_i64())?.max(0) as usize;
        let overlap = io.optional(3)?.map_or(Ok(0.0), |v| v.scalar_f32())?;
        let threshold = io.optional(4)?.map(|v| v.scalar_f32()).transpose()?;

        let (boxes, scores) = (boxes.slice::<f32>()?, scores.slice::<f32>()?);
        let boxes: Vec<Area> = boxes.chunks(4).map(|b| self.area([b[0], b[1], b[2], b[3]])).collect();
        let mut selected: Vec<[i64; 3]> = Vec::new();
        for batch in 0..if most == 0 || count == 0 { 0 } else { batches } {
            let boxes = &boxes[batch * count..][..count];
            for class in 0..classes {
                io.check()?;
                let scores = &scores[(batch * classes + class) * count..][..count];
                for i in best(io, boxes, scores, threshold, overlap, most)? {
                    selected.push([batch as i64, class as i64, i as i64]);
                }
            }
        }
        let y = io.make(0, DType::I64, &[selected.len(), 3])?;
        y.into_slice::<i64>()?.copy_from_slice(selected.as_flattened());
        Ok(())
    }
}

/// The boxes of one class that stay, the best first.
fn best(
    io: &Io<'_>,
    boxes: &[Area],
    scores: &[f32],
    threshold: Option<f32>,
    overlap: f32,
    most: usize,
) -> Result<Vec<usize>> {
    let mut order: Vec<usize> =
        (0..boxes.len()).filter(|&i| threshold.is_none_or(|least| scores[i] > least)).collect();
    // A stable sort: earlier boxes stay in front of equal ones.
    order.sort_by(|&a, &b| {
        scores[b].partial_cmp(&scores[a]).unwrap_or_else(|| scores[b].total_cmp(&scores[a]))
    });
    let mut kept: Vec<usize> = Vec::new();
    for (step, i) in order.into_iter().enumerate() {
        if kept.len() >= most {
            break;
        }
        if step % 64 == 0 {
            io.check()?;
        }
        if !kept.iter().any(|&k| boxes[i].overlaps(&boxes[k], overlap)) {
            kept.push(i);
        }
    }
    Ok(kept)
}

/// A box by its corners.
struct Area {
    x: (f32, f32),
    y: (f32, f32),
}

impl NonMaxSuppression {
    fn area(&self, b: [f32; 4]) -> Area {
        let ordered = |a: f32, b: f32| if a >= b { (b, a) } else { (a, b) };
        match self.center_point_box {
            false => Area { x: ordered(b[1], b[3]), y: ordered(b[0], b[2]) },
            true => {
                let (half_width, half_height) = (b[2] / 2.0, b[3] / 2.0);
                Area {
                    x: (b[0] - half_width, b[0] + half_width),
                    y: (b[1] - half_height, b[1] + half_height),
                }
            }
        }
    }
}

impl Area {
    fn size(&self) -> f32 {
        (self.x.1 - self.x.0) * (self.y.1 - self.y.0)
    }

    /// Whether the common part is more than `threshold` of both together.
    fn overlaps(&self, other: &Area, threshold: f32) -> bool {
        let width = self.x.1.min(other.x.1) - self.x.0.max(other.x.0);
        let height = self.y.1.min(other.y.1) - self.y.0.max(other.y.0);
        let common = width * height;
        let both = self.size() + other.size() - common;
        let some = width > 0.0 && height > 0.0 && common > 0.0;
        some && self.size() > 0.0 && other.size() > 0.0 && both > 0.0 && common / both > threshold
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;

    fn nms(scores: &[f32], most: i64) -> Vec<i64> {
        let boxes: Vec<f32> = (0..scores.len()).flat_map(|_| [0.0, 0.0, 1.0, 1.0]).collect();
        let boxes = Tensor::new(&[1, scores.len(), 4], &boxes).unwrap();
        let scores = Tensor::new(&[1, 1, scores.len()], scores).unwrap();
        let inputs = [boxes, scores, Tensor::scalar(most), Tensor::scalar(0.5f32)];
        let inputs: Vec<_> = inputs.into_iter().map(|t| Some(t.into())).collect();
        let y = run(("", "NonMaxSuppression", 11), &[], &inputs, 1).unwrap();
        y[0].tensor().unwrap().slice::<i64>().unwrap().to_vec()
    }

    #[test]
    fn the_first_of_equal_boxes_stays() {
        assert_eq!(nms(&[0.5, 0.9, 0.9], 3), [0, 0, 1]);
        assert_eq!(nms(&[f32::NAN, 0.9], 1).len(), 3);
        assert!(nms(&[0.5], 0).is_empty());
        assert!(nms(&[0.5], i64::MIN).is_empty());
        assert!(nms(&[], 5).is_empty());
    }
}
