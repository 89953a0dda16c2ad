//! `--dims batch=1,seq=128`: numbers for the symbols of a model.

use anyhow::{Result, ensure};
use clap::Args;
use edgewise::graph::Fact;
use edgewise::{Port, Session};
use std::collections::{BTreeMap, BTreeSet};

/// Numbers for symbols.
#[derive(Args, Clone, Default)]
pub struct DimsArgs {
    /// Sizes of the model's symbols (1 if left out, 0 for the length of a past)
    #[arg(long, value_name = "NAME=SIZE,…", value_delimiter = ',', value_parser = one)]
    dims: Vec<(String, i64)>,
}

/// Numbers for the symbols of one model.
pub struct Dims(BTreeMap<String, i64>);

fn one(text: &str) -> Result<(String, i64), String> {
    let parsed = text.rsplit_once('=').and_then(|(name, size)| {
        let size = size.trim().parse().ok().filter(|n| *n >= 0)?;
        Some((name.trim().to_string(), size))
    });
    parsed.ok_or_else(|| format!("expected NAME=SIZE, got '{text}'"))
}

impl DimsArgs {
    /// For a model; naming a symbol that it does not have is an error.
    pub fn of(&self, session: &Session) -> Result<Dims> {
        let symbols = symbols(session.inputs());
        let given: BTreeMap<String, i64> = self.dims.iter().cloned().collect();
        for name in given.keys() {
            let names: Vec<&str> = symbols.iter().map(String::as_str).collect();
            ensure!(!names.is_empty(), "--dims: the model has no symbols, so '{name}' is none of them");
            ensure!(
                symbols.contains(name),
                "--dims: the model has no symbol '{name}'; it has {}",
                names.join(", ")
            );
        }
        let dims = symbols.iter().map(|name| (name.clone(), size(name, &given, &symbols))).collect();
        Ok(Dims(dims))
    }
}

impl Dims {
    /// The shape of an input; `None` where not even its rank is known.
    pub fn shape(&self, port: &Port) -> Option<Vec<usize>> {
        port.shape(&|symbol| self.0.get(symbol).copied())
    }

    /// The fact of an input with numbers for its symbols.
    pub fn fact(&self, port: &Port) -> Fact {
        match (port.fact.dtype(), self.shape(port)) {
            (Some(dtype), Some(shape)) => Fact::sized(dtype, &shape),
            _ => port.fact.clone(),
        }
    }

    /// Every symbol with its number.
    pub fn all(&self) -> &BTreeMap<String, i64> {
        &self.0
    }
}

fn symbols(ports: &[Port]) -> BTreeSet<String> {
    let mut symbols = BTreeSet::new();
    for dim in ports.iter().filter_map(|p| p.fact.dims.as_ref()).flatten() {
        dim.symbols(&mut symbols);
    }
    symbols
}

/// What was given, or a default. Some sizes follow from others, so that `--dims` need not repeat itself:
/// exporters name sums after their parts (`past_sequence_length + 1`), and a total is the past and the
/// sequence together.
fn size(name: &str, given: &BTreeMap<String, i64>, symbols: &BTreeSet<String>) -> i64 {
    if let Some(size) = given.get(name) {
        return *size;
    }
    if name.contains('+') {
        let part = |part: &str| part.parse().unwrap_or_else(|_| size(part, given, symbols));
        return name.split('+').map(|p| part(p.trim())).sum();
    }
    let is = |name: &str, word: &str| name.to_lowercase().contains(word);
    let plain = |other: &&String| !is(other, "total") && !other.contains('+');
    if is(name, "total") {
        let past = symbols.iter().filter(plain).find(|s| is(s, "past"));
        let sequence = symbols.iter().filter(plain).find(|s| is(s, "seq") && !is(s, "past"));
        return past.map_or(0, |s| size(s, given, symbols)) + sequence.map_or(1, |s| size(s, given, symbols));
    }
    if is(name, "past") { 0 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_given_or_follow() {
        let symbols = ["batch", "past_len", "seq", "total", "past_len + seq"].map(String::from).into();
        let given = BTreeMap::from([("past_len".to_string(), 7), ("seq".to_string(), 2)]);
        assert_eq!(size("past_len", &given, &symbols), 7);
        assert_eq!(size("past_len + seq", &given, &symbols), 9);
        assert_eq!(size("past_len + 1", &given, &symbols), 8);
        assert_eq!(size("total", &given, &symbols), 9);
        assert_eq!(size("total", &BTreeMap::new(), &symbols), 1);
        assert_eq!(size("past_len", &BTreeMap::new(), &symbols), 0);
        assert_eq!(size("batch", &given, &symbols), 1);
    }

    #[test]
    fn a_pair_is_a_name_and_a_size() {
        assert_eq!(one("batch=3").unwrap(), ("batch".into(), 3));
        assert_eq!(one("a = b = 3").unwrap(), ("a = b".into(), 3));
        for bad in ["batch", "batch=", "batch=-1", "batch=x"] {
            assert!(one(bad).is_err(), "{bad}");
        }
    }
}
