//! BatchNormalization: each channel to zero mean and unit variance, then scaled and shifted.
//!
//! Opset 14 has `training_mode` and the outputs Y, running_mean, running_var. Before, the number of
//! outputs told training (up to five) from inference (one); until 6 `is_test` had a say too. Until 8
//! `spatial = 0` asked for statistics per feature instead of per channel. From 14 on (15 for scale and
//! bias) the parameters may have another float type than X.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// BatchNormalization.
#[derive(Clone, Debug)]
pub struct BatchNormalization {
    /// Added to the variance.
    pub epsilon: f32,
    /// How much of the running statistics stays.
    pub momentum: f32,
    /// Whether the statistics are those of the batch.
    pub training: bool,
    /// Whether all positions of a channel share their statistics.
    pub spatial: bool,
}

impl Operator for BatchNormalization {
    fn parse(a: &mut Attrs) -> Result<BatchNormalization> {
        let version = a.version();
        a.arity(5..=5, if version < 14 { 1..=5 } else { 1..=3 })?;
        if version < 6 {
            a.ignore(&["consumed_inputs"]);
        }
        let training = match version {
            14.. => a.flag("training_mode", false)?,
            7.. => a.output_count() > 1,
            _ => !a.flag("is_test", false)? && a.output_count() > 1,
        };
        ensure!(
            training || (1..5).all(|i| !a.has_output(i)),
            InvalidModel,
            "only training makes more than one output"
        );
        Ok(BatchNormalization {
            epsilon: a.float_or("epsilon", 1e-5)?,
            momentum: a.float_or("momentum", 0.9)?,
            training,
            spatial: version >= 9 || a.flag("spatial", true)?,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let Some(x) = cx.dims(0) {
            let channels = self.channels(x);
            for i in 1..5 {
                let Some(dims) = cx.dims(i) else { continue };
                let len = dims.iter().cloned().fold(Dim::from(1), |a, b| a * b);
                ensure!(
                    len == channels || len.known().is_none() || channels.known().is_none(),
                    InvalidModel,
                    "input {i} must have one element for each of {channels} channels, got {dims:?}"
                );
            }
        }
        cx.like_input()?;
        let (dtype, dims) = (cx.dtype(3)?, cx.dims(3).cloned());
        for i in 1..cx.output_count() {
            cx.set_tensor(i, dtype, dims.clone());
        }
        Ok(())
    }
}

impl BatchNormalization {
    /// How many channels a tensor of those dims has; a vector has one.
    fn channels(&self, x: &Dims) -> Dim {
        match (x.len(), self.spatial) {
            (0 | 1, _) => Dim::from(1),
            (_, true) => x[1].clone(),
            (_, false) => x[1..].iter().cloned().fold(Dim::from(1), |a, b| a * b),
        }
    }

    /// (batch, channels, positions) of a tensor of that shape.
    pub fn blocks(&self, shape: &[usize]) -> [usize; 3] {
        match (shape, self.spatial) {
            ([], _) => [1, 1, 1],
            ([n], _) => [*n, 1, 1],
            ([n, c, rest @ ..], true) => [*n, *c, rest.iter().product()],
            ([n, rest @ ..], false) => [*n, rest.iter().product(), 1],
        }
    }
}
