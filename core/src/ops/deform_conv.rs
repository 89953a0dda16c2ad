//! DeformConv: a convolution that looks at each tap an offset away, between cells, and times a mask.
//!
//! Since opset 19, bf16 since 22. The offsets are N×(groups·taps·axes)×O1×…, the mask N×(groups·taps)×O1×…,
//! where the groups are `offset_group` parts of the input channels.

use super::conv::{ConvWindows, groups};
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{Dim, Result};

/// DeformConv.
#[derive(Clone, Debug)]
pub struct DeformConv {
    /// Where the windows lie without offsets.
    pub windows: ConvWindows,
    /// How many parts of the channels have offsets of their own.
    pub offset_groups: usize,
}

impl Operator for DeformConv {
    fn parse(a: &mut Attrs) -> Result<DeformConv> {
        a.arity(3..=5, 1..=1)?;
        Ok(DeformConv { windows: ConvWindows::parse(a)?, offset_groups: groups(a, "offset_group")? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.same_type([0, 1, 2, 3, 4])?;
        let dims = self.windows.output(cx, (0, false), 1)?;
        if let (Some(x), Some(w), Some(y)) = (cx.dims(0), cx.dims(1), &dims) {
            let multiple = x[1].known().is_none_or(|n| n % self.offset_groups as i64 == 0);
            ensure!(multiple, InvalidModel, "{} channels for {} offset groups", x[1], self.offset_groups);
            let groups = Dim::from(self.offset_groups);
            let taps = w[2..].iter().fold(groups, |n, k| n * k.clone());
            let rank = Dim::from(x.len() - 2);
            for (input, planes) in [(2, taps.clone() * rank), (4, taps)] {
                let Some(dims) = cx.dims(input) else { continue };
                let want = [&[x[0].clone(), planes], &y[2..]].concat();
                let fits = |(a, b): (&Dim, &Dim)| a.known().is_none() || b.known().is_none() || a == b;
                ensure!(
                    dims.len() == want.len() && dims.iter().zip(&want).all(fits),
                    InvalidModel,
                    "input {input} must be {want:?}, got {dims:?}"
                );
            }
        }
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }
}
