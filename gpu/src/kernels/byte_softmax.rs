//! The softmax along the last axis of bytes that are dequantized, to floats or to bytes: FusedDequantize's.
//!
//! What a reader would get wrong: the result is the host's to the bit, though its exponential is no one's but the
//! host's. Of 256 bytes there are as many numbers, so that all differences to a largest one, and their exponentials,
//! are a table that the host makes by its own operators. What is left is a sum in the order of the host's vectors, a
//! quotient and a product. Where something is added first, a mask, most differences still are between bytes; for the
//! others the GPU goes through the host's own steps (`common/host_exp.wgsl`).

use super::Kernel;
use super::arrange::scratch;
use super::packed_bytes::{held, is_byte, one, scales, zeros};
use super::shared::{
    Axis, Parameters, broadcast, count, groups, input_type, kind, ranks_fit, rows_of_groups, word, words,
};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::cpu::{self, softmax_fuses, softmax_sums};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Memory, Operand, PipelineId};
use edgewise_core::ops::fused_dequantize::FusedDequantize;
use edgewise_core::ops::{Attrs, Op};
use edgewise_core::{DType, Result, Tensor, Value};

pub static SHADERS: &[Shader] = &[shader!("byte_softmax", 3, 1), shader!("byte_softmax_masked", 4, 2)];

/// Bytes that there are.
const BYTES: usize = 256;

pub fn lower(gpu: &Gpu, op: &FusedDequantize, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some(x), Some(y)) = (input_type(node, 0), node.output(0).and_then(|fact| fact.dtype())) else {
        return Ok(None);
    };
    let y_scale = if node.has(6) { one(scales(node, 6)) } else { Some(1.0) };
    let (Some(y_scale), Some(y_zero)) = (y_scale, one(zeros(node, 7))) else { return Ok(None) };
    let masked = node.has(4) || node.has(5);
    if !is_byte(x) || !(is_byte(y) || y == DType::F32) || !ranks_fit(node) {
        return Ok(None);
    }
    let Some(numbers) = numbers(op, node, x)? else { return Ok(None) };
    let sign = if x == DType::I8 { 0x80 } else { 0 };
    let Some(exponentials) = Exponentials::of(&numbers, sign, masked)? else { return Ok(None) };
    let [plain, adding] = SHADERS else { return Ok(None) };
    let constants = |shares: bool| {
        [("X", kind(x)), ("Y", kind(y)), ("SHARES", shares.into()), ("EACH", (shares && masked).into())]
    };
    let of_masks = [
        ("X", kind(x)),
        ("BIAS", node.has(4).into()),
        ("SUM", node.has(5).into()),
        ("HOST_FUSES", softmax_fuses().into()),
    ];
    let look = if masked { Variant::new(adding, &of_masks) } else { Variant::new(plain, &constants(false)) };
    let mut table = exponentials.bits;
    if masked {
        table.extend(numbers.slice::<f32>()?.iter().map(|number| number.to_bits()));
    }
    Ok(Some(Box::new(Softmax {
        look: gpu.pipeline(look),
        share: gpu.pipeline(Variant::new(plain, &constants(true))),
        table: held(gpu, &table, "the exponentials of a softmax")?,
        result: y,
        addends: [node.has(4), node.has(5)],
        flip: exponentials.flip.into(),
        y_scale,
        y_zero,
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
    /// Of those numbers, of bytes with that sign bit. None where they are not finite or not in order; nor where an
    /// exponential is too small to have an exponent, as a GPU may lose it from a sum, if it must not be.
    fn of(numbers: &Tensor, sign: u8, may_be_small: bool) -> Result<Option<Exponentials>> {
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
            byte ^ flip > largest ^ flip || *exp == 0.0 || exp.is_normal() || may_be_small
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
    /// Whether something is added to the numbers, and to their sums.
    addends: [bool; 2],
    flip: u32,
    y_scale: f32,
    y_zero: i32,
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
        let sums = word(softmax_sums())?;
        let mut parameters = vec![word(words)?, word(len)?, word(row)?, word(rows)?, self.flip, sums];
        parameters.extend([self.y_scale.to_bits(), self.y_zero as u32, 0, 0, 0, 0]);
        let table = Operand::Held(self.table.clone());
        let masked = self.addends != [false; 2];
        let exponentials = if masked { scratch(&mut bound, 4 * len) } else { table.clone() };
        let found = scratch(&mut bound, 8 * rows);
        // What is missing is not read, nor what has not been found yet.
        let addend = |i: usize, there: bool| Operand::Input(if there { i } else { 0 });
        let (buffers, of_look) = match masked {
            false => (vec![Operand::Input(0), table, Operand::Input(0), found.clone()], parameters.clone()),
            true => {
                let [bias, sum] = self.addends;
                let buffers = vec![Operand::Input(0), table, addend(4, bias), addend(5, sum)];
                let made = [exponentials.clone(), found.clone()];
                (buffers.into_iter().chain(made).collect(), self.of_masks(cx, [row, rows])?)
            }
        };
        bound.launches.push(Launch {
            pipeline: self.look,
            buffers,
            parameters: of_look,
            groups: rows_of_groups(rows)?,
        });
        bound.launches.push(Launch {
            pipeline: self.share,
            buffers: vec![Operand::Input(0), exponentials, found, Operand::Output(0)],
            parameters,
            groups: groups(words)?,
        });
        Ok(bound)
    }

    fn packed(&self) -> &[usize] {
        &[1, 2, 3, 6, 7]
    }
}

impl Softmax {
    /// The parameters of the launch that adds a mask, to so many rows of so many elements.
    fn of_masks(&self, cx: &Binding<'_>, [row, rows]: [usize; 2]) -> Result<Vec<u32>> {
        let shapes = [Some(cx.input(0)?), cx.optional(4), cx.optional(5)].map(Option::unwrap_or_default);
        let [(x, _), (bias, of_bias), (sum, of_sum)] = shapes.each_ref().map(|shape| match &shape[..] {
            [outer @ .., last] => (outer, *last),
            [] => (&[][..], 1),
        });
        let steps = |axis: Axis<2>| {
            let [bias, sum] = axis.steps;
            Axis { size: axis.size, steps: [bias * of_bias as i64, sum * of_sum as i64] }
        };
        let axes: Vec<Axis<2>> = broadcast(x, [bias, sum]).into_iter().map(steps).collect();
        let head = [word(row)?, word(rows)?, word(axes.len())?, self.flip, word(softmax_sums())?, 0];
        let along = [of_bias, of_sum].map(|last| u32::from(last > 1));
        Ok(Parameters([&head[..], &along].concat()).axes(&axes)?.0)
    }
}
