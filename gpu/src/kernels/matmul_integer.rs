//! MatMulInteger: products of bytes, summed in 32 bits.

use super::Kernel;
use super::product::{Lies, batch_axes};
use super::shared::{Parameters, count, input_type, kind, ranks_fit, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::matmul::{Factor, Flip};
use edgewise_core::ops::matmul_integer::MatMulInteger;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("matmul_integer", 4, 1);

/// Rows and columns of a tile.
const TILE: usize = 64;
/// Groups along one dimension that every GPU can launch.
const MOST_GROUPS: usize = 65_535;

pub fn lower(gpu: &Gpu, _: &MatMulInteger, node: &Lowered<'_>) -> Result<Kernel> {
    let sums = Sums::lower(gpu, node, Places { left: 0, right: 1, left_zero: 2, right_zero: 3 });
    Ok(sums.map(|sums| Box::new(Lower { sums }) as _))
}

struct Lower {
    sums: Sums,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        Ok(self.sums.launch(cx, Operand::Output(0))?.map_or_else(Bound::nothing, Bound::one))
    }
}

/// Where a node has its factors and their zero points.
#[derive(Clone, Copy)]
pub struct Places {
    pub left: usize,
    pub right: usize,
    pub left_zero: usize,
    pub right_zero: usize,
}

/// The sums of products of bytes.
pub struct Sums {
    pipeline: PipelineId,
    at: Places,
}

impl Sums {
    /// Where zero points are one for all or one for each line; those of every matrix are left to the host.
    pub fn lower(gpu: &Gpu, node: &Lowered<'_>, at: Places) -> Option<Sums> {
        let byte = |i: usize| input_type(node, i).filter(|dtype| matches!(dtype, DType::U8 | DType::I8));
        let (left, right) = (byte(at.left)?, byte(at.right)?);
        let plain = |i: usize, of: DType| {
            let zero = node.fact(i)?;
            Some(zero.dtype() == Some(of) && zero.dims.as_ref().is_some_and(|dims| dims.len() <= 1))
        };
        let zeros = plain(at.left_zero, left).unwrap_or(true) && plain(at.right_zero, right).unwrap_or(true);
        let variant = Variant::new(
            &SHADER,
            &[
                ("A_KIND", kind(left)),
                ("B_KIND", kind(right)),
                ("HAS_A_ZERO", node.has(at.left_zero).into()),
                ("HAS_B_ZERO", node.has(at.right_zero).into()),
            ],
        );
        (zeros && ranks_fit(node)).then(|| Sums { pipeline: gpu.pipeline(variant), at })
    }

    /// The launch that writes them there; none for none.
    pub fn launch(&self, cx: &Binding<'_>, to: Operand) -> Result<Option<Launch<Operand>>> {
        let (a, b, total) = (cx.input(self.at.left)?, cx.input(self.at.right)?, count(&cx.output(0)?));
        if total == 0 {
            return Ok(None);
        }
        let (left, right) = (Factor::left(&a, Flip::default())?, Factor::right(&b, Flip::default())?);
        let (rows, cols, depth) = (left.rows, right.cols, left.cols);
        let (left, right) = (Lies::of(&a, Flip::default(), true), Lies::of(&b, Flip::default(), false));
        let axes = batch_axes([&left, &right, &Lies::default()]);
        let batches = total / (rows * cols);
        let step = |i: usize, lines: usize| -> Result<u32> {
            let zeros = cx.optional(i).map_or(1, |shape| count(&shape));
            ensure!(zeros == 1 || zeros == lines, InvalidInput, "{zeros} zero points for {lines} lines");
            Ok((zeros > 1).into())
        };
        let mut parameters = [rows, cols, depth, batches].map(word).into_iter().collect::<Result<Vec<u32>>>()?;
        parameters.extend(left.matrix.iter().chain(&right.matrix).map(|&step| step as u32));
        parameters.extend([step(self.at.left_zero, rows)?, step(self.at.right_zero, cols)?, word(axes.len())?, 0]);
        let parameters = Parameters(parameters).axes(&axes)?.0;
        let zero = |i: usize, else_: usize| Operand::Input(if cx.optional(i).is_some() { i } else { else_ });
        let (x, z) = (cols.div_ceil(TILE), rows.div_ceil(TILE));
        ensure!(x.max(z) <= MOST_GROUPS, LimitExceeded, "a product of {rows} rows and {cols} columns is too large");
        let at = self.at;
        let zeros = [zero(at.left_zero, at.left), zero(at.right_zero, at.right)];
        let [left_zero, right_zero] = zeros;
        Ok(Some(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(at.left), Operand::Input(at.right), left_zero, right_zero, to],
            parameters,
            groups: [x as u32, z as u32, batches.min(MOST_GROUPS) as u32],
        }))
    }
}
