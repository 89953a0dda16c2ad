//! Between the type that elements are stored in and the type that they are computed with.

use crate::{Float, Result, View};

/// The elements of a tensor of `T` in the type that it computes in.
pub(super) fn widened<T: Float>(view: View<'_>) -> Result<Vec<T::Wide>> {
    Ok(view.slice::<T>()?.iter().map(|x| x.widen()).collect())
}
