//! ReverseSequence on the CPU.

use super::movable::{Movable, for_movable};
use super::{Io, Kernel};
use crate::Result;
use crate::ops::reverse_sequence::ReverseSequence;

impl Kernel for ReverseSequence {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, lens) = (io.input(0)?, io.input(1)?.to_i64s()?);
        let y = io.output(0)?;
        let &[first, second, ref inner @ ..] = x.shape() else {
            bail!(InvalidModel, "expected at least two axes, got {x:?}");
        };
        let inner: usize = inner.iter().product();
        let (time, batch) = if self.time_first { (first, second) } else { (second, first) };
        ensure!(lens.len() == batch, InvalidInput, "there are {} lengths for {batch} samples", lens.len());
        let wrong = lens.iter().find(|len| !(0..=time as i64).contains(*len));
        ensure!(wrong.is_none(), InvalidInput, "a length of {} for {time} entries", wrong.unwrap_or(&0));
        io.check()?;
        if y.is_empty() {
            return Ok(());
        }
        for_movable!(x.dtype(), T => {
            let x = T::read(x)?;
            T::write(y, |y| {
                for (k, y) in y.chunks_mut(inner).enumerate() {
                    let (a, b) = (k / second, k % second);
                    let (t, n) = if self.time_first { (a, b) } else { (b, a) };
                    let len = lens[n] as usize;
                    let t = if t < len { len - 1 - t } else { t };
                    let from = if self.time_first { t * second + n } else { n * second + t };
                    y.clone_from_slice(&x[from * inner..][..inner]);
                }
                Ok(())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn reverse(batch: i64, lens: &[i64]) -> Result<Vec<i16>> {
        let inputs = [Tensor::new(&[2, 3], &[0i16, 1, 2, 3, 4, 5])?, Tensor::new(&[lens.len()], lens)?];
        let attrs = [("batch_axis", Attr::Int(batch)), ("time_axis", Attr::Int(1 - batch))];
        let y = run(("", "ReverseSequence", 10), &attrs, &inputs.map(|t| Some(t.into())), 1)?;
        Ok(y[0].tensor()?.slice()?.to_vec())
    }

    #[test]
    fn only_the_given_lengths_turn_around() {
        assert_eq!(reverse(0, &[2, 0]).unwrap(), [1, 0, 2, 3, 4, 5]);
        assert_eq!(reverse(1, &[2, 1, 2]).unwrap(), [3, 1, 5, 0, 4, 2]);
        assert!(reverse(0, &[4, 0]).is_err());
        assert!(reverse(0, &[-1, 0]).is_err());
        assert!(reverse(0, &[1]).is_err());
    }
}
