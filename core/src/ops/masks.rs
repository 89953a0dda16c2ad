//! The shapes of what is added to an attention's scores: tables, and the masks of com.microsoft.

use crate::Result;

/// The four axes of a table that is added to the scores of so many batches, heads and queries; the last axis
/// holds the keys.
pub fn table_shape(shape: &[usize], to: [usize; 3]) -> Result<[usize; 4]> {
    ensure!(
        matches!(shape.len(), 1..=4),
        InvalidModel,
        "a table for scores must have one to four axes, got {shape:?}"
    );
    let mut full = [1; 4];
    full.iter_mut().rev().zip(shape.iter().rev()).for_each(|(to, &size)| *to = size);
    let fits = full.iter().zip(&to).all(|(&have, &want)| have == want || have == 1);
    ensure!(
        fits,
        InvalidModel,
        "a table for scores of batch, heads and queries {to:?} cannot have the shape {shape:?}"
    );
    Ok(full)
}

/// What a mask of com.microsoft's attentions belongs to.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Extent {
    pub batch: usize,
    pub queries: usize,
    pub past: usize,
    pub keys: usize,
}

/// The forms that `mask_index` and `key_padding_mask` have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskForm {
    /// Per batch, the first key that is not seen any more.
    Ends,
    /// Those; then, per batch, the first one that is seen.
    Spans,
    /// [batch, queries or 1, keys]: what is not positive is hidden.
    Table {
        /// How many rows a batch has.
        queries: usize,
    },
    /// [batch, 1, positions, positions], of which the queries are the rows behind the past.
    Square {
        /// How many positions.
        size: usize,
    },
}

impl MaskForm {
    /// The form of a mask of that shape.
    pub fn of(shape: &[usize], to: &Extent) -> Result<MaskForm> {
        let &Extent { batch, queries, past, keys } = to;
        match *shape {
            // Lengths; in the longest form offsets follow, which say nothing more.
            [n] if n == batch || n == 3 * batch + 2 => Ok(MaskForm::Ends),
            [n] if n == 2 * batch => Ok(MaskForm::Spans),
            [b, k] if b == batch && k == keys => Ok(MaskForm::Table { queries: 1 }),
            [b, q, k] if b == batch && q == queries && k == keys => Ok(MaskForm::Table { queries }),
            [b, 1, size, other] if b == batch && size == other && size >= keys && past + queries <= size => {
                Ok(MaskForm::Square { size })
            }
            _ => Err(err!(
                InvalidModel,
                "a mask of {shape:?} has none of the forms for {batch} batches, {queries} queries and {keys} keys"
            )),
        }
    }
}
