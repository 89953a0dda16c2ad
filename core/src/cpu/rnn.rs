//! RNN, GRU and LSTM on the CPU: the products with float weights. The rest is in
//! [`recurrence`](super::recurrence).

use super::product::{self, Matrix};
use super::recurrence::Products;
use super::wide::widened;
use super::{Io, Kernel, RunContext};
use crate::ops::rnn::Rnn;
use crate::{Float, Result};
use std::ops::Range;

impl Kernel for Rnn {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let sizes = self.checked_sizes(io)?;
        let (w, r) = (io.input(1)?, io.input(2)?);
        for_float!(io.input(0)?.dtype(), T => {
            let (w, r) = (widened::<T>(w)?, widened::<T>(r)?);
            let columns = self.cell.gates() * sizes.hidden;
            let weights = Weights { w: &w, r: &r, input: sizes.input, hidden: sizes.hidden, columns };
            self.run_layer::<T>(io, sizes, &weights)
        })
    }
}

/// The weights of all directions, gates first: a row of them makes a column of the product.
struct Weights<'a, T> {
    w: &'a [T],
    r: &'a [T],
    input: usize,
    hidden: usize,
    /// Gates times hidden size.
    columns: usize,
}

impl<T: Float> Products<T> for Weights<'_, T> {
    fn input(&self, cx: &RunContext<'_>, direction: usize, x: &[T], out: &mut [T]) -> Result<()> {
        let w = &self.w[direction * self.columns * self.input..];
        product(cx, (x, w), self.input, self.columns, out)
    }

    fn recurrent(
        &self,
        cx: &RunContext<'_>,
        direction: usize,
        h: &[T],
        columns: Range<usize>,
        out: &mut [T],
    ) -> Result<()> {
        let r = &self.r[(direction * self.columns + columns.start) * self.hidden..];
        product(cx, (h, r), self.hidden, columns.len(), out)
    }
}

/// Rows of `a` times rows of `b`.
fn product<T: Float>(
    cx: &RunContext<'_>,
    (a, b): (&[T], &[T]),
    depth: usize,
    cols: usize,
    out: &mut [T],
) -> Result<()> {
    let rows = out.len().checked_div(cols).unwrap_or(0);
    let widen = |x: T, _| x;
    product::multiply(
        cx,
        product::Sizes { batch: 1, rows, depth, cols },
        out,
        |_| Matrix { data: a, row_step: depth, col_step: 1, widen },
        |_| Matrix { data: b, row_step: 1, col_step: depth, widen },
        |_, _, sums, out| out.copy_from_slice(sums),
    )
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor, Value};

    /// One input, one hidden unit, weights of one; h is the sum of the inputs so far.
    fn sums(
        attrs: &[(&str, Attr)],
        shape: &[usize],
        x: &[f32],
        rest: &[Option<Value>],
    ) -> Result<Vec<Value>> {
        let directions = if attrs.iter().any(|(name, _)| *name == "direction") { 2 } else { 1 };
        let relu = Attr::Strs(vec!["Relu".into(); directions]);
        let attrs = [attrs, &[("activations", relu)]].concat();
        let ones = Tensor::new(&[directions, 1, 1], &vec![1f32; directions])?;
        let mut inputs =
            vec![Some(Tensor::new(shape, x)?.into()), Some(ones.clone().into()), Some(ones.into())];
        inputs.extend_from_slice(rest);
        run(("", "RNN", 14), &attrs, &inputs, 2)
    }

    fn f32s(value: &Value) -> Vec<f32> {
        value.tensor().unwrap().slice::<f32>().unwrap().to_vec()
    }

    fn ints(x: &[i32]) -> Option<Value> {
        Some(Tensor::new(&[x.len()], x).unwrap().into())
    }

    #[test]
    fn both_directions_and_their_last_states() {
        let both = [("direction", Attr::Str("bidirectional".into()))];
        let y = sums(&both, &[3, 1, 1], &[1.0, 2.0, 3.0], &[]).unwrap();
        assert_eq!(f32s(&y[0]), [1.0, 6.0, 3.0, 5.0, 6.0, 3.0]);
        assert_eq!(f32s(&y[1]), [6.0, 6.0]);
    }

    #[test]
    fn a_sequence_ends_where_its_length_says() {
        let x = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0];
        let y = sums(&[], &[3, 2, 1], &x, &[None, ints(&[2, 0])]).unwrap();
        assert_eq!(f32s(&y[0]), [1.0, 0.0, 3.0, 0.0, 0.0, 0.0]);
        assert_eq!(f32s(&y[1]), [3.0, 0.0]);
        let both = [("direction", Attr::Str("bidirectional".into())), ("layout", Attr::Int(1))];
        let y = sums(&both, &[2, 2, 1], &[1.0, 2.0, 10.0, 20.0], &[None, ints(&[1, 2])]).unwrap();
        assert_eq!(f32s(&y[0]), [1.0, 1.0, 0.0, 0.0, 10.0, 30.0, 30.0, 20.0]);
        assert_eq!(f32s(&y[1]), [1.0, 1.0, 30.0, 30.0]);
    }

    #[test]
    fn lengths_and_shapes_are_checked() {
        assert!(sums(&[], &[1, 1, 1], &[1.0], &[None, ints(&[2])]).is_err());
        assert!(sums(&[], &[1, 1, 1], &[1.0], &[None, ints(&[-1])]).is_err());
        assert!(sums(&[], &[1, 1, 2], &[1.0; 2], &[]).is_err());
        assert!(sums(&[("activation_alpha", Attr::Int(1))], &[1, 1, 1], &[1.0], &[]).is_err());
    }

    #[test]
    fn empty_sequences_and_batches() {
        assert_eq!(f32s(&sums(&[], &[0, 1, 1], &[], &[]).unwrap()[1]), [0.0]);
        assert!(f32s(&sums(&[], &[2, 0, 1], &[], &[]).unwrap()[0]).is_empty());
        assert!(f32s(&sums(&[("layout", Attr::Int(1))], &[0, 2, 1], &[], &[]).unwrap()[1]).is_empty());
    }
}
