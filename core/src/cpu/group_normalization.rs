//! GroupNormalization and InstanceNormalization on the CPU.

use super::normalize::{each_row, moments, parameters};
use super::{Io, Kernel};
use crate::ops::group_normalization::GroupNormalization;
use crate::{Num, Result};

impl Kernel for GroupNormalization {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let &[_, channels, ref positions @ ..] = x.shape() else {
            bail!(InvalidModel, "expected a batch and a channel axis, got shape {:?}", x.shape());
        };
        let positions: usize = positions.iter().product();
        let groups = self.groups(channels)?;
        let scales = if self.scale_groups { groups } else { channels };
        let (scale, bias) = (parameters(io.input(1)?, scales)?, parameters(io.input(2)?, scales)?);
        let per_group = channels.checked_div(groups).unwrap_or(0);
        let len = per_group * positions;
        let y = io.output(0)?;
        for_float!(x.dtype(), T => {
            let x = x.slice::<T>()?;
            each_row(io, y.into_slice::<T>()?, len, |i, y| {
                let x = &x[i * len..][..len];
                let (mean, var) = moments(x.iter());
                let factor = 1.0 / (var + self.epsilon as f64).sqrt();
                for (c, (y, x)) in y.chunks_mut(positions).zip(x.chunks(positions)).enumerate() {
                    let group = i % groups;
                    let s = if self.scale_groups { group } else { group * per_group + c };
                    for (y, x) in y.iter_mut().zip(x) {
                        *y = T::from_f64((x.to_f64() - mean) * factor * scale[s] + bias[s]);
                    }
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn norm(op: (&str, i64), groups: Option<i64>, shape: &[usize], x: &[f32], s: &[f32]) -> Result<Vec<f32>> {
        let mut attrs = vec![("epsilon", Attr::Float(0.0))];
        attrs.extend(groups.map(|g| ("num_groups", Attr::Int(g))));
        let zero = vec![0f32; s.len()];
        let inputs = [Tensor::new(shape, x)?, Tensor::new(&[s.len()], s)?, Tensor::new(&[s.len()], &zero)?];
        let y = run(("", op.0, op.1), &attrs, &inputs.map(|t| Some(t.into())), 1)?;
        Ok(y[0].tensor()?.slice::<f32>()?.to_vec())
    }

    #[test]
    fn scale_is_per_group_in_18_and_per_channel_from_21() {
        let x = [0.0, 2.0, 4.0, 8.0];
        let y = norm(("GroupNormalization", 18), Some(2), &[1, 4, 1], &x, &[1.0, 10.0]).unwrap();
        assert_eq!(y, [-1.0, 1.0, -10.0, 10.0]);
        let y = norm(("GroupNormalization", 21), Some(2), &[1, 4, 1], &x, &[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!(y, [-1.0, 2.0, -3.0, 4.0]);
    }

    #[test]
    fn an_instance_is_a_group_of_one_channel() {
        let x = [0.0, 2.0, 4.0, 8.0];
        let y = norm(("InstanceNormalization", 6), None, &[1, 2, 2], &x, &[1.0, 3.0]).unwrap();
        assert_eq!(y, [-1.0, 1.0, -3.0, 3.0]);
        assert!(norm(("InstanceNormalization", 6), None, &[2, 2, 0], &[], &[1.0, 3.0]).unwrap().is_empty());
        assert!(norm(("InstanceNormalization", 6), None, &[2, 0, 2], &[], &[]).unwrap().is_empty());
    }

    #[test]
    fn groups_must_divide_the_channels() {
        assert!(norm(("GroupNormalization", 21), Some(2), &[1, 3], &[0.0; 3], &[1.0; 3]).is_err());
        assert!(norm(("GroupNormalization", 21), Some(0), &[1, 3], &[0.0; 3], &[1.0; 3]).is_err());
    }
}
