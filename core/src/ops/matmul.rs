//! MatMul, and FusedMatMul of com.microsoft: the matrix product as numpy has it.
//!
//! The last two axes are the matrices, those before broadcast; a tensor of one axis is a row on the left, a
//! column on the right, and its missing axis is missing in the result. FusedMatMul adds transposes and a
//! factor. Integers of 32 and 64 bits since opset 9, bf16 since 13; what wraps, wraps.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// How a factor lies before it is multiplied.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flip {
    /// Its last two axes are exchanged.
    pub matrix: bool,
    /// Its first axis is moved behind the batch axes (before `matrix` is looked at).
    pub batch: bool,
}

impl Flip {
    /// Whether it lies in any way other than plainly.
    pub fn any(self) -> bool {
        self.matrix || self.batch
    }
}

/// MatMul or FusedMatMul.
#[derive(Clone, Debug)]
pub struct MatMul {
    /// How the left factor lies.
    pub left: Flip,
    /// How the right factor lies.
    pub right: Flip,
    /// What the product is multiplied with.
    pub alpha: f32,
}

impl Operator for MatMul {
    fn parse(a: &mut Attrs) -> Result<MatMul> {
        a.arity(2..=2, 1..=1)?;
        if a.op() == "MatMul" {
            return Ok(MatMul { left: Flip::default(), right: Flip::default(), alpha: 1.0 });
        }
        Ok(MatMul {
            left: Flip { matrix: a.flag("transA", false)?, batch: a.flag("transBatchA", false)? },
            right: Flip { matrix: a.flag("transB", false)?, batch: a.flag("transBatchB", false)? },
            alpha: a.float_or("alpha", 1.0)?,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        let same = cx.dtype(1)? == dtype;
        ensure!(same, InvalidModel, "factors of {dtype} and {} do not multiply", cx.dtype(1)?);
        let dims = product_dims(cx, (0, self.left), (1, self.right))?;
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }
}

/// A factor's axes, sorted by what they mean.
#[derive(Clone, Debug)]
pub struct Factor<D> {
    /// Those that broadcast.
    pub batch: Vec<D>,
    /// The rows of each matrix.
    pub rows: D,
    /// The columns of each matrix.
    pub cols: D,
    /// Whether it has one axis alone, which is then no axis of the result.
    pub vector: bool,
}

impl<D: Clone + From<usize>> Factor<D> {
    /// The left factor.
    pub fn left(dims: &[D], flip: Flip) -> Result<Factor<D>> {
        Ok(match dims {
            [len] => Factor { batch: Vec::new(), rows: D::from(1), cols: len.clone(), vector: true },
            _ => Factor::matrix(dims, flip)?,
        })
    }

    /// The right factor.
    pub fn right(dims: &[D], flip: Flip) -> Result<Factor<D>> {
        Ok(match dims {
            [len] => Factor { batch: Vec::new(), rows: len.clone(), cols: D::from(1), vector: true },
            _ => Factor::matrix(dims, flip)?,
        })
    }

    fn matrix(dims: &[D], flip: Flip) -> Result<Factor<D>> {
        let [outer @ .., row, col] = dims else {
            bail!(InvalidModel, "a factor must have one axis at least, got a scalar")
        };
        let (batch, row) = match outer {
            [first, rest @ ..] if flip.batch => ([rest, std::slice::from_ref(row)].concat(), first),
            _ => (outer.to_vec(), row),
        };
        let (rows, cols) = if flip.matrix { (col, row) } else { (row, col) };
        Ok(Factor { batch, rows: rows.clone(), cols: cols.clone(), vector: false })
    }
}

/// The dims of the product of two inputs; `None` where a rank is unknown.
pub fn product_dims(
    cx: &mut Infer<'_>,
    (left, left_flip): (usize, Flip),
    (right, right_flip): (usize, Flip),
) -> Result<Option<Dims>> {
    let (Some(a_dims), Some(b_dims)) = (cx.dims(left), cx.dims(right)) else { return Ok(None) };
    let (a, b) = (Factor::left(a_dims, left_flip)?, Factor::right(b_dims, right_flip)?);
    let agree = a.cols.known().is_none() || b.rows.known().is_none() || a.cols == b.rows;
    ensure!(
        agree,
        InvalidModel,
        "{a_dims:?} and {b_dims:?} do not multiply: {} columns on the left, {} rows on the right",
        a.cols,
        b.rows
    );
    let mut dims: Dims = cx.broadcast_two(&a.batch, &b.batch)?;
    let ends: [(bool, Dim); 2] = [(a.vector, a.rows), (b.vector, b.cols)];
    dims.extend(ends.into_iter().filter(|(vector, _)| !vector).map(|(_, dim)| dim));
    Ok(Some(dims))
}
