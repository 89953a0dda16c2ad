//! Products of bytes: what matrix products and convolutions share on the host.
//!
//! B is packed into vectors of 16 bytes, 64 bytes of the depth after the other, by the host where it is a
//! constant. A is read as it lies where its rows are whole words, else it is arranged first; so is a result of
//! bytes whose rows are not.
//!
//! What a reader would get wrong: bytes are signed from here on. A zero point of unsigned ones is 128 less.

use super::arrange::{Arrange, Order, scratch};
use super::packed_bytes::{Right, STEP, is_byte, signed_zero, turn};
use super::shared::{Axis, Parameters, broadcast, count, groups, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Bound, Launch, Operand, PipelineId};
use edgewise_core::ops::matmul::{Factor, Flip};
use edgewise_core::{DType, Result, Shape};

pub static TILES: Shader = shader!("byte_product", 5, 1);
pub static FEW_ROWS: Shader = shader!("byte_rows", 5, 1);
pub static DEPTHWISE: Shader = shader!("byte_depthwise", 5, 1);

/// Rows from which on a product is made in tiles.
const FEW: usize = 5;

/// A's scale and zero point.
#[derive(Clone, Copy)]
pub enum Zero {
    /// A zero point that is known, and a scale that is part of every column's factor.
    Known(i32),
    /// What those inputs hold when it runs.
    Inputs { scale: usize, zero: usize },
    /// What an earlier launch finds.
    Found,
}

impl Zero {
    /// The scratch for a scale and a zero point that are found.
    pub fn found() -> (Operand, Operand) {
        (Operand::Scratch(0), Operand::Scratch(1))
    }
}

/// What becomes of sums.
#[derive(Clone, Copy)]
pub struct Finish {
    /// i32, u8, i8 or f32.
    pub y: DType,
    /// The zero point of bytes.
    pub zero: i32,
    pub bias: Bias,
    pub relu: bool,
}

/// What is added.
#[derive(Clone, Copy, PartialEq)]
pub enum Bias {
    None,
    Integer,
    Float,
}

/// A product, but for its sizes.
pub struct Product {
    form: Form,
    tiled: PipelineId,
    few: Option<PipelineId>,
    bytes: Arrange,
    left: DType,
    zero: Zero,
    right: Right,
    finish: Finish,
}

/// What kind of product it is.
#[derive(Clone, Copy, PartialEq)]
pub enum Form {
    /// Of matrices.
    Matrices,
    /// Of windows over an image, in `whole` vectors where these lie in one cell each; `backward` is how those of a
    /// transposed convolution look.
    Windows { whole: bool, backward: bool },
    /// The same, of every channel by itself.
    Depthwise { backward: bool },
}

/// Windows over an image, for a product whose rows are pixels.
#[derive(Default)]
pub struct Windows {
    /// Cells of the image along three axes, and words of the channels of one group.
    pub image: [usize; 4],
    /// Pixels of the result, and which bytes of the last word are channels.
    pub result: [usize; 4],
    pub kernel: [usize; 4],
    pub stride: [usize; 4],
    pub dilation: [usize; 4],
    pub before: [usize; 4],
}

/// A product with its sizes.
pub struct Sizes {
    pub rows: usize,
    pub columns: usize,
    /// Products that a sum is of, and words of a row of A.
    pub depth: usize,
    pub words: usize,
    /// Words between rows of A, elements between rows of the result.
    pub a_row: usize,
    pub y_row: usize,
    /// How many products there are, and where each lies: steps in words, matrices and elements.
    pub products: usize,
    pub axes: Vec<Axis<3>>,
}

