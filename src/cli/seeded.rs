//! Inputs made up from a seed, the same on every machine, and such as a model of that kind would get.
//!
//! What a reader would get wrong: integers are rarely just numbers. Ids must lie within the table that they
//! index, masks must let something through, and the lengths in a past must agree with its size.

use super::dims::Dims;
use anyhow::{Result, bail};
use edgewise::graph::{Graph, ValueId};
use edgewise::{DType, Kind, Port, Session, Tensor, Value};

/// Ids of inputs whose table cannot be found stay below this.
const IDS: u64 = 100;

/// A value for every input that is not `given`.
pub fn fill(
    session: &Session,
    dims: &Dims,
    given: &[(String, Value)],
    seed: u64,
) -> Result<Vec<(String, Value)>> {
    let mut values = given.to_vec();
    for (i, port) in session.inputs().iter().enumerate() {
        if given.iter().any(|(name, _)| *name == port.name) {
            continue;
        }
        let mut random = Random(seed.wrapping_add(i as u64));
        let program = session.program();
        let graph = program.graph();
        let rows = table_rows(graph, graph.inputs[i]);
        values.push((port.name.clone(), value(port, &port.fact.kind, dims, rows, &mut random)?));
    }
    Ok(values)
}

fn value(port: &Port, kind: &Kind, dims: &Dims, rows: Option<u64>, random: &mut Random) -> Result<Value> {
    match kind {
        Kind::Tensor(dtype) => {
            // Of a tensor of unknown rank, a scalar is the least guess.
            let shape = dims.shape(port).unwrap_or_default();
            Ok(tensor(&port.name, *dtype, &shape, rows, random)?.into())
        }
        Kind::Sequence(inner) => {
            let item = value(port, inner, dims, rows, random)?;
            Ok(Value::Sequence((**inner).clone(), vec![item]))
        }
        Kind::Optional(inner) => {
            let item = value(port, inner, dims, rows, random)?;
            Ok(Value::Optional((**inner).clone(), Some(Box::new(item))))
        }
        Kind::Map(..) => bail!("input '{}' ({kind}) cannot be made up; give it as a file", port.name),
    }
}

fn tensor(
    name: &str,
    dtype: DType,
    shape: &[usize],
    rows: Option<u64>,
    random: &mut Random,
) -> Result<Tensor> {
    // Sizes come from the caller: what memory cannot hold must be an error here.
    let len = Tensor::zeros(dtype, shape)?.len();
    if dtype == DType::Str {
        return Ok(Tensor::from_strings(shape, vec!["text".to_string(); len])?);
    }
    if dtype.is_float() || matches!(dtype, DType::C64 | DType::C128) {
        return floats(name, dtype, shape, random);
    }
    let last = shape.last().copied().unwrap_or(1).max(1) as u64;
    let mut integer = |i: usize| -> i64 {
        match Meaning::of(name, dtype) {
            Meaning::Ones => 1,
            Meaning::Zeros => 0,
            Meaning::Positions => (i as u64 % last) as i64,
            Meaning::Pixels => random.below(256) as i64,
            Meaning::Ids => random.below(rows.unwrap_or(IDS).max(1)) as i64,
        }
    };
    let integers: Vec<i64> = (0..len).map(&mut integer).collect();
    let mut tensor = Tensor::zeros(dtype, shape)?;
    if dtype.is_packed() {
        tensor.view_mut().pack(&integers.iter().map(|&x| x as i16).collect::<Vec<_>>())?;
        return Ok(tensor);
    }
    let bytes = (dtype.bits() / 8).max(1);
    let raw: Vec<u8> = integers.iter().flat_map(|x| x.to_le_bytes()[..bytes].to_vec()).collect();
    Ok(Tensor::from_bytes(dtype, shape, &raw)?)
}

