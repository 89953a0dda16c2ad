//! QLinearConcat on the CPU: a table of 256 results for every part.

use super::{Io, Kernel};
use crate::graph::normalize_axis;
use crate::ops::qlinear_concat::QLinearConcat;
use crate::{DType, Result};

impl Kernel for QLinearConcat {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let y = io.output(0)?;
        let dtype = y.dtype();
        ensure!(matches!(dtype, DType::U8 | DType::I8), Unsupported, "expected u8 or i8, got {dtype}");
        let (scale, zero) = (io.input(0)?.scalar_f32()?, io.input(1)?.scalar_i64()?);
        if y.is_empty() {
            return Ok(());
        }
        let axis = normalize_axis(self.axis, y.shape().len())?;
        let row: usize = y.shape()[axis..].iter().product();
        let mut parts = Vec::new();
        for i in (2..io.input_count()).step_by(3) {
            let x = io.input(i)?;
            let (x_scale, x_zero) = (io.input(i + 1)?.scalar_f32()?, io.input(i + 2)?.scalar_i64()?);
            let table = Table::new(dtype, (x_scale, x_zero), (scale, zero));
            parts.push((x.bytes(), x.shape()[axis..].iter().product::<usize>(), table));
        }
        let y: &mut [u8] = y.into_units()?;
        for (k, mut y) in y.chunks_mut(row).enumerate() {
            if k % 1024 == 0 {
                io.check()?;
            }
            for (x, len, table) in &parts {
                let (to, rest) = y.split_at_mut(*len);
                to.iter_mut().zip(&x[k * len..]).for_each(|(y, &x)| *y = table.0[x as usize]);
                y = rest;
            }
        }
        Ok(())
    }
}

/// What each byte becomes.
struct Table([u8; 256]);

impl Table {
    fn new(dtype: DType, (x_scale, x_zero): (f32, i64), (y_scale, y_zero): (f32, i64)) -> Table {
        let signed = dtype == DType::I8;
        let (low, high) = if signed { (-128, 127) } else { (0, 255) };
        Table(std::array::from_fn(|code| {
            let x = if signed { code as u8 as i8 as i64 } else { code as i64 };
            let real = x_scale * (x - x_zero) as f32;
            let y = (real / y_scale).round_ties_even() as i64;
            y.saturating_add(y_zero).clamp(low, high) as u8
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Tensor, Value};

    #[test]
    fn parts_are_requantized_and_saturate() {
        let scalar = |x: f32| Some(Value::from(Tensor::scalar(x)));
        let byte = |x: &[u8]| Some(Value::from(Tensor::new(&[x.len()], x).unwrap()));
        let inputs = [
            scalar(1.0),
            byte(&[10]),
            byte(&[0, 1, 3, 255]),
            scalar(0.5),
            byte(&[0]),
            byte(&[0, 200]),
            scalar(2.0),
            byte(&[6]),
        ];
        let y = run(("com.microsoft", "QLinearConcat", 1), &[("axis", Attr::Int(0))], &inputs, 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<u8>().unwrap(), [10, 10, 12, 138, 0, 255]);
    }
}
