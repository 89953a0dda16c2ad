//! LabelEncoder and CategoryMapper on the CPU.

use super::{Io, Kernel};
use crate::ops::label_encoder::{Key, LabelEncoder};
use crate::{DType, Result};

impl Kernel for LabelEncoder {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let table = self.table(x.dtype())?;
        let (values, default) = (table.values.view(), table.default.view());
        let y = io.output(0)?;
        let keys = Key::of(x)?;
        if values.dtype() == DType::Str {
            let (values, default) = (values.strings()?, &default.strings()?[0]);
            for (y, key) in y.into_strings()?.iter_mut().zip(&keys) {
                *y = table.keys.get(key).map_or(default, |&i| &values[i]).clone();
            }
            return Ok(());
        }
        for_width!(values.dtype(), T => {
            let (values, default) = (values.units::<T>(), default.units::<T>()[0]);
            for (y, key) in y.into_units::<T>()?.iter_mut().zip(&keys) {
                *y = table.keys.get(key).map_or(default, |&i| values[i]);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    #[test]
    fn nan_is_found_and_the_last_of_equal_keys_counts() {
        let attrs = [
            ("keys_floats", Attr::Floats(vec![f32::NAN, 1.0, 1.0, 0.0])),
            ("values_int64s", Attr::Ints(vec![7, 8, 9, 10])),
        ];
        let x = Tensor::new(&[4], &[-f32::NAN, 1.0, 2.0, -0.0]).unwrap();
        let y = run(("ai.onnx.ml", "LabelEncoder", 4), &attrs, &[Some(x.into())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i64>().unwrap(), [7, 9, -1, 10]);
    }

    #[test]
    fn the_first_version_maps_both_ways() {
        let attrs = [("classes_strings", Attr::Strs(vec!["a".into(), "b".into()]))];
        let x = Tensor::new(&[2], &[1i64, 2]).unwrap();
        let y = run(("ai.onnx.ml", "LabelEncoder", 1), &attrs, &[Some(x.into())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().view().strings().unwrap(), ["b", "_Unused"]);
        let y = run(("ai.onnx.ml", "LabelEncoder", 1), &attrs, &[Some(y[0].clone())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i64>().unwrap(), [1, -1]);
    }

    #[test]
    fn keys_and_values_must_be_as_many() {
        let attrs = [("keys_int64s", Attr::Ints(vec![1])), ("values_int64s", Attr::Ints(vec![7, 8]))];
        let x = Tensor::scalar(1i64);
        assert!(run(("ai.onnx.ml", "LabelEncoder", 2), &attrs, &[Some(x.into())], 1).is_err());
    }
}
