//! MatMulNBits whose blocks are in order: in f32, for few rows or in tiles; or in 8 bits where it may be, equal to
//! the bit.

use super::Kernel;
use super::arrange::scratch;
use super::shared::{count, input_type, is_float, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::matmul_nbits::MatMulNBits;
use edgewise_core::{DType, Result};

pub static FLOATS: Shader = shader!("matmul_nbits", 5, 1);
pub static FLOAT_TILES: Shader = shader!("matmul_nbits_tiled", 5, 1);
pub static ROUNDED: Shader = shader!("matmul_nbits_rounded", 1, 2);
pub static INTEGERS: Shader = shader!("matmul_nbits_integer", 6, 1);
pub static INTEGER_TILES: Shader = shader!("matmul_nbits_integer_tiled", 6, 1);

/// Rows from which on a product is made in tiles.
const FEW: usize = 5;

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
    let constants = [
        ("KIND", kind(a)),
        ("SCALE", kind(scale)),
        ("BITS", op.bits as u32),
        ("ZEROS", zeros),
        ("BIAS", bias.into()),
    ];
    let pipeline = |shader| gpu.pipeline(Variant::new(shader, &constants));
    let form = match op.eight_bits && zeros != 2 {
        true => Form::Integers {
            rounded: pipeline(&ROUNDED),
            few: pipeline(&INTEGERS),
            tiled: pipeline(&INTEGER_TILES),
        },
        false => Form::Floats { few: pipeline(&FLOATS), tiled: pipeline(&FLOAT_TILES) },
    };
    Ok(Some(Box::new(Product { op: op.clone(), form, a, zeros: zeros != 0, bias })))
}

/// How it is computed.
enum Form {
    Floats { few: PipelineId, tiled: PipelineId },
    Integers { rounded: PipelineId, few: PipelineId, tiled: PipelineId },
}

struct Product {
    op: MatMulNBits,
    form: Form,
    a: DType,
    zeros: bool,
    bias: bool,
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
        let column_words = blocks * block * bits / 32;
        let sizes = [rows, n, k, block, blocks, column_words, blocks.div_ceil(8 / bits), words(self.a, n), 0];
        let parameters = sizes.into_iter().map(word).collect::<Result<Vec<u32>>>()?;
        // What is missing is not read.
        let given = |i: usize, is_there: bool| Operand::Input(if is_there { i } else { 2 });
        let weights = [Operand::Input(1), Operand::Input(2), given(3, self.zeros), given(5, self.bias)];
        let mut launch = |pipeline, first: &[Operand], last: &[Operand], groups: [usize; 3]| -> Result<()> {
            let [x, y, z] = groups.map(word);
            let groups = [x?, y?, z?];
            let (buffers, parameters) = ([first, last].concat(), parameters.clone());
            bound.launches.push(Launch { pipeline, buffers, parameters, groups });
            Ok(())
        };
        let (Form::Floats { few, tiled } | Form::Integers { few, tiled, .. }) = self.form;
        let (pipeline, groups) = match rows < FEW {
            true => (few, [n.div_ceil(16), rows, 1]),
            false => (tiled, [n.div_ceil(64), rows.div_ceil(32), 1]),
        };
        let a = match self.form {
            Form::Floats { .. } => vec![Operand::Input(0)],
            Form::Integers { rounded, .. } => {
                let found = [Operand::Scratch(0), Operand::Scratch(1)];
                launch(rounded, &[Operand::Input(0)], &found, [blocks, rows, 1])?;
                found.into()
            }
        };
        launch(pipeline, &[a, weights.into()].concat(), &[Operand::Output(0)], groups)?;
        if let Form::Integers { .. } = self.form {
            scratch(&mut bound, rows * blocks * block);
            scratch(&mut bound, rows * blocks * 8);
        }
        Ok(bound)
    }
}
