//! RandomNormal, RandomUniform and their Like forms on the CPU.

use super::mersenne::Mersenne;
use super::{Io, Kernel};
use crate::ops::random::{Distribution, Random};
use crate::{Num, Result};

impl Kernel for Random {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let mut random = Mersenne::seeded(self.seed, io);
        let mut draw = || match self.distribution {
            Distribution::Normal { mean, scale } => f64::from(mean) + f64::from(scale) * random.normal(),
            Distribution::Uniform { low, high } => {
                f64::from(low) + (f64::from(high) - f64::from(low)) * random.unit()
            }
        };
        let y = io.output(0)?;
        for_float!(y.dtype(), T => {
            for y in y.into_slice::<T>()?.chunks_mut(1 << 18) {
                io.check()?;
                y.iter_mut().for_each(|y| *y = T::from_f64(draw()));
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    fn draw(op: &str, attrs: &[(&str, Attr)]) -> Vec<f32> {
        let mut attrs = attrs.to_vec();
        attrs.push(("shape", Attr::Ints(vec![10, 100])));
        run(("", op, 22), &attrs, &[], 1).unwrap()[0].tensor().unwrap().slice::<f32>().unwrap().to_vec()
    }

    #[test]
    fn a_seed_fixes_the_numbers_and_the_distribution_is_the_asked_one() {
        let seed = || ("seed", Attr::Float(3.0));
        assert_eq!(draw("RandomNormal", &[seed()]), draw("RandomNormal", &[seed()]));
        let uniform =
            draw("RandomUniform", &[seed(), ("low", Attr::Float(-2.0)), ("high", Attr::Float(5.0))]);
        assert!(uniform.iter().all(|x| (-2.0..=5.0).contains(x)));
        let normal =
            draw("RandomNormal", &[seed(), ("mean", Attr::Float(10.0)), ("scale", Attr::Float(0.5))]);
        let mean = normal.iter().sum::<f32>() / 1000.0;
        assert!((9.9..10.1).contains(&mean), "{mean}");
    }
}
