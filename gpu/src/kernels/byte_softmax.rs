//! The softmax along the last axis of bytes that are dequantized, to floats or to bytes: FusedDequantize's.
//!
//! What a reader would get wrong: the result is the host's to the bit, though its exponential is no one's but the
//! host's. Of 256 bytes there are as many numbers, so that all differences to a largest one, and their exponentials,
//! are a table that the host makes by its own operators. What is left is a sum in the order of the host's vectors, a
//! quotient and a product.

use super::Kernel;
use super::arrange::scratch;
use super::packed_bytes::{held, is_byte, one, scales, zeros};
use super::shared::{count, groups, input_type, kind, rows_of_groups, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::cpu::{self, softmax_sums};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Memory, Operand, PipelineId};
use edgewise_core::ops::fused_dequantize::FusedDequantize;
use edgewise_core::ops::{Attrs, Op};
use edgewise_core::{DType, Result, Tensor, Value};

pub static SHADER: Shader = shader!("byte_softmax", 3, 1);

/// Bytes that there are.
const BYTES: usize = 256;

pub fn lower(gpu: &Gpu, op: &FusedDequantize, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some(x), Some(y)) = (input_type(node, 0), node.output(0).and_then(|fact| fact.dtype())) else {
        return Ok(None);
    };
    let y_scale = if node.has(6) { one(scales(node, 6)) } else { Some(1.0) };
    let (Some(y_scale), Some(y_zero)) = (y_scale, one(zeros(node, 7))) else { return Ok(None) };
    if !is_byte(x) || !(is_byte(y) || y == DType::F32) || node.has(4) || node.has(5) {
        return Ok(None);
    }
    let Some(numbers) = numbers(op, node, x)? else { return Ok(None) };
    let Some(exponentials) = Exponentials::of(&numbers, if x == DType::I8 { 0x80 } else { 0 })? else {
        return Ok(None);
    };
    let pipeline = |shares: bool| {
        let constants = [("X", kind(x)), ("Y", kind(y)), ("SHARES", shares.into())];
        gpu.pipeline(Variant::new(&SHADER, &constants))
    };
    Ok(Some(Box::new(Softmax {
        look: pipeline(false),
        share: pipeline(true),
        table: held(gpu, &exponentials.bits, "the exponentials of a softmax")?,
        result: y,
        of_node: [u32::from(exponentials.flip), softmax_sums() as u32, y_scale.to_bits(), y_zero as u32],
    })))
}

/// What every byte stands for, in the order of their bits; nothing where that is not known.
fn numbers(op: &FusedDequantize, node: &Lowered<'_>, x: DType) -> Result<Option<Tensor>> {
    let bytes: Vec<u8> = (0..=u8::MAX).collect();
    let mut inputs = vec![Some(Value::from(Tensor::from_bytes(x, &[BYTES], &bytes)?))];
    for i in 1..=3 {
        inputs.push(match (node.has(i), node.constant(i)) {
            (false, _) => None,
            (true, Some(known)) if known.len() == 1 => Some(known.to_tensor()?.into()),
            (true, _) => return Ok(None),
        });
    }
    let op = FusedDequantize { divide: op.divide, ..FusedDequantize::default() };
    computed(&Op::FusedDequantize(op.into()), inputs).map(Some)
}

/// What an operator makes of those inputs, on the host.
fn computed(op: &Op, inputs: Vec<Option<Value>>) -> Result<Tensor> {
    match cpu::eval(op, &inputs, &[true])?.pop().flatten() {
        Some(Value::Tensor(tensor)) => Ok(tensor),
        _ => Err(err!(Internal, "an operator made no tensor")),
    }
}

/// The exponential of every byte's number less that of the largest byte of its row.
struct Exponentials {
    /// By the largest byte, then by the byte, as they are.
    bits: Vec<u32>,
    /// What makes bytes come in the order of their numbers.
    flip: u8,
}

impl Exponentials {
    /// Of those numbers, of bytes with that sign bit. None where they are not finite or not in order; nor where an exponential is too small to have
    /// an exponent, as a GPU may lose it from a sum.
    fn of(numbers: &Tensor, sign: u8) -> Result<Option<Exponentials>> {
        let real = numbers.slice::<f32>()?;
        let number = |byte: u8| real.get(usize::from(byte)).copied().unwrap_or(f32::NAN);
        let ascends = |flip: u8| (1..=u8::MAX).all(|i| number((i - 1) ^ flip) <= number(i ^ flip));
        let Some(flip) = [sign, !sign].into_iter().find(|&flip| ascends(flip)) else { return Ok(None) };
        let operator = |name: &str, inputs: usize| {
            Op::parse(Attrs::new("", name, 14, vec![true; inputs], vec![true], Default::default()))
        };
        let largest = numbers.clone().reshaped(&[BYTES, 1])?;
        let below = [numbers.clone(), largest].map(|tensor| Some(Value::from(tensor)));
        let below = computed(&operator("Sub", 2)?, below.into())?;
        let table = computed(&operator("Exp", 1)?, vec![Some(below.into())])?;
        let table = table.slice::<f32>()?;
        let wanted = |(i, exp): (usize, &f32)| {
            let (largest, byte) = ((i / BYTES) as u8, (i % BYTES) as u8);
            byte ^ flip > largest ^ flip || *exp == 0.0 || exp.is_normal()
        };
        let fine = real.iter().all(|x| x.is_finite()) && table.iter().enumerate().all(wanted);
        Ok(fine.then(|| Exponentials { bits: table.iter().map(|exp| exp.to_bits()).collect(), flip }))
    }
}

struct Softmax {
    look: PipelineId,
    share: PipelineId,
    table: Memory,
    result: DType,
    /// As the shader wants it.
    of_node: [u32; 4],
}

impl DeviceKernel for Softmax {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let x = cx.input(0)?;
        let (len, row) = (count(&x), x.last().copied().unwrap_or(1));
        let mut bound = Bound::nothing();
        if len == 0 {
            return Ok(bound);
        }
        let (rows, words) = (len / row.max(1), words(self.result, len));
        let found = scratch(&mut bound, 8 * rows);
        let mut parameters = vec![word(words)?, word(len)?, word(row)?, word(rows)?];
        parameters.extend(self.of_node);
        parameters.extend([0; 4]);
        let table = Operand::Held(self.table.clone());
        bound.launches.push(Launch {
            pipeline: self.look,
            // Nothing has been found yet: the bytes lie there, and are not read.
            buffers: vec![Operand::Input(0), table.clone(), Operand::Input(0), found.clone()],
            parameters: parameters.clone(),
            groups: rows_of_groups(rows)?,
        });
        bound.launches.push(Launch {
            pipeline: self.share,
            buffers: vec![Operand::Input(0), table, found, Operand::Output(0)],
            parameters,
            groups: groups(words)?,
        });
        Ok(bound)
    }

    fn packed(&self) -> &[usize] {
        &[1, 2, 3, 6, 7]
    }
}
