//! Bernoulli on the CPU.

use super::mersenne::Mersenne;
use super::{Io, Kernel};
use crate::ops::bernoulli::Bernoulli;
use crate::{DType, Num, Result, Truth};

impl Kernel for Bernoulli {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let mut random = Mersenne::seeded(self.seed, io);
        let (x, y) = (io.input(0)?, io.output(0)?);
        for_float!(x.dtype(), P => {
            let mut draws = x.slice::<P>()?.iter().map(|p| random.unit() < p.to_f64());
            if y.dtype() == DType::Bool {
                y.into_slice::<Truth>()?.iter_mut().zip(draws).for_each(|(y, hit)| *y = hit.into());
                return Ok(());
            }
            for_num!(y.dtype(), T => {
                y.into_slice::<T>()?.iter_mut().zip(&mut draws).for_each(|(y, hit)| *y = T::from_i64(hit.into()));
                Ok(())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::map_f32s;
    use crate::ops::Attr;

    #[test]
    fn certain_things_happen_and_impossible_ones_do_not() {
        let p: Vec<f32> = (0..100).map(|i| (i % 2) as f32).collect();
        assert_eq!(map_f32s(("", "Bernoulli", 15), &[], &[100], &p), p);
    }

    #[test]
    fn other_types_come_out_where_asked() {
        let p = Tensor::new(&[2], &[1f64, 0.0]).unwrap();
        let attrs = [("dtype", Attr::Int(crate::DType::I16 as i64))];
        let y = crate::cpu::testing::run(("", "Bernoulli", 22), &attrs, &[Some(p.into())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i16>().unwrap(), [1, 0]);
    }
}
