//! What is done to features before a model sees them, on the CPU.

use super::{Io, Kernel};
use crate::ops::class_scores::Labels;
use crate::ops::features::{
    ArrayFeatureExtractor, Binarizer, FeatureVectorizer, Imputer, Norm, Normalizer, OneHotEncoder, Scaler,
};
use crate::{DType, Num, Result, View};
use std::collections::HashMap;

impl Kernel for Binarizer {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let y = io.output(0)?;
        for_num!(x.dtype(), T => {
            let threshold = f64::from(self.threshold);
            for (y, x) in y.into_slice::<T>()?.iter_mut().zip(x.slice::<T>()?) {
                *y = if x.to_f64() > threshold { T::one() } else { T::zero() };
            }
            Ok(())
        })
    }
}

impl Kernel for Imputer {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let y = io.output(0)?;
        for_num!(x.dtype(), T => {
            let (replaced, values): (T, Vec<T>) = match T::FLOAT {
                true => {
                    let of = |&v: &f32| T::from_f64(v.into());
                    (of(&self.replaced_float), self.floats.iter().map(of).collect())
                }
                false => (T::from_i64(self.replaced_int), self.ints.iter().map(|&v| T::from_i64(v)).collect()),
            };
            let (x, y) = (x.slice::<T>()?, y.into_slice::<T>()?);
            for ((y, &x), &value) in y.iter_mut().zip(x).zip(values.iter().cycle()) {
                let hit = x == replaced || x.is_nan() && replaced.is_nan();
                *y = if hit { value } else { x };
            }
            Ok(())
        })
    }
}

impl Kernel for Normalizer {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let y = io.output(0)?.into_slice::<f32>()?;
        let axis = if x.rank() > 1 { 1 } else { 0 };
        let len = x.shape().get(axis).copied().unwrap_or(1);
        let inner: usize = x.shape().iter().skip(axis + 1).product();
        let block = (len * inner).max(1);
        for_num!(x.dtype(), T => {
            for (x, y) in x.slice::<T>()?.chunks(block).zip(y.chunks_mut(block)) {
                for i in 0..inner {
                    let row = x[i..].iter().step_by(inner).map(|x| x.to_f64());
                    let norm = match self.norm {
                        Norm::Max => row.clone().fold(f64::NEG_INFINITY, f64::max),
                        Norm::L1 => row.clone().map(f64::abs).sum(),
                        Norm::L2 => row.clone().map(|x| x * x).sum::<f64>().sqrt(),
                    };
                    for (y, x) in y[i..].iter_mut().step_by(inner).zip(row) {
                        *y = if norm == 0.0 { x } else { x / norm } as f32;
                    }
                }
            }
            Ok(())
        })
    }
}

impl Kernel for Scaler {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let y = io.output(0)?.into_slice::<f32>()?;
        let columns = x.shape().last().copied().unwrap_or(1).max(1);
        for_num!(x.dtype(), T => {
            for (x, y) in x.slice::<T>()?.chunks(columns).zip(y.chunks_mut(columns)) {
                let parameters = self.offset.iter().cycle().zip(self.scale.iter().cycle());
                for ((y, x), (&offset, &scale)) in y.iter_mut().zip(x).zip(parameters) {
                    *y = ((x.to_f64() - f64::from(offset)) * f64::from(scale)) as f32;
                }
            }
            Ok(())
        })
    }
}

impl Kernel for ArrayFeatureExtractor {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, indices) = (io.input(0)?, io.input(1)?.to_i64s()?);
        let y = io.output(0)?;
        let columns = *x.shape().last().ok_or_else(|| err!(InvalidModel, "a scalar has no columns"))?;
        let indices: Vec<usize> = indices
            .into_iter()
            .map(|i| {
                let at = if i < 0 { i.saturating_add(columns as i64) } else { i };
                let at = usize::try_from(at).ok().filter(|&at| at < columns);
                at.ok_or_else(|| err!(InvalidInput, "column {i} is outside {columns} columns"))
            })
            .collect::<Result<_>>()?;
        if x.dtype() == DType::Str {
            pick(x.strings()?, columns, &indices, y.into_strings()?);
            return Ok(());
        }
        for_width!(x.dtype(), T => {
            pick(x.units::<T>(), columns, &indices, y.into_units::<T>()?);
            Ok(())
        })
    }
}

fn pick<T: Clone>(x: &[T], columns: usize, indices: &[usize], y: &mut [T]) {
    for (x, y) in x.chunks(columns.max(1)).zip(y.chunks_mut(indices.len().max(1))) {
        y.iter_mut().zip(indices).for_each(|(y, &i)| *y = x[i].clone());
    }
}

