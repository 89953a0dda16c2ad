//! Between the type that elements are stored in and the type that they are computed with.

use crate::tensor::element_count;
use crate::{Element, Float, Num, Result, View};
use std::borrow::Cow;

/// The elements of a tensor of `T` in the type that it computes in; borrowed where that is `T` itself.
pub(super) fn widened<T: Float>(view: View<'_>) -> Result<Cow<'_, [T::Wide]>> {
    let elements = view.slice::<T>()?;
    Ok(if T::DTYPE == <T::Wide as Element>::DTYPE {
        Cow::Borrowed(bytemuck::cast_slice(elements))
    } else {
        Cow::Owned(elements.iter().map(|x| x.widen()).collect())
    })
}

/// The elements of a tensor of any number type in the type `W`; borrowed where that is theirs.
pub(super) fn converted<W: Float>(view: View<'_>) -> Result<Cow<'_, [W]>> {
    if view.dtype() == W::DTYPE {
        return Ok(Cow::Borrowed(view.slice()?));
    }
    for_num!(view.dtype(), T => {
        Ok(Cow::Owned(view.slice::<T>()?.iter().map(|&x| W::from_f64(x.to_f64())).collect()))
    })
}

/// Zeros whose number comes from a model: an error where there is no memory for them.
pub(super) fn zeros<W: Num>(shape: &[usize]) -> Result<Vec<W>> {
    let len = element_count(shape)?;
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(len).map_err(|_| err!(OutOfMemory, "no memory for {len} numbers"))?;
    zeros.resize(len, W::zero());
    Ok(zeros)
}
