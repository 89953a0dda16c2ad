//! MatMulNBits whose blocks are in order: in f32, for few rows or in tiles; or in 8 bits where it may be, equal to
//! the bit.

use super::Kernel;
use super::rounded_rows::Rounding;
use super::shared::{count, input_type, is_float, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{
    Binding, Bound, Common, DeviceKernel, Launch, Lowered, Operand, PipelineId, Wish,
};
use edgewise_core::ops::matmul_nbits::MatMulNBits;
use edgewise_core::{DType, Result};

pub static FLOATS: Shader = shader!("matmul_nbits", 5, 1);
pub static FLOAT_TILES: Shader = shader!("matmul_nbits_tiled", 5, 1);
pub static INTEGERS: Shader = shader!("matmul_nbits_integer", 6, 1);
pub static INTEGER_TILES: Shader = shader!("matmul_nbits_integer_tiled", 6, 1);

/// Rows from which on a product is made in tiles.
const FEW: usize = 5;
/// Columns of a group that makes few rows.
const FEW_COLUMNS: usize = 16;

pub fn lower(gpu: &Gpu, op: &MatMulNBits, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some(a), Some(scale)) = (input_type(node, 0), input_type(node, 2)) else { return Ok(None) };
    let zeros = match input_type(node, 3) {
        None if !node.has(3) => 0,
        Some(DType::U8) => 1,
        Some(dtype) if dtype == scale => 2,
        _ => return Ok(None),
    };
    let bias = node.has(5);
    // A row of the result must be whole words.
    let whole = op.n.is_multiple_of(32 / a.bits());
    let alike = !bias || input_type(node, 5) == Some(a);
    if !is_float(a) || !is_float(scale) || node.has(4) || !whole || !alike {
        return Ok(None);
    }
    let constants = vec![
        ("KIND", kind(a)),
        ("SCALE", kind(scale)),
        ("BITS", op.bits as u32),
        ("ZEROS", zeros),
        ("BIAS", bias.into()),
    ];
    let pipeline = |shader, constants: &[_]| gpu.pipeline(Variant::new(shader, constants));
    let form = match op.eight_bits && zeros != 2 {
        true => {
            let plain = is_plain(node, 2)? && (!bias || is_plain(node, 5)?);
            let constants = [constants, vec![("WILD", (!plain).into())]].concat();
            Form::Integers {
                rounding: Rounding::new(gpu, a, op.bits as u32, u32::try_from(op.block).unwrap_or(u32::MAX)),
                few: pipeline(&INTEGERS, &constants),
                tiled: pipeline(&INTEGER_TILES, &constants),
            }
        }
        false => {
            Form::Floats { few: pipeline(&FLOATS, &constants), tiled: pipeline(&FLOAT_TILES, &constants) }
        }
    };
    let alone = !gpu.features().barriers;
    Ok(Some(Box::new(Product { op: op.clone(), form, a, zeros: zeros != 0, bias, alone })))
}

/// Whether an input is known, and all its numbers are zero or from 2^-30 to 2^30: then no product of the kernels in 8
/// bits vanishes that is one of rows which do not need care.
fn is_plain(node: &Lowered<'_>, input: usize) -> Result<bool> {
    let Some(numbers) = node.constant(input) else { return Ok(false) };
    let size = |x: f32| x == 0.0 || (2f32.powi(-30)..2f32.powi(30)).contains(&x.abs());
    Ok(numbers.to_f32s()?.into_iter().all(size))
}

/// How it is computed.
enum Form {
    Floats { few: PipelineId, tiled: PipelineId },
    Integers { rounding: Rounding, few: PipelineId, tiled: PipelineId },
}

struct Product {
    op: MatMulNBits,
    form: Form,
    a: DType,
    zeros: bool,
    bias: bool,
    /// Whether invocations work alone.
    alone: bool,
}

impl DeviceKernel for Product {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let mut bound = Bound::nothing();
        let MatMulNBits { n, k, bits, block, .. } = self.op;
        let (rows, blocks) = (count(&cx.output(0)?) / n.max(1), k.div_ceil(block));
        if rows == 0 {
            return Ok(bound);
        }
        ensure!(rows < 1 << 16, LimitExceeded, "{rows} rows are too many for one launch");
        // What is missing is not read.
        let given = |i: usize, is_there: bool| Operand::Input(if is_there { i } else { 2 });
        let weights = [Operand::Input(1), Operand::Input(2), given(3, self.zeros), given(5, self.bias)];
        let (mut buffers, few, tiled, columns) = match self.form {
            Form::Floats { few, tiled } => (vec![Operand::Input(0)], few, tiled, FEW_COLUMNS),
            Form::Integers { rounding, few, tiled } => {
                let own = if self.alone { 256 * 32 / self.a.bits() } else { FEW_COLUMNS };
                (self.round(&mut bound, &rounding, rows)?.into(), few, tiled, own)
            }
        };
        buffers.extend(weights);
        buffers.push(Operand::Output(0));
        let (pipeline, groups) = match rows < FEW {
            true => (few, [n.div_ceil(columns), rows, 1]),
            false => (tiled, [n.div_ceil(64), rows.div_ceil(32), 1]),
        };
        let (column, zeros) = (blocks * block * bits / 32, blocks.div_ceil(8 / bits));
        let sizes = [rows, n, k, block, blocks, column, zeros, words(self.a, n), 0];
        push(&mut bound, pipeline, buffers, sizes, groups)?;
        Ok(bound)
    }

    fn wish(&self) -> Option<Wish> {
        match &self.form {
            Form::Integers { rounding, .. } => Some(Wish { input: 0, form: rounding.form() }),
            Form::Floats { .. } => None,
        }
    }
}

impl Product {
    /// The rows in 8 bits: their codes, and what belongs to each block.
    fn round(&self, bound: &mut Bound, rounding: &Rounding, rows: usize) -> Result<[Operand; 2]> {
        let sizes = [rows, self.op.k];
        let makes = rounding.memory(bound, sizes);
        let launch = rounding.launch(Operand::Input(0), sizes, makes)?;
        bound.common.push(Common { launch: bound.launches.len(), makes: makes.into() });
        bound.launches.push(launch);
        Ok(makes.map(Operand::Scratch))
    }
}

/// A launch with the parameters of `common/nbits.wgsl`.
fn push(
    bound: &mut Bound,
    pipeline: PipelineId,
    buffers: Vec<Operand>,
    sizes: [usize; 9],
    groups: [usize; 3],
) -> Result<()> {
    let parameters = sizes.into_iter().map(word).collect::<Result<Vec<u32>>>()?;
    let [x, y, z] = groups.map(word);
    bound.launches.push(Launch { pipeline, buffers, parameters, groups: [x?, y?, z?] });
    Ok(())
}
