//! MaxUnpool on the CPU. An index outside the result is an error.

use super::{Io, Kernel};
use crate::ops::max_unpool::MaxUnpool;
use crate::{Dim, Result, Shape};

impl Kernel for MaxUnpool {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, at) = (io.input(0)?, io.input(1)?);
        ensure!(at.shape() == x.shape(), InvalidInput, "indices {at:?} for values {x:?}");
        let dims: Vec<Dim> = x.shape().iter().map(|&d| d.into()).collect();
        let implied: Shape = self.implied(&dims)?.iter().filter_map(Dim::size).collect();
        let given: Option<Vec<i64>> = io.optional(2)?.map(|s| s.to_i64s()).transpose()?;
        let shape = match given {
            None => implied.clone(),
            Some(sizes) => sizes
                .iter()
                .map(|&d| usize::try_from(d).map_err(|_| err!(InvalidInput, "'output_shape' is {sizes:?}")))
                .collect::<Result<Shape>>()?,
        };
        let fits = shape.len() == implied.len() && shape.iter().zip(&implied).all(|(s, i)| s >= i);
        ensure!(fits, InvalidInput, "'output_shape' {shape:?} is smaller than the implied {implied:?}");
        let total = crate::tensor::element_count(&implied)?;
        let y = io.make(0, x.dtype(), &shape)?;
        let place = |index: i64| -> Result<usize> {
            let index = usize::try_from(index).ok().filter(|&i| i < total);
            let mut rest = index
                .ok_or_else(|| err!(InvalidInput, "an index lies outside a tensor of {total} elements"))?;
            let (mut place, mut step) = (0, 1);
            for (&from, &to) in implied.iter().zip(&shape).rev() {
                place += rest % from * step;
                rest /= from;
                step *= to;
            }
            Ok(place)
        };
        let at = at.slice::<i64>()?;
        for_width!(x.dtype(), T => {
            let y = y.into_units::<T>()?;
            for (&x, &at) in x.units::<T>().iter().zip(at) {
                y[place(at)?] = x;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    #[test]
    fn indices_count_through_the_implied_shape_and_must_lie_in_it() {
        let unpool = |at: i64, shape: Option<&[i64]>| {
            let x = Tensor::new(&[1, 1, 1, 1], &[7f32]).unwrap();
            let at = Tensor::new(&[1, 1, 1, 1], &[at]).unwrap();
            let shape = shape.map(|s| Tensor::new(&[s.len()], s).unwrap().into());
            let attrs = [("kernel_shape", Attr::Ints(vec![2, 2]))];
            let y = run(("", "MaxUnpool", 11), &attrs, &[Some(x.into()), Some(at.into()), shape], 1)?;
            Ok::<_, crate::Error>(y[0].tensor()?.slice::<f32>()?.to_vec())
        };
        assert_eq!(unpool(2, None).unwrap(), [0.0, 0.0, 7.0, 0.0]);
        assert_eq!(unpool(2, Some(&[1, 1, 2, 3])).unwrap(), [0.0, 0.0, 0.0, 7.0, 0.0, 0.0]);
        assert!(unpool(4, None).is_err() && unpool(-1, None).is_err());
        assert!(unpool(0, Some(&[1, 1, 1, 1])).is_err() && unpool(0, Some(&[-1])).is_err());
    }
}
