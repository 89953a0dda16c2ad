//! Col2Im on the CPU. The small floats sum in f32 and round once.

use super::movable::filled;
use super::{Io, Kernel};
use crate::ops::col2im::{Along, Col2Im, check};
use crate::{Num, Result, Shape, strides};

impl Kernel for Col2Im {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let along = self.along(&io.input(1)?.to_i64s()?, &io.input(2)?.to_i64s()?)?;
        let &[_, rows, columns] = x.shape() else {
            bail!(InvalidModel, "expected a tensor of rank 3, got {x:?}");
        };
        check(rows, columns, &along)?;
        let y = io.output(0)?;
        if y.is_empty() {
            return Ok(());
        }
        let places = places(&along)?;
        let pixels: usize = along.iter().map(|a| a.image).product();
        let cx = io.context();
        for_num!(x.dtype(), T => {
            let (x, y) = (x.slice::<T>()?, y.into_slice::<T>()?);
            cx.pool.chunks(y, pixels, |i, y| {
                cx.check()?;
                let mut sums = filled(<T as Num>::Acc::zero(), pixels)?;
                for (place, &x) in places.iter().zip(&x[i * places.len()..]) {
                    if let Some(place) = *place {
                        sums[place] = sums[place].add(x.acc());
                    }
                }
                y.iter_mut().zip(sums).for_each(|(y, sum)| *y = T::of_acc(sum));
                Ok(())
            })
        })
    }
}

/// Where in the image each element of one image's blocks belongs, if not in the pads.
fn places(along: &[Along]) -> Result<Vec<Option<usize>>> {
    let blocks: Shape = along.iter().map(|a| a.block).collect();
    let counts: Shape = along.iter().map(|a| a.count).collect();
    let steps = strides(&along.iter().map(|a| a.image).collect::<Shape>());
    let (elements, columns) = (blocks.iter().product::<usize>(), counts.iter().product::<usize>());
    let mut out = filled(None, elements.saturating_mul(columns))?;
    for (k, out) in out.iter_mut().enumerate() {
        let (mut element, mut column) = (k / columns, k % columns);
        let mut place = Some(0);
        for (i, a) in along.iter().enumerate().rev() {
            let at = column % a.count * a.stride + element % a.block * a.dilation;
            let at = at.checked_sub(a.before).filter(|&at| at < a.image);
            place = place.zip(at).map(|(place, at)| place + at * steps[i]);
            element /= a.block;
            column /= a.count;
        }
        *out = place;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn image(columns: usize, image: i64, block: i64, pads: [i64; 2]) -> Result<Vec<f32>> {
        let rows = block.max(1) as usize;
        let x: Vec<f32> = (1..=rows * columns).map(|x| x as f32).collect();
        let inputs = [
            Tensor::new(&[1, rows, columns], &x)?,
            Tensor::new(&[1], &[image])?,
            Tensor::new(&[1], &[block])?,
        ];
        let attrs = [("pads", Attr::Ints(pads.to_vec()))];
        let y = run(("", "Col2Im", 18), &attrs, &inputs.map(|t| Some(t.into())), 1)?;
        Ok(y[0].tensor()?.slice()?.to_vec())
    }

    #[test]
    fn blocks_overlap_and_hang_over_the_edge() {
        assert_eq!(image(2, 3, 2, [0, 0]).unwrap(), [1., 2. + 3., 4.]);
        assert_eq!(image(2, 1, 2, [1, 1]).unwrap(), [3. + 2.]);
        assert!(image(3, 3, 2, [0, 0]).is_err());
        assert!(image(1, 3, 0, [0, 0]).is_err());
        assert!(image(1, -1, 1, [0, 0]).is_err());
    }
}
