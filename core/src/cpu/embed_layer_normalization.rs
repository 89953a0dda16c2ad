//! EmbedLayerNormalization and QEmbedLayerNormalization on the CPU, in f32.

use super::norm_row::normalize;
use super::{Io, Kernel};
use crate::ops::embed_layer_normalization::EmbedLayerNormalization;
use crate::{DType, Float, Num, Result, View};

impl Kernel for EmbedLayerNormalization {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let ids = io.input(0)?;
        let &[batch, sequence] = ids.shape() else {
            bail!(InvalidModel, "ids must have two axes, got {ids:?}")
        };
        let ids_of = |i: usize| io.optional(i)?.map(|ids| ids.to_i64s()).transpose();
        let (words, segments, mask) = (ids.to_i64s()?, ids_of(1)?, ids_of(7)?);
        let positions = if self.quantized { None } else { ids_of(8)? };
        ensure!(
            [&segments, &mask].into_iter().flatten().all(|ids| ids.len() == words.len())
                && positions.as_ref().is_none_or(|p| [sequence, words.len()].contains(&p.len())),
            InvalidModel,
            "segments, positions or mask do not fit {batch} rows of {sequence} words"
        );
        let table = |i: usize, which: usize| Table::of(io, i, self.quantized.then_some(which));
        let (word_table, position_table) = (table(2, 0)?, table(3, 1)?);
        let segment_table = if segments.is_some() { Some(table(4, 2)?) } else { None };
        let width = word_table.width;
        let one_row = |i: usize, which: usize| -> Result<Vec<f32>> {
            let table = table(i, which)?;
            ensure!(
                table.width == width && table.rows == 1,
                InvalidModel,
                "input {i} must have {width} elements, got {:?}",
                table.view
            );
            let mut row = vec![0.0; width];
            table.add(0, &mut row)?;
            Ok(row)
        };
        let (gamma, beta) = (one_row(5, 3)?, one_row(6, 4)?);

        let mut sums = vec![0f32; words.len() * width];
        for (i, sum) in sums.chunks_mut(width.max(1)).enumerate() {
            word_table.add(words[i], sum)?;
            position_table.add(positions.as_ref().map_or((i % sequence) as i64, |p| p[i % p.len()]), sum)?;
            if let (Some(table), Some(segments)) = (&segment_table, &segments) {
                table.add(segments[i], sum)?;
            }
        }
        if io.wants(2) {
            store(io.output(2)?, &sums)?;
        }
        for (i, row) in sums.chunks_mut(width.max(1)).enumerate() {
            if i % 256 == 0 {
                io.check()?;
            }
            normalize(row, false, self.epsilon);
            row.iter_mut().zip(gamma.iter().zip(&beta)).for_each(|(x, (g, b))| *x = *x * g + b);
        }
        if io.wants(1) {
            for (b, count) in io.output(1)?.into_slice::<i32>()?.iter_mut().enumerate() {
                let row = mask.as_ref().map_or(&[][..], |mask| &mask[b * sequence..][..sequence]);
                *count = row.iter().filter(|&&x| x == 1).count() as i32;
            }
        }
        store(io.output(0)?, &sums)
    }
}

fn store(out: crate::ViewMut<'_>, values: &[f32]) -> Result<()> {
    for_float!(out.dtype(), T => {
        out.into_slice::<T>()?.iter_mut().zip(values).for_each(|(y, &x)| *y = T::from_f32(x));
        Ok(())
    })
}

/// Rows of numbers, of which only those that are looked up are read.
struct Table<'a> {
    view: View<'a>,
    rows: usize,
    width: usize,
    /// Scale and zero point.
    quantized: Option<(f32, f32)>,
}

impl<'a> Table<'a> {
    /// Input `i`, whose scale and zero point are number `which` of theirs.
    fn of(io: &Io<'a>, i: usize, which: Option<usize>) -> Result<Table<'a>> {
        let view = io.input(i)?;
        let (rows, width) = match *view.shape() {
            [width] => (1, width),
            [rows, width] => (rows, width),
            _ => bail!(InvalidModel, "input {i} must be a table, got {view:?}"),
        };
        let quantized = match which {
            None => None,
            Some(which) => {
                Some((io.input(8 + which)?.scalar_f32()?, io.input(13 + which)?.scalar_i64()? as f32))
            }
        };
        Ok(Table { view, rows, width, quantized })
    }

    /// Adds a row.
    fn add(&self, row: i64, to: &mut [f32]) -> Result<()> {
        let row = usize::try_from(row).ok().filter(|&row| row < self.rows).ok_or_else(|| {
            err!(InvalidInput, "there is no row {row} in a table of {} embeddings", self.rows)
        })?;
        ensure!(
            to.len() == self.width,
            InvalidModel,
            "tables of different widths: {} and {}",
            to.len(),
            self.width
        );
        let (scale, zero) = self.quantized.unwrap_or((1.0, 0.0));
        let range = row * self.width..(row + 1) * self.width;
        let add = |to: &mut [f32], x: &mut dyn Iterator<Item = f32>| {
            to.iter_mut().zip(x).for_each(|(to, x)| *to += (x - zero) * scale);
        };
        match self.view.dtype() {
            DType::U8 => add(to, &mut self.view.slice::<u8>()?[range].iter().map(|&x| x as f32)),
            DType::I8 => add(to, &mut self.view.slice::<i8>()?[range].iter().map(|&x| x as f32)),
            dtype => for_float!(dtype, T => {
                add(to, &mut self.view.slice::<T>()?[range].iter().map(|x| x.to_f64() as f32));
                Ok(())
            })?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{Result, Tensor, Value};

    fn embed(words: &[i32], mask: &[i32]) -> Result<Vec<Value>> {
        let ids = |ids: &[i32]| Some(Tensor::new(&[1, ids.len()], ids).unwrap().into());
        let table = |rows: &[f32]| Some(Tensor::new(&[rows.len() / 2, 2], rows).unwrap().into());
        let row = |row: [f32; 2]| Some(Tensor::new(&[2], &row).unwrap().into());
        let (words_table, positions) = (table(&[1.0, 2.0, 3.0, 8.0]), table(&[0.0; 6]));
        let inputs =
            [ids(words), None, words_table, positions, None, row([1.0, 1.0]), row([0.0, 1.0]), ids(mask)];
        run(("com.microsoft", "EmbedLayerNormalization", 1), &[], &inputs, 3)
    }

    #[test]
    fn words_are_looked_up_and_counted() {
        let y = embed(&[1, 0], &[1, 0]).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [-1.0, 2.0, -1.0, 2.0]);
        assert_eq!(y[1].tensor().unwrap().slice::<i32>().unwrap(), [1]);
        assert_eq!(y[2].tensor().unwrap().slice::<f32>().unwrap(), [3.0, 8.0, 1.0, 2.0]);
    }

    #[test]
    fn ids_outside_the_tables_are_refused() {
        assert!(embed(&[2], &[1]).is_err());
        assert!(embed(&[-1], &[1]).is_err());
        assert!(embed(&[0; 4], &[1; 4]).is_err());
        assert!(embed(&[], &[]).is_ok());
    }
}
