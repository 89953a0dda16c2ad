//! MatMul on the CPU, and what every matrix product with broadcasting needs.

use super::broadcast::{Broadcast, broadcast_shape};
use super::in_f32::in_f32;
use super::packed_product::{Last, multiply_rows, worth_packing};
use super::panels::{Layout, Panels, Weights};
use super::product::{Matrix, Sizes, multiply};
use super::{Io, Kernel, Lowering};
use crate::ops::fused_activation::FusedActivation;
use crate::ops::matmul::{Factor, Flip, MatMul};
use crate::{DType, Num, Result};

impl Kernel for MatMul {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        if self.left.matrix || self.left.batch || self.right.batch {
            return Ok(None);
        }
        let packed = packed_matrix(cx, self.right.matrix)?;
        Ok(packed.map(|(dtype, weights)| in_f32(dtype, ByMatrix { alpha: self.alpha, weights }, self)))
    }

    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        super::products_per_output(outputs, inputs.first()?.last().copied()?)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (a, b, y) = (io.input(0)?, io.input(1)?, io.output(0)?);
        let product = Product::new((a.shape(), self.left), (b.shape(), self.right))?;
        let scale = (self.alpha != 1.0).then_some(f64::from(self.alpha));
        for_num!(a.dtype(), T => {
            type S = <T as Num>::Acc;
            let (a, b) = (a.slice::<T>()?, b.slice::<T>()?);
            multiply(
                io.context(),
                product.sizes,
                y.into_slice::<T>()?,
                |i| product.left(a, i, |x: T, _| x.acc()),
                |i| product.right(b, i, |x: T, _| x.acc()),
                |_, _, sums: &[S], out| {
                    for (y, &sum) in out.iter_mut().zip(sums) {
                        *y = T::of_acc(scale.map_or(sum, |s| S::from_f64(s * sum.to_f64())));
                    }
                },
            )
        })
    }
}

/// The weights of a product, input 1, as a packed right factor, if they are a constant matrix and that pays; and
/// the type that the model has them in.
pub fn packed_matrix(cx: &Lowering<'_>, transposed: bool) -> Result<Option<(DType, Panels)>> {
    let Some(&[rows, cols]) = cx.constant(1).as_ref().map(|b| b.shape()) else { return Ok(None) };
    let ((depth, width), (depth_step, col_step)) =
        if transposed { ((cols, rows), (1, cols)) } else { ((rows, cols), (cols, 1)) };
    if !worth_packing((depth, width)) {
        return Ok(None);
    }
    let Some((view, weights)) = Weights::of_constant(cx, 1)? else { return Ok(None) };
    let layout = Layout { start: 0, tap_step: 0, depth_step, col_step };
    Ok(Some((view.dtype(), Panels::new(&weights, layout, [1, depth, width])?)))
}

/// A product with one packed matrix on the right, whatever the batch.
struct ByMatrix {
    alpha: f32,
    weights: Panels,
}

impl Kernel for ByMatrix {
    fn operations(&self, _inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        super::products_per_output(outputs, self.weights.depth())
    }

    fn packed(&self) -> &[usize] {
        &[1]
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (a, y) = (io.input(0)?, io.output(0)?);
        let mut last = Last::new(None, FusedActivation::None);
        last.finish.alpha = self.alpha;
        multiply_rows(io.context(), a, &self.weights, &last, y)
    }
}

/// The products that two factors of given shapes make.
pub struct Product {
    /// How many there are, and of what size.
    pub sizes: Sizes,
    left: Side,
    right: Side,
}

/// Where the matrices of one factor lie.
struct Side {
    /// For each product, the number of the matrix that goes into it.
    matrices: Vec<usize>,
    /// How many different matrices there are.
    count: usize,
    /// Rows of a left factor's matrix, columns of a right one's.
    lines: usize,
    /// Elements from one matrix to the next, and from one row and column to the next within.
    steps: [usize; 3],
}

