//! TfIdfVectorizer on the CPU.

use super::{Io, Kernel};
use crate::ops::tfidf_vectorizer::{Grams, Pool, TfIdfVectorizer, Weighting};
use crate::{DType, Result, Shape};
use std::hash::Hash;

impl Kernel for TfIdfVectorizer {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let (rows, len) = match *x.shape() {
            [] => (1, 1),
            [len] => (1, len),
            [rows, len] => (rows, len),
            _ => bail!(InvalidInput, "expected tokens of shape [C] or [N, C], got {x:?}"),
        };
        let shape: Shape =
            if x.rank() == 2 { [rows, self.columns][..].into() } else { [self.columns][..].into() };
        let y = io.make(0, DType::F32, &shape)?.into_slice::<f32>()?;
        match &self.pool {
            Pool::Ints(grams) => self.count(io, grams, &x.to_i64s()?, len, y)?,
            Pool::Strings(grams) => self.count(io, grams, x.strings()?, len, y)?,
        }
        Ok(())
    }
}

impl TfIdfVectorizer {
    fn count<K: Hash + Eq + Clone>(
        &self,
        io: &Io<'_>,
        grams: &Grams<K>,
        x: &[K],
        len: usize,
        y: &mut [f32],
    ) -> Result<()> {
        for (tokens, y) in x.chunks(len.max(1)).zip(y.chunks_mut(self.columns.max(1))) {
            for skip in 0..=self.skips.min(len) {
                io.check()?;
                // One token cannot be spread out: it counts only once.
                let shortest = if skip == 0 { self.shortest } else { self.shortest.max(2) };
                for start in 0..len {
                    let gram = tokens[start..].iter().step_by(skip + 1).take(self.longest);
                    grams.walk(gram, |gram| {
                        if gram.length < shortest {
                            return;
                        }
                        let y = &mut y[gram.column];
                        match self.weighting {
                            Weighting::Tf => *y += 1.0,
                            Weighting::Idf => *y = gram.weight,
                            Weighting::TfIdf => *y += gram.weight,
                        }
                    });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor, Value};

    fn attrs(counts: &[i64], indexes: &[i64], skips: i64) -> Vec<(&'static str, Attr)> {
        vec![
            ("mode", Attr::Str("TF".into())),
            ("min_gram_length", Attr::Int(1)),
            ("max_gram_length", Attr::Int(2)),
            ("max_skip_count", Attr::Int(skips)),
            ("ngram_counts", Attr::Ints(counts.into())),
            ("ngram_indexes", Attr::Ints(indexes.into())),
            ("pool_strings", Attr::Strs(["a", "b", "a", "b"].map(String::from).to_vec())),
        ]
    }

    fn count(attrs: &[(&str, Attr)], tokens: &[&str]) -> Result<Vec<Value>> {
        let tokens = tokens.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let x = Tensor::from_strings(&[tokens.len()], tokens).unwrap();
        run(("", "TfIdfVectorizer", 9), attrs, &[Some(x.into())], 1)
    }

    #[test]
    fn single_tokens_count_once_whatever_the_skips() {
        let y = count(&attrs(&[0, 2], &[0, 1, 2], 9), &["a", "a", "b"]).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [2.0, 1.0, 2.0]);
        let y = count(&attrs(&[0, 2], &[0, 1, 2], i64::MAX), &[]).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [0.0; 3]);
    }

    #[test]
    fn broken_pools_are_refused() {
        assert!(count(&attrs(&[0, 9], &[0, 1, 2], 0), &["a"]).is_err());
        assert!(count(&attrs(&[2, 0], &[0, 1, 2], 0), &["a"]).is_err());
        assert!(count(&attrs(&[0, 2], &[0, 1], 0), &["a"]).is_err());
        assert!(count(&attrs(&[0, 2], &[0, 1, -1], 0), &["a"]).is_err());
        assert!(count(&attrs(&[0, 2], &[0, 1, i64::MAX], 0), &["a"]).is_err());
    }
}
