//! Elements that are moved without being looked at: units of the same width, strings, packed codes.
//!
//! A kernel that moves elements is one generic function over slices of `T`; [`for_movable!`] picks the `T`
//! and [`Movable`] turns tensors into slices of it. Elements under 8 bits are unpacked on the way in and
//! packed on the way out.

use crate::{Result, View, ViewMut};
use std::borrow::Cow;

/// What a moving kernel sees of an element.
pub trait Movable: Clone + Default + Send + Sync + 'static {
    /// The elements of a tensor.
    fn read(view: View<'_>) -> Result<Cow<'_, [Self]>>;
    /// Lets `fill` write all elements of an output.
    fn write(out: ViewMut<'_>, fill: impl FnOnce(&mut [Self]) -> Result<()>) -> Result<()>;
}

macro_rules! units {
    ($($type:ty),*) => {
        $(impl Movable for $type {
            fn read(view: View<'_>) -> Result<Cow<'_, [$type]>> {
                let fits = view.dtype().bits() == 8 * size_of::<$type>();
                ensure!(fits, InvalidModel, "{} elements do not mix with the others", view.dtype());
                Ok(Cow::Borrowed(view.units()))
            }
            fn write(out: ViewMut<'_>, fill: impl FnOnce(&mut [$type]) -> Result<()>) -> Result<()> {
                fill(out.into_units()?)
            }
        })*
    };
}
units!(u8, u16, u32, u64, [u64; 2]);

impl Movable for String {
    fn read(view: View<'_>) -> Result<Cow<'_, [String]>> {
        view.strings().map(Cow::Borrowed)
    }
    fn write(out: ViewMut<'_>, fill: impl FnOnce(&mut [String]) -> Result<()>) -> Result<()> {
        fill(out.into_strings()?)
    }
}

/// The code of an element under 8 bits.
impl Movable for i16 {
    fn read(view: View<'_>) -> Result<Cow<'_, [i16]>> {
        view.unpacked().map(Cow::Owned)
    }
    fn write(out: ViewMut<'_>, fill: impl FnOnce(&mut [i16]) -> Result<()>) -> Result<()> {
        let mut codes = filled(0, out.len())?;
        fill(&mut codes)?;
        out.pack(&codes)
    }
}

/// `for_movable!(dtype, T => body)`: the body with `T` the [`Movable`] type for elements of that type.
macro_rules! for_movable {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::DType::Str => {
                type $T = String;
                $body
            }
            dtype if dtype.is_packed() => {
                type $T = i16;
                $body
            }
            dtype => $crate::for_width!(dtype, $T => $body),
        }
    };
}
pub(super) use for_movable;

/// `len` copies of `x`; an error where there is no memory for them.
pub fn filled<T: Clone>(x: T, len: usize) -> Result<Vec<T>> {
    let mut out = Vec::new();
    out.try_reserve_exact(len).map_err(|_| err!(OutOfMemory, "no memory for {len} elements"))?;
    out.resize(len, x);
    Ok(out)
}
