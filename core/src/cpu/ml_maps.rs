//! Between tensors and maps, on the CPU.

use super::{Io, Kernel};
use crate::ops::class_scores::Labels;
use crate::ops::ml_maps::{CastMap, DictVectorizer, ZipMap};
use crate::{DType, Map, MapKeys, Num, Result, Tensor, Value};
use std::collections::HashMap;

impl Kernel for ZipMap {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let count = self.labels.len();
        ensure!(
            matches!(x.rank(), 1 | 2) && x.shape().last() == Some(&count),
            InvalidInput,
            "expected {count} columns, one per label, got {x:?}"
        );
        let keys = match &self.labels {
            Labels::Ints(labels) => MapKeys::Ints(labels.clone()),
            Labels::Strings(labels) => MapKeys::Strings(labels.clone()),
        };
        let maps = x
            .slice::<f32>()?
            .chunks(count)
            .map(|row| Ok(Value::Map(Map { keys: keys.clone(), values: Tensor::new(&[count], row)? })));
        let maps = maps.collect::<Result<Vec<_>>>()?;
        io.set(0, Value::Sequence(self.map_kind(), maps))
    }
}

fn map<'a>(io: &Io<'a>) -> Result<&'a Map> {
    match io.compound(0)? {
        Value::Map(map) => {
            let keys = match &map.keys {
                MapKeys::Ints(keys) => keys.len(),
                MapKeys::Strings(keys) => keys.len(),
            };
            let values = map.values.len();
            ensure!(keys == values, InvalidInput, "a map of {keys} keys has {values} values");
            Ok(map)
        }
        other => Err(err!(InvalidInput, "expected a map, got {}", other.kind())),
    }
}

impl Kernel for DictVectorizer {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let map = map(io)?;
        // Where each value of the map goes; what the vocabulary does not know is left out.
        let places: Vec<Option<usize>> = match (&self.vocabulary, &map.keys) {
            (Labels::Ints(vocabulary), MapKeys::Ints(keys)) => places(vocabulary, keys),
            (Labels::Strings(vocabulary), MapKeys::Strings(keys)) => places(vocabulary, keys),
            _ => bail!(InvalidInput, "the keys are not of the vocabulary's type"),
        };
        let values = map.values.view();
        let y = io.make(0, values.dtype(), &[1, self.vocabulary.len()])?;
        if values.dtype() == DType::Str {
            place(values.strings()?, &places, y.into_strings()?);
            return Ok(());
        }
        for_num!(values.dtype(), T => {
            place(values.slice::<T>()?, &places, y.into_slice()?);
            Ok(())
        })
    }
}

fn places<K: std::hash::Hash + Eq>(vocabulary: &[K], keys: &[K]) -> Vec<Option<usize>> {
    let places: HashMap<&K, usize> = vocabulary.iter().enumerate().map(|(i, k)| (k, i)).collect();
    keys.iter().map(|k| places.get(k).copied()).collect()
}

fn place<T: Clone + Default>(values: &[T], places: &[Option<usize>], y: &mut [T]) {
    y.fill(T::default());
    for (value, place) in values.iter().zip(places) {
        if let Some(place) = place {
            y[*place] = value.clone();
        }
    }
}

impl Kernel for CastMap {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let map = map(io)?;
        let MapKeys::Ints(keys) = &map.keys else { bail!(InvalidInput, "keys must be integers") };
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by_key(|&i| keys[i]);
        // Pairs of a value and its place in the result.
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        for (at, i) in order.into_iter().enumerate() {
            let Some(len) = self.sparse else {
                pairs.push((i, at));
                continue;
            };
            let place = usize::try_from(keys[i]);
            let place = place.map_err(|_| err!(InvalidInput, "key {} cannot be a place", keys[i]))?;
            // Keys beyond the end are left out, as everywhere.
            if place < len {
                pairs.push((i, place));
            }
        }
        let values = map.values.view();
        let y = io.make(0, self.to, &[1, self.sparse.unwrap_or(keys.len())])?;
        if self.to == DType::Str {
            let y = y.into_strings()?;
            y.fill("0".into());
            let texts: Vec<String> = match values.dtype() {
                DType::Str => values.strings()?.to_vec(),
                _ => values.to_f32s()?.iter().map(|x| format!("{x:.6}")).collect(),
            };
            pairs.iter().for_each(|&(i, at)| y[at] = texts[i].clone());
            return Ok(());
        }
        let numbers: Vec<f64> = match values.dtype() {
            DType::Str => values.strings()?.iter().map(|s| parse(s)).collect::<Result<_>>()?,
            _ => values.to_f32s()?.iter().map(|&x| x.into()).collect(),
        };
        for_num!(self.to, T => {
            let y = y.into_slice::<T>()?;
            y.fill(T::zero());
            pairs.iter().for_each(|&(i, at)| y[at] = T::from_f64(numbers[i]));
            Ok(())
        })
    }
}

fn parse(text: &str) -> Result<f64> {
    text.trim().parse().map_err(|_| err!(InvalidInput, "'{text}' is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    const ML: &str = "ai.onnx.ml";

    #[test]
    fn a_row_becomes_a_map_and_comes_back() {
        let x = Tensor::new(&[1, 2], &[1f32, 2.0]).unwrap();
        let labels = |name: &'static str| [(name, Attr::Strs(vec!["b".into(), "a".into()]))];
        let y = run((ML, "ZipMap", 1), &labels("classlabels_strings"), &[Some(x.into())], 1).unwrap();
        let map = y[0].sequence().unwrap()[0].clone();
        let y = run((ML, "DictVectorizer", 1), &labels("string_vocabulary"), &[Some(map)], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [1.0, 2.0]);
    }

    #[test]
    fn keys_are_sorted_or_places() {
        let map = |keys: Vec<i64>| {
            let values = Tensor::new(&[2], &[1.5f32, 2.5]).unwrap();
            Some(Value::Map(Map { keys: MapKeys::Ints(keys), values }))
        };
        let y = run((ML, "CastMap", 1), &[], &[map(vec![7, -1])], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [2.5, 1.5]);
        let sparse = [("map_form", Attr::Str("SPARSE".into())), ("max_map", Attr::Int(3))];
        let y = run((ML, "CastMap", 1), &sparse, &[map(vec![2, 9])], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [0.0, 0.0, 1.5]);
        assert!(run((ML, "CastMap", 1), &sparse, &[map(vec![2, -1])], 1).is_err());
    }
}
