//! The masks of com.microsoft's attentions: what they hide gets a fixed number added to its score, and is
//! not left out. So a query all of whose keys are hidden still gives their mean.

use super::attention_core::At;
use crate::ops::masks::{Extent, MaskForm};
use crate::{Result, View};

/// Which keys are hidden from whom.
pub(super) struct PaddingMask {
    form: Form,
    /// What is added to a hidden key's score.
    pub filter: f32,
}

/// As in [`MaskForm`], with what is seen.
enum Form {
    Spans(Vec<(i64, i64)>),
    Table { seen: Vec<bool>, queries: usize, keys: usize },
    Square { seen: Vec<bool>, size: usize, past: usize },
}

impl PaddingMask {
    /// From any of the forms that `mask_index` and `key_padding_mask` have.
    pub fn of(mask: View<'_>, to: &Extent, filter: f32) -> Result<PaddingMask> {
        let &Extent { batch, past, keys, .. } = to;
        let values = mask.to_i64s()?;
        let seen = || values.iter().map(|&x| x > 0).collect();
        let form = match MaskForm::of(mask.shape(), to)? {
            MaskForm::Ends => Form::Spans(values[..batch].iter().map(|&end| (0, end)).collect()),
            MaskForm::Spans => Form::Spans((0..batch).map(|b| (values[batch + b], values[b])).collect()),
            MaskForm::Table { queries } => Form::Table { seen: seen(), queries, keys },
            MaskForm::Square { size } => Form::Square { seen: seen(), size, past },
        };
        Ok(PaddingMask { form, filter })
    }

    /// Whether a key is hidden from a query.
    pub fn hides(&self, at: At, key: usize) -> bool {
        match &self.form {
            Form::Spans(spans) => {
                let (start, end) = spans[at.batch];
                !(start..end).contains(&(key as i64))
            }
            Form::Table { seen, queries, keys } => {
                !seen[(at.batch * queries + at.query % queries) * keys + key]
            }
            Form::Square { seen, size, past } => !seen[(at.batch * size + past + at.query) * size + key],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;

    fn hidden(shape: &[usize], mask: &[i32], query: usize) -> Result<Vec<usize>> {
        let to = Extent { batch: 1, queries: 2, past: 1, keys: 3 };
        let mask = PaddingMask::of(Tensor::new(shape, mask)?.view(), &to, -1.0)?;
        Ok((0..3).filter(|&key| mask.hides(At { batch: 0, head: 0, query }, key)).collect())
    }

    #[test]
    fn every_form_hides_what_it_should() {
        assert_eq!(hidden(&[1], &[2], 0).unwrap(), [2]);
        assert_eq!(hidden(&[2], &[3, 1], 0).unwrap(), [0]);
        assert_eq!(hidden(&[5], &[1, 0, 2, 0, 3], 0).unwrap(), [1, 2]);
        assert_eq!(hidden(&[1, 3], &[1, 0, 1], 1).unwrap(), [1]);
        assert_eq!(hidden(&[1, 2, 3], &[1, 1, 1, 0, 1, 1], 1).unwrap(), [0]);
        assert_eq!(hidden(&[1, 1, 3, 3], &[0, 0, 0, 1, 1, 0, 1, 1, 1], 0).unwrap(), [2]);
        assert!(hidden(&[1, 4], &[1; 4], 0).is_err());
    }
}
