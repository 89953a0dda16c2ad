//! LabelEncoder and CategoryMapper: every element becomes what a table says.
//!
//! LabelEncoder 1 and CategoryMapper map strings to integers and back, whichever the input asks for;
//! LabelEncoder 2 maps any of string, i64 and f32 to any; 4 adds tables as tensors, with i16, i32 and f64.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Num, Result, Tensor, View};
use std::collections::HashMap;

/// An element to look up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Key {
    Int(i64),
    /// The bits of an f64: all NaNs are one, and so are both zeros.
    Float(u64),
    Str(String),
}

impl Key {
    /// The elements of a tensor.
    pub fn of(x: View<'_>) -> Result<Vec<Key>> {
        if x.dtype() == DType::Str {
            return Ok(x.strings()?.iter().map(|s| Key::Str(s.clone())).collect());
        }
        for_num!(x.dtype(), T => Ok(x.slice::<T>()?.iter().map(|&x| match T::FLOAT {
            false => Key::Int(x.to_i64()),
            true if x.is_nan() => Key::Float(f64::NAN.to_bits()),
            true => Key::Float((x.to_f64() + 0.0).to_bits()),
        }).collect()))
    }
}

/// What elements of one type become.
#[derive(Clone, Debug)]
pub struct Table {
    /// The type of the elements.
    pub from: DType,
    /// Where in `values` each key's value lies.
    pub keys: HashMap<Key, usize>,
    /// The values.
    pub values: Tensor,
    /// What all other elements become: one value.
    pub default: Tensor,
}

impl Table {
    /// The last of equal keys counts.
    fn new(keys: &Tensor, values: Tensor, default: Tensor) -> Result<Table> {
        let (count, have) = (keys.len(), values.len());
        ensure!(count == have, InvalidModel, "{count} keys need as many values, got {have}");
        ensure!(
            default.len() == 1 && default.dtype() == values.dtype(),
            InvalidModel,
            "the default must be one value of type {}, got {default:?}",
            values.dtype()
        );
        let places = Key::of(keys.view())?.into_iter().enumerate().map(|(i, key)| (key, i)).collect();
        Ok(Table { from: keys.dtype(), keys: places, values, default })
    }
}

/// LabelEncoder or CategoryMapper.
#[derive(Clone, Debug)]
pub struct LabelEncoder {
    tables: Vec<Table>,
}

impl Operator for LabelEncoder {
    fn parse(a: &mut Attrs) -> Result<LabelEncoder> {
        a.arity(1..=1, 1..=1)?;
        if a.op() == "CategoryMapper" {
            let (ints, strings) = (a.ints("cats_int64s")?, a.strs("cats_strings")?);
            let (ints, strings) = (a.required("cats_int64s", ints)?, a.required("cats_strings", strings)?);
            return LabelEncoder::both_ways(a, ints, strings);
        }
        if a.version() < 2 {
            let strings = a.strs("classes_strings")?;
            let strings = a.required("classes_strings", strings)?;
            return LabelEncoder::both_ways(a, (0..strings.len() as i64).collect(), strings);
        }
        let keys = list(a, "keys")?;
        let values = list(a, "values")?;
        let defaults = [
            strings(vec![a.str_or("default_string", "_Unused")?])?,
            Tensor::scalar(a.int_or("default_int64", -1)?),
            Tensor::scalar(a.float_or("default_float", -0.0)?),
        ];
        let given = if a.version() >= 4 { a.tensor("default_tensor")? } else { None };
        let dtype = values.dtype();
        let default = match given.into_iter().chain(defaults).find(|d| d.dtype() == dtype) {
            Some(default) => default,
            None => {
                let mut default = Tensor::zeros(dtype, &[1])?;
                let value = if dtype.is_integer() { -1.0 } else { -0.0 };
                for_num!(dtype, T => {
                    default.view_mut().into_slice::<T>()?[0] = T::from_f64(value);
                    Ok(())
                })?;
                default
            }
        };
        Ok(LabelEncoder { tables: vec![Table::new(&keys, values, default)?] })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = self.table(cx.dtype(0)?)?.values.dtype();
        let dims = cx.dims(0).cloned();
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }
}

impl LabelEncoder {
    fn both_ways(a: &mut Attrs, ints: Vec<i64>, names: Vec<String>) -> Result<LabelEncoder> {
        let ints = Tensor::new(&[ints.len()], &ints)?;
        let names = strings(names)?;
        let default_int = Tensor::scalar(a.int_or("default_int64", -1)?);
        let default_name = strings(vec![a.str_or("default_string", "_Unused")?])?;
        let there = Table::new(&names, ints.clone(), default_int)?;
        Ok(LabelEncoder { tables: vec![there, Table::new(&ints, names, default_name)?] })
    }

    /// The table for elements of that type.
    pub fn table(&self, dtype: DType) -> Result<&Table> {
        self.tables.iter().find(|t| t.from == dtype).ok_or_else(|| {
            let known: Vec<&str> = self.tables.iter().map(|t| t.from.name()).collect();
            err!(InvalidModel, "expected elements of type {}, got {dtype}", known.join(" or "))
        })
    }
}

/// The attribute `{what}_int64s`, `_strings`, `_floats` or `_tensor`, as a tensor.
fn list(a: &mut Attrs, what: &str) -> Result<Tensor> {
    let mut found = Vec::new();
    if let Some(x) = a.ints(&format!("{what}_int64s"))? {
        found.push(Tensor::new(&[x.len()], &x)?);
    }
    if let Some(x) = a.strs(&format!("{what}_strings"))? {
        found.push(strings(x)?);
    }
    if let Some(x) = a.floats(&format!("{what}_floats"))? {
        found.push(Tensor::new(&[x.len()], &x)?);
    }
    if a.version() >= 4 {
        found.extend(a.tensor(&format!("{what}_tensor"))?);
    }
    // Some writers leave empty lists behind.
    found.retain(|t| !t.is_empty());
    match found.len() {
        1 => Ok(found.remove(0)),
        n => Err(err!(InvalidModel, "one of the attributes {what}_* must be given, got {n}")),
    }
}

fn strings(strings: Vec<String>) -> Result<Tensor> {
    Tensor::from_strings(&[strings.len()], strings)
}