impl Product {
    /// For factors of those shapes.
    pub fn new((a, a_flip): (&[usize], Flip), (b, b_flip): (&[usize], Flip)) -> Result<Product> {
        let (left, right) = (Factor::left(a, a_flip)?, Factor::right(b, b_flip)?);
        ensure!(left.cols == right.rows, InvalidInput, "{a:?} and {b:?} do not multiply");
        let out = broadcast_shape(&[&left.batch, &right.batch])?;
        let batch = crate::tensor::element_count(&out)?;
        let mut sizes = Sizes { batch, rows: left.rows, depth: left.cols, cols: right.cols };
        let empty = batch == 0 || sizes.rows == 0 || sizes.cols == 0;
        let walk = Broadcast::new(&out, [&left.batch, &right.batch])?;
        let matrices = |n: usize| -> Result<Vec<usize>> {
            let mut list = Vec::new();
            // Nothing is read for an empty result, however many products it has.
            let batch = if empty { 0 } else { batch };
            list.try_reserve_exact(batch)
                .map_err(|_| err!(OutOfMemory, "no memory for a batch of {batch}"))?;
            for run in walk.runs(0..batch) {
                list.extend((0..run.out.len()).map(|i| run.at[n] + i * walk.step(n)));
            }
            Ok(list)
        };
        let side = |n: usize, factor: &Factor<usize>, flip: Flip| -> Result<Side> {
            let flip = if factor.vector { Flip::default() } else { flip };
            let (rows, cols) =
                if flip.matrix { (factor.cols, factor.rows) } else { (factor.rows, factor.cols) };
            let count: usize = factor.batch.iter().product();
            // With the batch behind the rows, a row is followed by the same row of the next matrix.
            let [matrix, row] = if flip.batch { [cols, cols * count] } else { [rows * cols, cols] };
            let [row, col] = if flip.matrix { [1, row] } else { [row, 1] };
            let lines = if n == 0 { sizes.rows } else { sizes.cols };
            Ok(Side { matrices: matrices(n)?, count, lines, steps: [matrix, row, col] })
        };
        let (mut left, right) = (side(0, &left, a_flip)?, side(1, &right, b_flip)?);
        let same_right = right.matrices.iter().all(|&m| m == 0);
        let dense_left = left.steps == [sizes.rows * sizes.depth, sizes.depth, 1]
            && left.matrices.iter().enumerate().all(|(i, &m)| i == m);
        if same_right && dense_left && !empty {
            // All rows meet the same matrix: one tall product instead of many.
            sizes = Sizes { batch: 1, rows: batch * sizes.rows, ..sizes };
            left.matrices.truncate(1);
        }
        Ok(Product { sizes, left, right })
    }

    /// The left factor of product `i`.
    pub fn left<'a, T, F>(&self, data: &'a [T], i: usize, widen: F) -> Matrix<'a, T, F> {
        self.left.matrix(data, i, widen)
    }

    /// The right factor of product `i`.
    pub fn right<'a, T, F>(&self, data: &'a [T], i: usize, widen: F) -> Matrix<'a, T, F> {
        self.right.matrix(data, i, widen)
    }

    /// Rows of each left matrix, and how many left matrices there are.
    pub fn left_lines(&self) -> (usize, usize) {
        (self.left.lines, self.left.count)
    }

    /// Columns of each right matrix, and how many right matrices there are.
    pub fn right_lines(&self) -> (usize, usize) {
        (self.right.lines, self.right.count)
    }

    /// Whether the left factor's matrices lie row by row.
    pub fn has_left_rows(&self) -> bool {
        self.left.steps[2] == 1
    }

    /// The row of the left factor, counted through its matrices, that makes an output row, counted through
    /// the batch.
    pub fn left_row(&self, row: usize) -> usize {
        self.left.matrices[row / self.sizes.rows] * self.left.lines + row % self.sizes.rows
    }

    /// The column of the right factor, counted through its matrices, that makes column `col` of an output
    /// row.
    pub fn right_col(&self, row: usize, col: usize) -> usize {
        self.right.matrices[row / self.sizes.rows] * self.right.lines + col
    }
}

