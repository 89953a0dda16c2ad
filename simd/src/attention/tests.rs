//! Blocks of keys against the plain formula in f64.

use super::*;
use crate::Isa;

fn numbers(n: usize, by: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * by % 1009) as f32 - 504.0) / 251.0).collect()
}

/// Keys that row `row` of `rows` sees.
fn seen(row: usize, rows: usize, keys: usize) -> std::ops::Range<usize> {
    row.saturating_sub(70)..(keys - (rows - row - 1).min(keys))
}

/// The rows from `first` on, computed together.
fn attend(
    isa: Isa,
    q: &[&[f32]],
    first: usize,
    all: usize,
    k: &[&[f32]],
    v: &[&[f32]],
    sink: Option<f32>,
) -> Vec<f32> {
    let width = v.first().map_or(3, |v| v.len());
    let mut rows = Rows::new(width, q.iter().map(|_| sink));
    let mut packed = vec![f32::NAN; q[0].len() * KEYS];
    for (block, (k_block, v_block)) in k.chunks(KEYS).zip(v.chunks(KEYS)).enumerate() {
        pack_keys(k_block, &mut packed);
        let mut table = vec![f32::NAN; q.len() * KEYS];
        let end = |r| seen(first + r, all, k.len()).end.saturating_sub(block * KEYS).min(KEYS);
        let ends: Vec<usize> = (0..q.len()).map(end).collect();
        scores(isa, q, &ends, &packed, 0.5, &mut table);
        for (r, row) in table.chunks_mut(KEYS).enumerate() {
            let seen = seen(first + r, all, k.len());
            for (i, score) in row.iter_mut().enumerate() {
                if !seen.contains(&(block * KEYS + i)) {
                    *score = f32::NEG_INFINITY;
                }
            }
        }
        rows.absorb(isa, 0, &mut table, &ends, v_block);
    }
    (0..q.len()).flat_map(|r| rows.finished(r).collect::<Vec<_>>()).collect()
}

/// All rows by the formula.
fn plain(q: &[&[f32]], k: &[&[f32]], v: &[&[f32]], sink: Option<f32>) -> Vec<f64> {
    let row = |row: usize| -> Vec<f64> {
        let keys = || seen(row, q.len(), k.len());
        let dot =
            |key: usize| q[row].iter().zip(k[key]).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
        let shares: Vec<f64> = keys().map(|key| (0.5 * dot(key)).exp()).collect();
        let sum = shares.iter().sum::<f64>() + sink.map_or(0.0, |sink| f64::from(sink).exp());
        let value =
            |i: usize| keys().zip(&shares).map(|(key, share)| share * f64::from(v[key][i])).sum::<f64>();
        (0..v[0].len()).map(|i| if keys().is_empty() { 0.0 } else { value(i) / sum }).collect()
    };
    (0..q.len()).flat_map(row).collect()
}

#[test]
fn blocks_together_are_the_softmax_and_rows_do_not_depend_on_each_other() {
    for (i, &(rows, keys, depth, width)) in
        [(1, 1, 1, 1), (2, 65, 3, 5), (7, 64, 64, 64), (13, 200, 40, 80), (100, 130, 17, 33)]
            .iter()
            .enumerate()
    {
        let (q, k, v) =
            (numbers(rows * depth, 7919), numbers(keys * depth, 104729), numbers(keys * width, 31));
        let q: Vec<&[f32]> = q.chunks(depth).collect();
        let k: Vec<&[f32]> = k.chunks(depth).collect();
        let v: Vec<&[f32]> = v.chunks(width).collect();
        let sink = (i % 2 == 1).then_some(0.25);
        let expected = plain(&q, &k, &v, sink);
        for isa in Isa::supported() {
            let got = attend(isa, &q, 0, rows, &k, &v, sink);
            for (got, expected) in got.iter().zip(&expected) {
                assert!((f64::from(*got) - expected).abs() < 2e-5, "{isa:?}: {got}, not {expected}");
            }
            for (r, row) in q.iter().enumerate() {
                let alone = attend(isa, &[row], r, rows, &k, &v, sink);
                assert_eq!(alone, got[r * width..][..width], "{isa:?}: row {r}");
            }
        }
    }
}

#[test]
fn what_is_masked_may_be_nan_and_what_is_seen_may_not() {
    let mut values = vec![vec![1.0f32; 20]; KEYS];
    values[3][7] = f32::NAN;
    let values: Vec<&[f32]> = values.iter().map(|v| &v[..]).collect();
    for isa in Isa::supported() {
        let (mut rows, mut scores) = (Rows::new(20, [None; 4].into_iter()), vec![0f32; 4 * KEYS]);
        scores[3] = f32::NEG_INFINITY;
        scores[2 * KEYS..3 * KEYS].fill(f32::NEG_INFINITY);
        scores[3 * KEYS..].fill(f32::NEG_INFINITY);
        scores[4 * KEYS - 1] = f32::NAN;
        rows.absorb(isa, 0, &mut scores, &[KEYS; 4], &values);
        let row = |r: usize| rows.finished(r).collect::<Vec<f32>>();
        assert_eq!(row(0), [1.0; 20], "{isa:?}");
        assert!(row(1)[7].is_nan() && row(1)[6] == 1.0, "{isa:?}");
        assert_eq!(row(2), [0.0; 20], "{isa:?}");
        assert!(row(3).iter().all(|x| x.is_nan()), "{isa:?}");
    }
}

#[test]
fn a_sink_alone_leaves_zeros() {
    let mut rows = Rows::new(2, [Some(1.0), Some(f32::NEG_INFINITY)].into_iter());
    rows.absorb(Isa::Scalar, 0, &mut [f32::NEG_INFINITY; 2 * KEYS], &[0, KEYS], &[]);
    assert_eq!(rows.finished(0).chain(rows.finished(1)).collect::<Vec<_>>(), [0.0; 4]);
}
