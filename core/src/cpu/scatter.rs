//! What ScatterElements and ScatterND share: runs of updates put into a copy of a tensor.

use super::Io;
use super::movable::{Movable, for_movable};
use crate::ops::scatter_elements::Reduction;
use crate::{Complex64, Complex128, DType, Element, Num, Result, Truth, View, ViewMut};

/// `y` becomes `data`; then the updates, in runs of equal length, are joined into it at `places`.
pub fn scatter(
    io: &Io<'_>,
    reduction: Reduction,
    data: View<'_>,
    places: &[usize],
    updates: View<'_>,
    y: ViewMut<'_>,
) -> Result<()> {
    let dtype = data.dtype();
    ensure!(updates.dtype() == dtype, InvalidModel, "the data is {dtype}, the updates {}", updates.dtype());
    io.check()?;
    if reduction == Reduction::Replace {
        return for_movable!(dtype, T => {
            let (data, updates) = (T::read(data)?, T::read(updates)?);
            T::write(y, |y| put(&data, places, &updates, y, |y, u| y.clone_from(u)))
        });
    }
    match dtype {
        DType::Bool => join(data, places, updates, y, |a: Truth, b: Truth| match reduction {
            Reduction::Add | Reduction::Max => (a.get() | b.get()).into(),
            _ => (a.get() & b.get()).into(),
        }),
        DType::C64 | DType::C128 if matches!(reduction, Reduction::Max | Reduction::Min) => {
            bail!(Unsupported, "{dtype} elements have no order for reduction {reduction:?}")
        }
        DType::C64 => join(data, places, updates, y, |a: Complex64, b: Complex64| match reduction {
            Reduction::Add => Complex64 { re: a.re + b.re, im: a.im + b.im },
            _ => Complex64 { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re },
        }),
        DType::C128 => join(data, places, updates, y, |a: Complex128, b: Complex128| match reduction {
            Reduction::Add => Complex128 { re: a.re + b.re, im: a.im + b.im },
            _ => Complex128 { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re },
        }),
        _ => for_num!(dtype, T => {
            let f = match reduction {
                Reduction::Add => T::add,
                Reduction::Mul => T::mul,
                Reduction::Max => T::max_of,
                _ => T::min_of,
            };
            join(data, places, updates, y, f)
        }),
    }
}

fn join<T: Element>(
    data: View<'_>,
    places: &[usize],
    updates: View<'_>,
    y: ViewMut<'_>,
    f: impl Fn(T, T) -> T,
) -> Result<()> {
    put(data.slice::<T>()?, places, updates.slice::<T>()?, y.into_slice::<T>()?, |y, u| *y = f(*y, *u))
}

fn put<T: Clone>(
    data: &[T],
    places: &[usize],
    updates: &[T],
    y: &mut [T],
    f: impl Fn(&mut T, &T),
) -> Result<()> {
    y.clone_from_slice(data);
    if updates.is_empty() {
        return Ok(());
    }
    let len = updates.len() / places.len().max(1);
    ensure!(
        len * places.len() == updates.len() && len > 0,
        InvalidInput,
        "{} updates do not fit {} places",
        updates.len(),
        places.len()
    );
    for (updates, &at) in updates.chunks(len).zip(places) {
        for (y, u) in y[at..at + len].iter_mut().zip(updates) {
            f(y, u);
        }
    }
    Ok(())
}