impl Product {
    pub fn new(
        gpu: &Gpu,
        (left, zero): (DType, Zero),
        right: Right,
        finish: Finish,
        form: Form,
    ) -> Result<Product> {
        let dynamic = !matches!(zero, Zero::Known(_));
        let backward =
            matches!(form, Form::Windows { backward: true, .. } | Form::Depthwise { backward: true });
        let a_zeros = !matches!(zero, Zero::Known(zero) if signed_zero(left, zero) == 0);
        let constants = [
            ("TURN", turn(left)),
            ("ROW_SUMS", right.has_zeros.into()),
            ("COLUMN_SUMS", (right.matrices.is_none() && a_zeros).into()),
            ("DYNAMIC", dynamic.into()),
            ("GIVES", gives(finish.y)),
            ("BIAS", finish.bias as u32),
            ("RELU", finish.relu.into()),
            ("WINDOWS", (form != Form::Matrices).into()),
            ("WHOLE", matches!(form, Form::Windows { whole: true, .. }).into()),
            ("TRANSPOSED", backward.into()),
        ];
        let variant = |shader| gpu.pipeline(Variant::new(shader, &constants));
        let (tiled, few) = match form {
            Form::Depthwise { .. } => (variant(&DEPTHWISE), None),
            Form::Windows { .. } => (variant(&TILES), None),
            Form::Matrices => (variant(&TILES), Some(variant(&FEW_ROWS))),
        };
        Ok(Product { form, tiled, few, bytes: Arrange::new(gpu, DType::U8)?, left, zero, right, finish })
    }

    /// A product of matrices as numpy has it, of `a`, whose elements are those of an input or of scratch.
    pub fn bind(
        &self,
        bound: &mut Bound,
        (a, a_shape, a_flip): (Operand, &[usize], Flip),
        (b, b_shape, b_flip): (usize, Option<Shape>, Flip),
    ) -> Result<()> {
        let b_shape = self.right.shape.clone().or(b_shape);
        let b_shape = b_shape.ok_or_else(|| err!(Internal, "the size of the right factor is not known"))?;
        let (left, right) = (Factor::left(a_shape, a_flip)?, Factor::right(&b_shape, b_flip)?);
        ensure!(left.cols == right.rows, InvalidInput, "{a_shape:?} and {b_shape:?} do not multiply");
        let (depth, columns) = (left.cols, right.cols);
        let words = depth.div_ceil(4);
        let (left_count, right_count) = (count(&left.batch), count(&right.batch));
        let batch = joined(&left.batch, &right.batch)?;
        if left_count * right_count * left.rows * columns == 0 {
            return Ok(());
        }

        let flipped = a_flip.matrix && !left.vector;
        let a = match (flipped, depth % 4) {
            (false, 0) => a,
            _ => {
                let (row, k) = if flipped { (1, left.rows) } else { (depth, 1) };
                let sizes = [left_count, 1, left.rows, 4 * words];
                let order = Order::of(sizes, [left.rows * depth, 0, row, k]);
                let order = Order { valid: depth, padding: turn(self.left), ..order };
                self.bytes.scratched(bound, a, &order)?
            }
        };
        let b = match &self.right.matrices {
            Some(packed) => Operand::Held(packed.clone()),
            None => {
                let (k, column) = if b_flip.matrix && !right.vector { (1, depth) } else { (columns, 1) };
                let sizes = [right_count, words.div_ceil(STEP), columns, 4 * STEP];
                let steps = [depth * columns, 4 * STEP * k, column, k];
                let (fewer, turn) = (4 * STEP, turn(self.right.dtype));
                let order = Order { valid: depth, fewer, turn, ..Order::of(sizes, steps) };
                self.bytes.scratched(bound, Operand::Input(b), &order)?
            }
        };
        let bytes = is_byte(self.finish.y);
        let y_row = if bytes { columns.next_multiple_of(4) } else { columns };
        // All rows meet the same matrix: one tall product instead of many.
        let (rows, products, mut axes) = match right_count {
            1 => (left_count * left.rows, 1, Vec::new()),
            _ => (left.rows, count(&batch), broadcast(&batch, [&left.batch, &right.batch, &batch])),
        };
        for axis in &mut axes {
            let [a, _, y] = &mut axis.steps;
            *a *= (rows * words) as i64;
            *y *= (rows * y_row) as i64;
        }
        let sizes = Sizes { rows, columns, depth, words, a_row: words, y_row, products, axes };
        self.launch(bound, a, b, &sizes)
    }