impl Side {
    fn matrix<'a, T, F>(&self, data: &'a [T], i: usize, widen: F) -> Matrix<'a, T, F> {
        let [matrix, row_step, col_step] = self.steps;
        Matrix { data: &data[self.matrices[i] * matrix..], row_step, col_step, widen }
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::{lowered_as_plain, run};
    use crate::ops::Attr;
    use crate::{DType, Tensor, Value};

    const MATMUL: (&str, &str, i64) = ("", "MatMul", 13);

    fn tensor(shape: &[usize]) -> Option<Value> {
        let len = shape.iter().product();
        let elements: Vec<f32> = (1..=len).map(|i: usize| i as f32).collect();
        Some(Tensor::new(shape, &elements).unwrap().into())
    }

    fn shape_and_elements(
        op: (&str, &str, i64),
        attrs: &[(&str, Attr)],
        a: &[usize],
        b: &[usize],
    ) -> (Vec<usize>, Vec<f32>) {
        let y = run(op, attrs, &[tensor(a), tensor(b)], 1).unwrap();
        let y = y[0].tensor().unwrap();
        (y.shape().to_vec(), y.slice().unwrap().to_vec())
    }

    #[test]
    fn vectors_and_batches() {
        assert_eq!(shape_and_elements(MATMUL, &[], &[3], &[3]), (vec![], vec![14.0]));
        assert_eq!(shape_and_elements(MATMUL, &[], &[2], &[2, 2]), (vec![2], vec![7.0, 10.0]));
        assert_eq!(shape_and_elements(MATMUL, &[], &[2, 1, 2], &[2]), (vec![2, 1], vec![5.0, 11.0]));
        let (shape, y) = shape_and_elements(MATMUL, &[], &[2, 1, 1, 2], &[3, 2, 1]);
        assert_eq!((shape, y), (vec![2, 3, 1, 1], vec![5.0, 11.0, 17.0, 11.0, 25.0, 39.0]));
    }

    #[test]
    fn empty_sizes() {
        assert_eq!(shape_and_elements(MATMUL, &[], &[2, 0], &[0, 1]), (vec![2, 1], vec![0.0; 2]));
        assert_eq!(shape_and_elements(MATMUL, &[], &[0, 2, 3], &[3, 1]), (vec![0, 2, 1], vec![]));
        assert!(run(MATMUL, &[], &[tensor(&[2, 3]), tensor(&[2, 3])], 1).is_err());
        assert!(run(MATMUL, &[], &[tensor(&[]), tensor(&[2])], 1).is_err());
    }

    #[test]
    fn integers_wrap_and_small_floats_sum_in_f32() {
        let huge = Tensor::new(&[1, 2], &[i32::MAX, 1]).unwrap();
        let ones = Tensor::new(&[2, 1], &[1, 1]).unwrap();
        let y = run(MATMUL, &[], &[Some(huge.into()), Some(ones.into())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i32>().unwrap(), [i32::MIN]);
        let a = Tensor::new(&[1, 4096], &[half::f16::ONE; 4096]).unwrap();
        let b = Tensor::new(&[4096, 1], &[half::f16::ONE; 4096]).unwrap();
        let y = run(MATMUL, &[], &[Some(a.into()), Some(b.into())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<half::f16>().unwrap(), [half::f16::from_f32(4096.0)]);
    }

    #[test]
    fn transposes_of_a_vector_mean_nothing() {
        let attrs = [("transA", Attr::Int(1)), ("transB", Attr::Int(1)), ("transBatchB", Attr::Int(1))];
        let op = ("com.microsoft", "FusedMatMul", 1);
        assert_eq!(shape_and_elements(op, &attrs, &[3], &[3]), (vec![], vec![14.0]));
    }

    #[test]
    fn packed_weights_give_the_same_bits() {
        let numbers = |shape: &[usize]| {
            let len = shape.iter().product::<usize>();
            let elements: Vec<f32> = (0..len).map(|i| (i * 7919 % 997) as f32 / 131.0 - 3.5).collect();
            Some(Value::from(Tensor::new(shape, &elements).unwrap()))
        };
        let plain: [(&[usize], &[usize]); 5] = [
            (&[5], &[5, 40]),
            (&[3, 7, 20], &[20, 33]),
            (&[30, 0], &[0, 9]),
            (&[0, 4], &[4, 2]),
            (&[1, 70], &[70, 513]),
        ];
        for (a, b) in plain {
            lowered_as_plain(MATMUL, &[], &[numbers(a), numbers(b)], &[1]).unwrap();
        }
        let attrs = [("transB", Attr::Int(1)), ("alpha", Attr::Float(0.25))];
        let op = ("com.microsoft", "FusedMatMul", 1);
        lowered_as_plain(op, &attrs, &[numbers(&[2, 9, 31]), numbers(&[50, 31])], &[1]).unwrap();
        assert!(lowered_as_plain(MATMUL, &[], &[numbers(&[2, 3]), numbers(&[4, 3])], &[1]).is_err());
    }

    #[test]
    fn mixed_types_are_refused() {
        let b = Tensor::zeros(DType::F64, &[2, 2]).unwrap();
        assert!(run(MATMUL, &[], &[tensor(&[2, 2]), Some(b.into())], 1).is_err());
    }
}