fn floats(name: &str, dtype: DType, shape: &[usize], random: &mut Random) -> Result<Tensor> {
    let len: usize = shape.iter().product();
    let ones = Meaning::of(name, dtype) == Meaning::Ones;
    let mut float = || if ones { 1.0 } else { random.normal() };
    Ok(match dtype {
        DType::F32 => Tensor::new(shape, &(0..len).map(|_| float() as f32).collect::<Vec<_>>())?,
        DType::F64 => Tensor::new(shape, &(0..len).map(|_| float()).collect::<Vec<_>>())?,
        DType::F16 => {
            let halves = (0..len).flat_map(|_| half::f16::from_f64(float()).to_le_bytes());
            Tensor::from_bytes(dtype, shape, &halves.collect::<Vec<_>>())?
        }
        DType::C64 => {
            let parts = (0..2 * len).flat_map(|_| (float() as f32).to_le_bytes());
            Tensor::from_bytes(dtype, shape, &parts.collect::<Vec<_>>())?
        }
        DType::C128 => {
            let parts = (0..2 * len).flat_map(|_| float().to_le_bytes());
            Tensor::from_bytes(dtype, shape, &parts.collect::<Vec<_>>())?
        }
        _ => {
            let wide = Tensor::new(shape, &(0..len).map(|_| float() as f32).collect::<Vec<_>>())?;
            edgewise::models::npy::narrow(wide, dtype)?
        }
    })
}

/// What an input's elements are, guessed from its name and type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Ids,
    Ones,
    Zeros,
    Positions,
    Pixels,
}

impl Meaning {
    fn of(name: &str, dtype: DType) -> Meaning {
        let name = name.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|w| name.contains(w));
        match dtype {
            _ if says(&["mask"]) => Meaning::Ones,
            _ if says(&["token_type", "segment", "use_cache"]) => Meaning::Zeros,
            _ if says(&["position"]) => Meaning::Positions,
            DType::Bool => Meaning::Ones,
            DType::U8 | DType::I8 => Meaning::Pixels,
            _ => Meaning::Ids,
        }
    }
}

/// The rows of the table that a value indexes, where it does.
fn table_rows(graph: &Graph, id: ValueId) -> Option<u64> {
    graph.nodes.iter().find_map(|node| {
        let gathers = node.op_name.ends_with("Gather") || node.op_name.ends_with("GatherBlockQuantized");
        let (table, indices) = (node.inputs.first().copied()??, node.inputs.get(1).copied()??);
        if !gathers || indices != id {
            return None;
        }
        let table = edgewise::graph::constant_fact(graph.values[table.at()].constant.as_ref()?);
        table.shape()?.first().map(|rows| *rows as u64)
    })
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Between 0, excluded, and 1.
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// Mean 0, deviation 1.
    fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_integers_mean() {
        let mut random = Random(1);
        let mut make = |name: &str, rows| {
            tensor(name, DType::I64, &[2, 3], rows, &mut random).unwrap().slice::<i64>().unwrap().to_vec()
        };
        assert_eq!(make("attention_mask", None), [1; 6]);
        assert_eq!(make("token_type_ids", None), [0; 6]);
        assert_eq!(make("position_ids", None), [0, 1, 2, 0, 1, 2]);
        assert!(make("input_ids", Some(2)).iter().all(|x| (0..2).contains(x)));
    }

    #[test]
    fn every_type_can_be_made_up() {
        for dtype in DType::ALL.into_iter().filter(|d| *d != DType::F4E2M1) {
            for shape in [&[][..], &[0], &[3, 2]] {
                let made = tensor("x", dtype, shape, None, &mut Random(7)).unwrap();
                assert_eq!((made.dtype(), made.shape()), (dtype, shape));
            }
        }
    }

    #[test]
    fn floats_are_normal() {
        let t = tensor("x", DType::F32, &[10_000], None, &mut Random(3)).unwrap();
        let t = t.slice::<f32>().unwrap();
        let mean: f32 = t.iter().sum::<f32>() / t.len() as f32;
        let variance: f32 = t.iter().map(|x| x * x).sum::<f32>() / t.len() as f32;
        assert!(mean.abs() < 0.05 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