impl Kernel for FeatureVectorizer {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let inputs = (0..io.input_count()).map(|i| io.input(i)).collect::<Result<Vec<View<'_>>>>()?;
        let have: Vec<usize> = inputs.iter().map(|x| x.shape().last().copied().unwrap_or(1)).collect();
        let want = self.columns.as_ref().unwrap_or(&have);
        let y = io.output(0)?;
        let total: usize = want.iter().sum();
        let y = y.into_slice::<f32>()?;
        let mut start = 0;
        for ((x, &have), &want) in inputs.iter().zip(&have).zip(want) {
            let x = x.to_f32s()?;
            let count = have.min(want);
            for (y, x) in y.chunks_mut(total.max(1)).zip(x.chunks(have.max(1))) {
                y[start..start + count].copy_from_slice(&x[..count]);
                y[start + count..start + want].fill(0.0);
            }
            start += want;
        }
        Ok(())
    }
}

impl Kernel for OneHotEncoder {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let y = io.output(0)?.into_slice::<f32>()?;
        let places: Vec<Option<usize>> = match &self.categories {
            Labels::Strings(categories) => {
                let places: HashMap<&String, usize> =
                    categories.iter().enumerate().map(|(i, c)| (c, i)).collect();
                x.strings()?.iter().map(|s| places.get(s).copied()).collect()
            }
            Labels::Ints(categories) => {
                let places: HashMap<i64, usize> =
                    categories.iter().enumerate().map(|(i, &c)| (c, i)).collect();
                for_num!(x.dtype(), T => {
                    Ok(x.slice::<T>()?.iter().map(|x| places.get(&x.to_i64()).copied()).collect())
                })?
            }
        };
        for (i, (y, place)) in y.chunks_mut(self.categories.len()).zip(places).enumerate() {
            y.fill(0.0);
            match place {
                Some(place) => y[place] = 1.0,
                None => ensure!(self.zeros, InvalidInput, "element {i} is none of the categories"),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::{map_f32s, run};
    use crate::ops::Attr;
    use crate::{Result, Tensor, Value};

    const ML: &str = "ai.onnx.ml";

    #[test]
    fn a_norm_of_zero_divides_by_nothing_and_signs_stay() {
        let l2 = [("norm", Attr::Str("L2".into()))];
        assert_eq!(
            map_f32s((ML, "Normalizer", 1), &l2, &[2, 2], &[0.0, 0.0, -3.0, 4.0]),
            [0.0, 0.0, -0.6, 0.8]
        );
        assert_eq!(map_f32s((ML, "Normalizer", 1), &[], &[2], &[-1.0, -2.0]), [1.0, 2.0]);
    }

    #[test]
    fn nan_replaces_every_nan() {
        let attrs = [
            ("replaced_value_float", Attr::Float(f32::NAN)),
            ("imputed_value_floats", Attr::Floats(vec![7.0, 8.0])),
        ];
        let y = map_f32s((ML, "Imputer", 1), &attrs, &[2, 2], &[f32::NAN, 1.0, 2.0, -f32::NAN]);
        assert_eq!(y, [7.0, 1.0, 2.0, 8.0]);
    }

    fn extract(i: i64) -> Result<Vec<Value>> {
        let x = Tensor::new(&[3], &[1i64, 2, 3]).unwrap();
        let i = Tensor::new(&[1], &[i]).unwrap();
        run((ML, "ArrayFeatureExtractor", 1), &[], &[Some(x.into()), Some(i.into())], 1)
    }

    #[test]
    fn columns_outside_are_refused() {
        let y = extract(2).unwrap();
        assert_eq!(y[0].tensor().unwrap().shape(), [1, 1]);
        for bad in [3, -4, i64::MIN, i64::MAX] {
            assert!(extract(bad).is_err());
        }
    }

    #[test]
    fn inputs_are_cut_and_filled_up() {
        let x = |n: usize| Some(Tensor::new(&[1, n], &vec![1i64; n]).unwrap().into());
        let attrs = [("inputdimensions", Attr::Ints(vec![1, 2]))];
        let y = run((ML, "FeatureVectorizer", 1), &attrs, &[x(2), x(1)], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [1.0, 1.0, 0.0]);
    }

    #[test]
    fn unknown_categories_are_zeros_or_an_error() {
        let encode = |zeros: i64| {
            let x = Tensor::new(&[2], &[2.9f32, 5.0]).unwrap();
            let attrs = [("cats_int64s", Attr::Ints(vec![1, 2])), ("zeros", Attr::Int(zeros))];
            run((ML, "OneHotEncoder", 1), &attrs, &[Some(x.into())], 1)
        };
        assert_eq!(encode(1).unwrap()[0].tensor().unwrap().slice::<f32>().unwrap(), [0.0, 1.0, 0.0, 0.0]);
        assert!(encode(0).is_err());
    }
}