    /// The product itself, and what brings a result of bytes together whose rows are no whole words.
    pub fn launch(&self, bound: &mut Bound, a: Operand, b: Operand, sizes: &Sizes) -> Result<()> {
        let apart = is_byte(self.finish.y) && sizes.columns != sizes.y_row;
        let rows = sizes.rows * sizes.products;
        let y = match apart {
            true => scratch(bound, rows * sizes.y_row),
            false => Operand::Output(0),
        };
        self.launch_to(bound, (a, b, y.clone()), sizes, &Windows::default())?;
        if apart {
            let order = Order::of([rows, 1, 1, sizes.columns], [sizes.y_row, 0, 0, 1]);
            self.bytes.launch(bound, y, Operand::Output(0), &order)?;
        }
        Ok(())
    }

    /// The product alone.
    pub fn launch_to(
        &self,
        bound: &mut Bound,
        (a, b, y): (Operand, Operand, Operand),
        sizes: &Sizes,
        windows: &Windows,
    ) -> Result<()> {
        let columns = Operand::Held(self.right.columns.clone());
        let (zero, a_scale, a_zero) = match self.zero {
            Zero::Known(zero) => (signed_zero(self.left, zero), columns.clone(), columns.clone()),
            Zero::Inputs { scale, zero } => (0, Operand::Input(scale), Operand::Input(zero)),
            Zero::Found => {
                let (scale, zero) = Zero::found();
                (0, scale, zero)
            }
        };
        let (pipeline, groups) = match (self.form, self.few) {
            (Form::Depthwise { .. }, _) => (self.tiled, groups(sizes.rows * sizes.words)?),
            (Form::Matrices, Some(few)) if sizes.rows < FEW => {
                (few, [word(sizes.columns.div_ceil(16))?, word(sizes.rows)?, word(sizes.products)?])
            }
            _ => {
                let tiles = [sizes.columns.div_ceil(64), sizes.rows.div_ceil(32), sizes.products];
                let [x, y, z] = tiles.map(word);
                (self.tiled, [x?, y?, z?])
            }
        };
        let fits = groups.iter().all(|&n| n < 1 << 16);
        ensure!(fits, LimitExceeded, "a product of {} rows is too large for one launch", sizes.rows);
        let several = self.right.matrices.is_some() && self.right.entries > self.right.columns_each;
        let mut words = vec![
            word(sizes.rows)?,
            word(sizes.columns)?,
            word(sizes.words.div_ceil(STEP))?,
            word(sizes.words)?,
            word(sizes.a_row)?,
            word(sizes.y_row)?,
            if several { word(self.right.columns_each)? } else { 0 },
            word(sizes.axes.len())?,
            zero as u32,
            self.finish.zero as u32,
            if self.finish.y == DType::I8 { -128i32 as u32 } else { 0 },
            0,
            word(sizes.depth)?,
            (self.right.columns_each > 1).into(),
            0,
            0,
        ];
        let Windows { image, result, kernel, stride, dilation, before } = *windows;
        for size in [image, result, kernel, stride, dilation, before].into_iter().flatten() {
            words.push(word(size)?);
        }
        let Parameters(parameters) = Parameters(words).axes(&sizes.axes)?;
        let buffers = vec![a, b, columns, a_scale, a_zero, y];
        bound.launches.push(Launch { pipeline, buffers, parameters, groups });
        Ok(())
    }

    /// The packed matrices, where they are known.
    pub fn packed(&self) -> Option<Operand> {
        self.right.matrices.clone().map(Operand::Held)
    }
}

fn gives(y: DType) -> u32 {
    match y {
        DType::I32 => 0,
        DType::F32 => 2,
        _ => 1,
    }
}

/// The shape to which the batches of both factors broadcast.
fn joined(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], i: usize| {
        (i + shape.len()).checked_sub(rank).and_then(|i| shape.get(i)).copied().unwrap_or(1)
    };
    let joined = (0..rank).map(|i| match (at(a, i), at(b, i)) {
        (1, size) | (size, 1) => Ok(size),
        (size, other) if size == other => Ok(size),
        _ => Err(err!(InvalidInput, "batches of {a:?} and {b:?} do not go together")),
    });
    joined.collect()
}
