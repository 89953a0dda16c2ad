//! TfIdfVectorizer: how often each n-gram of a pool occurs in a row of tokens.
//!
//! Opset 9, unchanged since. Tokens are strings, i32 or i64; counts are f32.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Dim, Result};
use std::collections::HashMap;
use std::hash::Hash;

/// How a count becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighting {
    /// The count itself.
    Tf,
    /// The weight of what occurs at all.
    Idf,
    /// The count times the weight.
    TfIdf,
}

/// A tree of tokens: a path from the root spells an n-gram.
#[derive(Clone, Debug)]
pub struct Grams<K> {
    nodes: Vec<Node<K>>,
}

#[derive(Clone, Debug)]
struct Node<K> {
    next: HashMap<K, usize>,
    /// The n-gram that ends here.
    gram: Option<Gram>,
}

/// An n-gram of the pool.
#[derive(Clone, Copy, Debug)]
pub struct Gram {
    /// How many tokens it has.
    pub length: usize,
    /// The column that counts it.
    pub column: usize,
    /// What it weighs.
    pub weight: f32,
}

impl<K: Hash + Eq + Clone> Grams<K> {
    fn new() -> Grams<K> {
        Grams { nodes: vec![Node { next: HashMap::new(), gram: None }] }
    }

    fn insert(&mut self, tokens: &[K], gram: Gram) {
        let mut at = 0;
        for token in tokens {
            let new = self.nodes.len();
            let next = *self.nodes[at].next.entry(token.clone()).or_insert(new);
            if next == new {
                self.nodes.push(Node { next: HashMap::new(), gram: None });
            }
            at = next;
        }
        self.nodes[at].gram = Some(gram);
    }

    /// Calls `found` for every n-gram that those tokens begin with.
    pub fn walk<'a>(&self, tokens: impl Iterator<Item = &'a K>, mut found: impl FnMut(Gram))
    where
        K: 'a,
    {
        let mut at = 0;
        for token in tokens {
            let Some(&next) = self.nodes[at].next.get(token) else { return };
            at = next;
            if let Some(gram) = self.nodes[at].gram {
                found(gram);
            }
        }
    }
}

/// The n-grams to count.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Pool {
    Ints(Grams<i64>),
    Strings(Grams<String>),
}

/// TfIdfVectorizer.
#[derive(Clone, Debug)]
pub struct TfIdfVectorizer {
    /// How a count becomes a value.
    pub weighting: Weighting,
    /// The n-grams to count.
    pub pool: Pool,
    /// Columns of the result.
    pub columns: usize,
    /// Tokens that may be left out between two of an n-gram.
    pub skips: usize,
    /// The shortest n-gram that counts.
    pub shortest: usize,
    /// The longest.
    pub longest: usize,
}

impl Operator for TfIdfVectorizer {
    fn parse(a: &mut Attrs) -> Result<TfIdfVectorizer> {
        a.arity(1..=1, 1..=1)?;
        let modes = [("TF", Weighting::Tf), ("IDF", Weighting::Idf), ("TFIDF", Weighting::TfIdf)];
        let weighting = a.choice("mode", &modes)?;
        let mut count = |name: &str| {
            let given = a.int(name)?;
            let given = a.required(name, given)?;
            usize::try_from(given).map_err(|_| err!(InvalidModel, "{name} must not be negative, got {given}"))
        };
        let skips = count("max_skip_count")?;
        let (shortest, longest) = (count("min_gram_length")?, count("max_gram_length")?);
        ensure!(
            (1..=longest).contains(&shortest),
            InvalidModel,
            "min_gram_length must be at least 1 and at most max_gram_length, got {shortest} and {longest}"
        );
        let starts = a.ints("ngram_counts")?;
        let starts = a.required("ngram_counts", starts)?;
        let columns = a.ints("ngram_indexes")?;
        let columns = to_sizes("ngram_indexes", &a.required("ngram_indexes", columns)?)?;
        let starts = to_sizes("ngram_counts", &starts)?;
        let weights = a.floats("weights")?.filter(|w| !w.is_empty());
        let weights = weights.unwrap_or_else(|| vec![1.0; columns.len()]);
        ensure!(
            weights.len() == columns.len(),
            InvalidModel,
            "ngram_indexes and weights must be equally long, got {} and {}",
            columns.len(),
            weights.len()
        );
        let grams: Vec<(usize, f32)> = columns.iter().copied().zip(weights).collect();
        let pool = match (a.ints("pool_int64s")?, a.strs("pool_strings")?) {
            (Some(pool), None) => Pool::Ints(tree(&pool, &starts, &grams, shortest..=longest)?),
            (None, Some(pool)) => Pool::Strings(tree(&pool, &starts, &grams, shortest..=longest)?),
            _ => bail!(InvalidModel, "one of pool_int64s and pool_strings must be given, and not both"),
        };
        let columns = columns.iter().max().map_or(0, |&last| last.saturating_add(1));
        Ok(TfIdfVectorizer { weighting, pool, columns, skips, shortest, longest })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        let fits = match self.pool {
            Pool::Ints(_) => matches!(dtype, DType::I32 | DType::I64),
            Pool::Strings(_) => dtype == DType::Str,
        };
        ensure!(fits, InvalidModel, "tokens of type {dtype} do not occur in the pool");
        let columns = Dim::from(self.columns);
        let dims = match cx.dims(0).map(|d| d.as_slice()) {
            None => None,
            Some([] | [_]) => Some(Dims::from_iter([columns])),
            Some([rows, _]) => Some(Dims::from_iter([rows.clone(), columns])),
            Some(other) => bail!(InvalidModel, "expected tokens of shape [C] or [N, C], got {other:?}"),
        };
        cx.set_tensor(0, DType::F32, dims);
        Ok(())
    }
}

fn to_sizes(what: &str, given: &[i64]) -> Result<Vec<usize>> {
    let sizes = given.iter().map(|&i| usize::try_from(i)).collect::<Result<_, _>>();
    sizes.map_err(|_| err!(InvalidModel, "{what} must not be negative, got {given:?}"))
}

/// The n-grams of a pool that holds those of one token from `starts[0]` on, of two from `starts[1]` on …
fn tree<K: Hash + Eq + Clone>(
    pool: &[K],
    starts: &[usize],
    grams: &[(usize, f32)],
    lengths: std::ops::RangeInclusive<usize>,
) -> Result<Grams<K>> {
    let mut tree = Grams::new();
    let mut grams = grams.iter();
    for (i, &start) in starts.iter().enumerate() {
        let (length, end) = (i + 1, starts.get(i + 1).copied().unwrap_or(pool.len()));
        let part = pool.get(start..end).ok_or_else(|| {
            err!(InvalidModel, "ngram_counts {starts:?} must rise and stay within a pool of {}", pool.len())
        })?;
        for tokens in part.chunks_exact(length) {
            let &(column, weight) = grams.next().ok_or_else(|| {
                err!(InvalidModel, "ngram_indexes must have one element per n-gram and has fewer")
            })?;
            if lengths.contains(&length) {
                tree.insert(tokens, Gram { length, column, weight });
            }
        }
    }
    Ok(tree)
}
