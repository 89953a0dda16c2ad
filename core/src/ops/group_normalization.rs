//! GroupNormalization and InstanceNormalization: each group of channels of each sample to zero mean and
//! unit variance, then scaled and shifted.
//!
//! InstanceNormalization (from opset 1) has one channel per group. GroupNormalization scales each group in
//! opset 18, each channel from 21 on. Statistics are kept in f64, so `stash_type` asks for nothing that
//! does not hold already.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// GroupNormalization or InstanceNormalization.
#[derive(Clone, Debug)]
pub struct GroupNormalization {
    /// Added to the variance.
    pub epsilon: f32,
    /// How many groups there are; `None` for one per channel.
    groups: Option<i64>,
    /// Whether scale and bias have an element per group, not per channel.
    pub scale_groups: bool,
}

impl Operator for GroupNormalization {
    fn parse(a: &mut Attrs) -> Result<GroupNormalization> {
        a.arity(3..=3, 1..=1)?;
        let epsilon = a.float_or("epsilon", 1e-5)?;
        if a.op() == "InstanceNormalization" {
            if a.version() < 6 {
                a.ignore(&["consumed_inputs"]);
            }
            return Ok(GroupNormalization { epsilon, groups: None, scale_groups: false });
        }
        let groups = a.int("num_groups")?;
        let groups = a.required("num_groups", groups)?;
        ensure!(groups > 0, InvalidModel, "num_groups must be positive, got {groups}");
        let scale_groups = a.version() < 21;
        if !scale_groups {
            a.ignore(&["stash_type"]);
        }
        Ok(GroupNormalization { epsilon, groups: Some(groups), scale_groups })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let Some(x) = cx.dims(0) {
            ensure!(x.len() >= 2, InvalidModel, "expected a batch and a channel axis, got shape {x:?}");
            if let Some(channels) = x[1].size() {
                let groups = self.groups(channels)?;
                let scales = if self.scale_groups { groups } else { channels };
                for i in [1, 2] {
                    let Some(dims) = cx.dims(i) else { continue };
                    ensure!(
                        dims.len() == 1 && dims[0].known().is_none_or(|len| len == scales as i64),
                        InvalidModel,
                        "input {i} must have shape [{scales}], got {dims:?}"
                    );
                }
            }
        }
        cx.like_input()
    }
}

impl GroupNormalization {
    /// How many groups that many channels fall into.
    pub fn groups(&self, channels: usize) -> Result<usize> {
        let Some(groups) = self.groups else { return Ok(channels) };
        let groups = usize::try_from(groups).unwrap_or(usize::MAX);
        ensure!(
            channels.is_multiple_of(groups),
            InvalidModel,
            "{channels} channels do not fall into {groups} equal groups"
        );
        Ok(groups)
    }
}
