//! RotaryEmbedding on the CPU, and the rotation itself for the attention operators that contain it.

use super::wide::widened;
use super::{Io, Kernel};
use crate::ops::rotary_embedding::RotaryEmbedding;
use crate::{Float, Num, Result, View};
use std::borrow::Cow;

/// Turns the first `2 * cos.len()` numbers of a head by the angles given.
pub(super) fn rotate<W: Num>(head: &mut [W], cos: &[W], sin: &[W], interleaved: bool) {
    let turn = |re: &mut W, im: &mut W, cos: &W, sin: &W| {
        let (x, y) = (*re, *im);
        *re = x.mul(*cos).sub(y.mul(*sin));
        *im = x.mul(*sin).add(y.mul(*cos));
    };
    if interleaved {
        let pairs = head.as_chunks_mut::<2>().0.iter_mut();
        pairs.zip(cos).zip(sin).for_each(|(([re, im], cos), sin)| turn(re, im, cos, sin));
    } else {
        let (re, im) = head.split_at_mut(cos.len());
        re.iter_mut().zip(im).zip(cos).zip(sin).for_each(|(((re, im), cos), sin)| turn(re, im, cos, sin));
    }
}

/// Tables of cosines and sines: a row per position.
pub(super) struct Angles<'a, W: Copy> {
    cos: Cow<'a, [W]>,
    sin: Cow<'a, [W]>,
    /// Angles of a position.
    pub half: usize,
    /// How many positions there are.
    pub positions: usize,
}

impl<'a, W: Num> Angles<'a, W> {
    /// From two tensors [.., positions, half] of one shape.
    pub fn of<T: Float<Wide = W>>(cos: View<'a>, sin: View<'a>) -> Result<Angles<'a, W>> {
        ensure!(
            cos.shape() == sin.shape() && cos.rank() >= 2,
            InvalidModel,
            "the tables of cosines and sines must have one shape of two or three axes, got {cos:?} and {sin:?}"
        );
        let half = cos.shape()[cos.rank() - 1];
        let positions = cos.shape()[..cos.rank() - 1].iter().product();
        Ok(Angles { cos: widened::<T>(cos)?, sin: widened::<T>(sin)?, half, positions })
    }

    /// The cosines and sines of a position.
    pub fn at(&self, position: i64) -> Result<(&[W], &[W])> {
        let at = usize::try_from(position).ok().filter(|&p| p < self.positions).ok_or_else(|| {
            err!(InvalidInput, "position {position} is outside the rotary table's {} rows", self.positions)
        })?;
        let row = at * self.half..(at + 1) * self.half;
        Ok((&self.cos[row.clone()], &self.sin[row]))
    }
}

impl Kernel for RotaryEmbedding {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let [cos, sin, positions] = self.order;
        let (cos, sin) = (io.input(cos)?, io.input(sin)?);
        let positions = io.optional(positions)?.map(|p| p.to_i64s()).transpose()?;
        let half = *cos.shape().last().unwrap_or(&0);
        let part = self.part(x.shape(), half)?;
        let needed = part.batch * part.positions;
        let rows = match &positions {
            Some(p) => p.len(),
            None => cos.len() / half.max(1),
        };
        ensure!(
            rows == needed || half == 0 || positions.is_some() && rows == 1,
            InvalidModel,
            "expected positions for batch {} and sequence {}, got {rows}",
            part.batch,
            part.positions
        );
        let y = io.output(0)?;
        for_float!(x.dtype(), T => {
            let (x, y) = (x.slice::<T>()?, y.into_slice::<T>()?);
            let angles = Angles::<<T as Float>::Wide>::of::<T>(cos, sin)?;
            let size = part.width.max(1);
            let cx = io.context();
            let mut wide = vec![Num::zero(); size];
            for (i, (y, x)) in y.chunks_mut(size).zip(x.chunks(size)).enumerate() {
                if i % 4096 == 0 {
                    cx.check()?;
                }
                let (batch, at) = match part.by_head {
                    true => (i / part.positions / part.heads, i % part.positions),
                    false => (i / part.heads / part.positions, i / part.heads % part.positions),
                };
                let position = match &positions {
                    None => (batch * part.positions + at) as i64,
                    Some(first) if first.len() == 1 => first[0].saturating_add(at as i64),
                    Some(all) => all[batch * part.positions + at],
                };
                let (cos, sin) = angles.at(position)?;
                wide.iter_mut().zip(x).for_each(|(w, x)| *w = x.widen());
                rotate(&mut wide, cos, sin, self.interleaved);
                y.iter_mut().zip(&wide).for_each(|(y, w)| *y = T::narrow(*w));
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{Result, Tensor};

    fn quarter_turn(x: &[f32], position: i64) -> Result<Vec<f32>> {
        let inputs = [
            Tensor::new(&[1, 1, x.len()], x)?,
            Tensor::new(&[1], &[position])?,
            Tensor::new(&[2, 1], &[1f32, 0.0])?,
            Tensor::new(&[2, 1], &[0f32, 1.0])?,
        ];
        let inputs = inputs.map(|t| Some(t.into()));
        let y = run(("com.microsoft", "RotaryEmbedding", 1), &[], &inputs, 1)?;
        Ok(y[0].tensor()?.slice::<f32>()?.to_vec())
    }

    #[test]
    fn every_head_turns() {
        assert_eq!(quarter_turn(&[1.0, 2.0, 3.0, 4.0], 0).unwrap(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(quarter_turn(&[1.0, 2.0, 3.0, 4.0], 1).unwrap(), [-2.0, 1.0, -4.0, 3.0]);
    }

    #[test]
    fn positions_outside_the_table_and_odd_widths_are_refused() {
        assert!(quarter_turn(&[1.0, 2.0], 2).is_err());
        assert!(quarter_turn(&[1.0, 2.0], -1).is_err());
        assert!(quarter_turn(&[1.0, 2.0, 3.0], 0).is_err());
    }
}
