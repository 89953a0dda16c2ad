//! Multinomial on the CPU: each draw is the first class whose cumulative probability passes a random number.

use super::mersenne::Mersenne;
use super::{Io, Kernel};
use crate::ops::multinomial::Multinomial;
use crate::{DType, Num, Result};

impl Kernel for Multinomial {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let mut random = Mersenne::seeded(self.seed, io);
        let (x, y) = (io.input(0)?, io.output(0)?);
        let &[_, classes] = x.shape() else {
            bail!(InvalidInput, "expected a matrix of log-probabilities, got {x:?}");
        };
        if y.is_empty() {
            return Ok(());
        }
        ensure!(classes > 0, InvalidInput, "there is no class to draw");
        let samples = y.shape()[1];
        let mut drawn = Vec::with_capacity(y.len());
        for_float!(x.dtype(), T => {
            for row in x.slice::<T>()?.chunks(classes) {
                io.check()?;
                let largest = row.iter().map(|x| x.to_f64()).fold(f64::NEG_INFINITY, f64::max);
                let mut total = 0.0;
                let sums: Vec<f64> = row
                    .iter()
                    .map(|x| {
                        total += (x.to_f64() - largest).exp();
                        total
                    })
                    .collect();
                for _ in 0..samples {
                    let at = random.unit() * total;
                    drawn.push(sums.iter().position(|&sum| sum > at).unwrap_or(classes - 1) as i64);
                }
            }
            Ok(())
        })?;
        match y.dtype() {
            DType::I64 => y.into_slice::<i64>()?.copy_from_slice(&drawn),
            _ => y.into_slice::<i32>()?.iter_mut().zip(drawn).for_each(|(y, class)| *y = class as i32),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    #[test]
    fn classes_are_drawn_as_often_as_they_are_likely() {
        let x = Tensor::new(&[2, 3], &[0f32, f32::NEG_INFINITY, 0.0, -50.0, 60.0, -50.0]).unwrap();
        let attrs = [("sample_size", Attr::Int(500)), ("seed", Attr::Float(1.0))];
        let y = run(("", "Multinomial", 7), &attrs, &[Some(x.into())], 1).unwrap();
        let y = y[0].tensor().unwrap().slice::<i32>().unwrap();
        let zeros = y[..500].iter().filter(|&&class| class == 0).count();
        assert!((200..300).contains(&zeros) && y[..500].iter().all(|&class| class != 1));
        assert!(y[500..].iter().all(|&class| class == 1));
    }
}
