//! NGramRepeatBlock on the CPU.

use super::{Io, Kernel};
use crate::Result;
use crate::ops::ngram_repeat_block::NGramRepeatBlock;

impl Kernel for NGramRepeatBlock {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (ids, scores) = (io.input(0)?, io.input(1)?);
        let (&[batch, len], &[rows, words]) = (ids.shape(), scores.shape()) else {
            bail!(InvalidModel, "ids and scores must have two axes, got {ids:?} and {scores:?}")
        };
        ensure!(batch == rows, InvalidModel, "ids {ids:?} and scores {scores:?} differ in their batch");
        let (ids, scores) = (ids.to_i64s()?, scores.slice::<f32>()?);
        let out = io.output(0)?.into_slice::<f32>()?;
        out.copy_from_slice(scores);
        for b in 0..batch {
            io.check()?;
            let ids = &ids[b * len..][..len];
            let Some(start) = (len + 1).checked_sub(self.size) else { continue };
            for ngram in ids.windows(self.size).filter(|ngram| ngram[..self.size - 1] == ids[start..]) {
                let word = ngram[self.size - 1];
                let at = usize::try_from(word).ok().filter(|&at| at < words);
                let at = at.ok_or_else(|| err!(InvalidInput, "word {word} is outside 0..{words}"))?;
                out[b * words + at] = f32::NEG_INFINITY;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn blocked(ids: &[i64], size: i64) -> Result<Vec<usize>> {
        let inputs = [Tensor::new(&[1, ids.len()], ids)?, Tensor::new(&[1, 4], &[0f32; 4])?];
        let inputs = inputs.map(|t| Some(t.into()));
        let y =
            run(("com.microsoft", "NGramRepeatBlock", 1), &[("ngram_size", Attr::Int(size))], &inputs, 1)?;
        let y = y[0].tensor()?.slice::<f32>()?;
        Ok((0..4).filter(|&i| y[i] == f32::NEG_INFINITY).collect())
    }

    #[test]
    fn what_would_repeat_is_blocked() {
        assert_eq!(blocked(&[1, 2, 1, 3, 1], 2).unwrap(), [2, 3]);
        assert_eq!(blocked(&[0, 1, 2, 0, 1], 3).unwrap(), [2]);
        assert_eq!(blocked(&[3, 3], 1).unwrap(), [3]);
    }

    #[test]
    fn short_and_wrong_ids() {
        assert!(blocked(&[], 2).unwrap().is_empty());
        assert!(blocked(&[1], 2).unwrap().is_empty());
        assert!(blocked(&[4], 1).is_err());
    }
}
