//! ByteTable on the CPU: one look-up each.

use super::broadcast::CHUNK;
use super::map::IN_PLACE;
use super::{Io, Kernel};
use crate::Result;
use crate::ops::byte_table::ByteTable;

impl Kernel for ByteTable {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let table: &[u8; 256] = io
            .input(1)?
            .bytes()
            .try_into()
            .map_err(|_| err!(InvalidInput, "the table must have 256 entries"))?;
        let placed = io.placed(0, 0);
        let x: &[u8] = if placed { &[] } else { io.input(0)?.bytes() };
        let y: &mut [u8] = io.output(0)?.into_units()?;
        let cx = io.context();
        cx.pool.chunks(y, CHUNK, |i, y| {
            cx.check()?;
            if placed {
                y.iter_mut().for_each(|y| *y = table[*y as usize]);
            } else {
                y.iter_mut().zip(&x[i * CHUNK..]).for_each(|(y, &x)| *y = table[x as usize]);
            }
            Ok(())
        })
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        IN_PLACE
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;

    #[test]
    fn bytes_are_looked_up_by_their_bits() {
        let table: Vec<u8> = (0..=255).rev().collect();
        let table = |len: usize| Some(Tensor::new(&[len], &table[..len]).unwrap().into());
        let of = |x: Tensor, len| run(("edgewise", "ByteTable", 1), &[], &[Some(x.into()), table(len)], 1);
        let y = of(Tensor::new(&[2, 2], &[0i8, -1, -128, 127]).unwrap(), 256).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<u8>().unwrap(), [255, 0, 127, 128]);
        assert!(of(Tensor::new(&[0], &[0u8; 0]).unwrap(), 256).unwrap()[0].tensor().unwrap().is_empty());
        assert!(of(Tensor::scalar(1u8), 255).is_err());
        assert!(of(Tensor::scalar(1u16), 256).is_err());
    }
}
