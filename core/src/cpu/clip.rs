//! Clip on the CPU. NaN stays; where the minimum is above the maximum, everything is the maximum.

use super::map::{IN_PLACE, map_same, output_dtype};
use super::{Io, Kernel, vector};
use crate::ops::clip::Clip;
use crate::{Num, Result};
use edgewise_simd::elementwise::Unary;

impl Kernel for Clip {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        if vector::is_f32(io)? {
            // No limit is an infinite one.
            let low = limit(io, 1)?.or(self.min).unwrap_or(f32::NEG_INFINITY);
            let high = limit(io, 2)?.or(self.max).unwrap_or(f32::INFINITY);
            return vector::unary(io, Unary::Clip { low, high });
        }
        for_num!(output_dtype(io)?, T => {
            let min = limit::<T>(io, 1)?.or(self.min.map(|x| T::from_f64(x.into())));
            let max = limit::<T>(io, 2)?.or(self.max.map(|x| T::from_f64(x.into())));
            map_same::<T>(io, |x| {
                let x = min.map_or(x, |min| x.max_of(min));
                max.map_or(x, |max| x.min_of(max))
            })
        })
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        IN_PLACE
    }
}

fn limit<T: Num>(io: &Io<'_>, i: usize) -> Result<Option<T>> {
    let Some(view) = io.optional(i)? else { return Ok(None) };
    match view.slice::<T>()? {
        [x] => Ok(Some(*x)),
        _ => Err(err!(InvalidInput, "a limit of Clip must be one element, got {view:?}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::{map_f32s, run};
    use crate::ops::Attr;

    #[test]
    fn limits_are_attributes_then_inputs() {
        let max = [("max", Attr::Float(1.0))];
        assert_eq!(map_f32s(("", "Clip", 6), &max, &[2], &[5.0, f32::NEG_INFINITY]), [1.0, f32::MIN]);
        let x = Tensor::new(&[3], &[-5i8, 0, 5]).unwrap();
        let limit = |x: i8| Some(Tensor::scalar(x).into());
        let y = run(("", "Clip", 13), &[], &[Some(x.clone().into()), None, limit(1)], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i8>().unwrap(), [-5, 0, 1]);
        let y = run(("", "Clip", 13), &[], &[Some(x.into()), limit(3), limit(1)], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i8>().unwrap(), [1; 3]);
    }

    #[test]
    fn nan_stays_and_limits_of_many_elements_are_refused() {
        assert!(map_f32s(("", "Clip", 6), &[], &[1], &[f32::NAN])[0].is_nan());
        let x = Tensor::new(&[2], &[0f32; 2]).unwrap();
        assert!(run(("", "Clip", 13), &[], &[Some(x.clone().into()), Some(x.into())], 1).is_err());
    }
}
