//! TensorScatter on the CPU.

use super::movable::{Movable, for_movable};
use super::{Io, Kernel};
use crate::Result;
use crate::ops::tensor_scatter::TensorScatter;

impl Kernel for TensorScatter {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (cache, update) = (io.input(0)?, io.input(1)?);
        let starts = io.optional(2)?.map(|i| i.to_i64s()).transpose()?;
        let y = io.output(0)?;
        let axis = self.axis(cache.rank())?;
        let (len, count) = (cache.shape()[axis], update.shape()[axis]);
        let inner: usize = cache.shape()[axis + 1..].iter().product();
        let per_sample: usize = cache.shape()[1..axis].iter().product();
        io.check()?;
        for_movable!(cache.dtype(), T => {
            let (cache, update) = (T::read(cache)?, T::read(update)?);
            T::write(y, |y| {
                y.clone_from_slice(&cache);
                if count * inner == 0 {
                    return Ok(());
                }
                for (k, entry) in update.chunks(inner).enumerate() {
                    let (prefix, entry_at) = (k / count, k % count);
                    let start = starts.as_ref().map_or(0, |starts| starts[prefix / per_sample]);
                    let at = prefix * len + self.place(start, entry_at, len)?;
                    y[at * inner..][..inner].clone_from_slice(entry);
                }
                Ok(())
            })
        })
    }
}

impl TensorScatter {
    fn place(&self, start: i64, entry: usize, len: usize) -> Result<usize> {
        let at = start.saturating_add(entry as i64);
        let at = if self.circular { at.rem_euclid(len as i64) } else { at };
        usize::try_from(at).ok().filter(|&at| at < len).ok_or_else(|| {
            err!(InvalidInput, "entry {entry} written from {start} on is outside a cache of {len} entries")
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn scatter(mode: &str, starts: &[i64]) -> Result<Vec<u8>> {
        let inputs = [
            Tensor::new(&[2, 3, 1], &[0u8; 6])?,
            Tensor::new(&[2, 2, 1], &[1u8, 2, 3, 4])?,
            Tensor::new(&[starts.len()], starts)?,
        ];
        let attrs = [("mode", Attr::Str(mode.into()))];
        let y = run(("", "TensorScatter", 24), &attrs, &inputs.map(|t| Some(t.into())), 1)?;
        Ok(y[0].tensor()?.slice()?.to_vec())
    }

    #[test]
    fn entries_go_where_each_sample_says() {
        assert_eq!(scatter("linear", &[0, 1]).unwrap(), [1, 2, 0, 0, 3, 4]);
        assert_eq!(scatter("circular", &[2, 7]).unwrap(), [2, 0, 1, 0, 3, 4]);
        assert!(scatter("linear", &[0, 2]).is_err());
        assert!(scatter("linear", &[-1, 0]).is_err());
        assert!(scatter("linear", &[0]).is_err());
    }
}
