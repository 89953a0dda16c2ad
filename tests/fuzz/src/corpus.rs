//! Where cases come from: models that are shipped, generated conformance cases, and nothing at all.

use crate::mutate::mutate;
use crate::random::Random;
use crate::{decode, model, plan};
use std::path::{Path, PathBuf};

/// Larger files are mostly weights, and mutating weights finds nothing.
const MOST_BYTES: u64 = 128 << 10;

/// The files that are mutated.
pub struct Corpus {
    models: Vec<Vec<u8>>,
    values: Vec<Vec<u8>>,
}

/// What decides a run.
#[derive(Clone, Copy, Debug)]
pub struct Seed(pub u64);

/// One input, and what takes it.
pub struct Case {
    /// The input.
    pub bytes: Vec<u8>,
    /// What takes it.
    pub body: fn(&[u8]),
    /// What that is called.
    pub name: &'static str,
}

impl Corpus {
    /// The small models below those folders, and the values beside them.
    pub fn load(folders: &[PathBuf]) -> std::io::Result<Corpus> {
        let mut corpus = Corpus { models: Vec::new(), values: Vec::new() };
        let mut paths = Vec::new();
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            collect(folder, &mut paths)?;
        }
        paths.sort();
        for path in paths {
            let into = match path.extension().and_then(|e| e.to_str()) {
                Some("onnx") => &mut corpus.models,
                Some("pb") => &mut corpus.values,
                _ => continue,
            };
            if path.metadata()?.len() <= MOST_BYTES {
                into.push(std::fs::read(&path)?);
            }
        }
        Ok(corpus)
    }

    /// How many models there are.
    pub fn len(&self) -> usize {
        self.models.len()
    }

    /// Whether there is no model.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// Case `number` of a seed; always the same one while the corpus is.
    pub fn case(&self, seed: Seed, number: u64) -> Case {
        let mut random = Random::new(seed.0, number);
        match random.below(8) {
            0 => {
                let len = random.below(200);
                Case { bytes: random.bytes(len), body: plan, name: "plan" }
            }
            1 => Case { bytes: self.mutated(&mut random, &self.values), body: decode, name: "decode" },
            _ => Case { bytes: self.mutated(&mut random, &self.models), body: model, name: "model" },
        }
    }

    fn mutated(&self, random: &mut Random, from: &[Vec<u8>]) -> Vec<u8> {
        if from.is_empty() {
            return random.bytes(64);
        }
        let (one, other) = (&from[random.below(from.len())], &from[random.below(from.len())]);
        mutate(random, one, other)
    }
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else {
            into.push(path);
        }
    }
    Ok(())
}
