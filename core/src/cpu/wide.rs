//! Between the type that elements are stored in and the type that they are computed with.

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
