//! DequantizeLinear → Max or Min → QuantizeLinear becomes Max or Min of bytes: quantizing keeps the order, so it
//! may come first. Operands of another scale go through a table; constants of floats are quantized.

use super::parameters::{Found, Quantized, Site, reason};
use super::{Draft, Patch};
use crate::graph::{NodeId, ValueId};
use crate::ops::Op;
use crate::ops::byte_table::ByteTable;
use crate::ops::variadic::Variadic;
use crate::{Result, Tensor};

/// Makes the largest or smallest before a QuantizeLinear one of integers.
pub fn byte_extremes(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(site) = Site::at(draft, id) else { return Ok(None) };
    match &site.node.op {
        Op::Variadic(op) if matches!(**op, Variadic::Max | Variadic::Min) => site.answer(rewritten(&site)),
        _ => Ok(None),
    }
}

fn rewritten(site: &Site<'_>) -> Found<Patch> {
    let y = site.target()?;
    let mut patch = Patch::new(site.draft);
    let mut inputs = Vec::new();
    for i in 0..site.node.inputs.len() {
        // Whatever NaN is compared with, the result is NaN, and then the zero point.
        let reals = site.value(i).and_then(|id| site.draft.constant(id)?.to_f32s().ok());
        if reals.is_some_and(|reals| reals.iter().any(|x| x.is_nan())) {
            return Err("a constant is not a number".into());
        }
        let value = match site.constant(i, &y, &mut patch)? {
            Some(value) => value,
            None => {
                requantized(site, &mut patch, &site.input(i)?.bytes_with_one_scale()?, &y).map_err(reason)?
            }
        };
        inputs.push(Some(value));
    }
    patch.moved(site.node, inputs, [Some(y.value)]);
    Ok(patch)
}

/// The integers with the parameters of the result.
fn requantized(site: &Site<'_>, patch: &mut Patch, x: &Quantized, y: &Quantized) -> Result<ValueId> {
    if x.agrees_with(y) {
        return Ok(x.value);
    }
    let bytes: Vec<u8> = (0..=255).map(|code| y.byte(x.real(code))).collect();
    let name = site.draft.name(x.value);
    let table = patch.constant(format!("{name}_table"), Tensor::from_bytes(y.dtype, &[256], &bytes)?);
    let value = patch.value(format!("{name}_requantized"));
    let op = (Op::ByteTable(ByteTable.into()), "edgewise.ByteTable");
    patch.node(name, op, [Some(x.value), Some(table)], [Some(value)]);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::byte_extremes;
    use crate::optimize::testing::{Build, bytes, expect, expect_refusal};
    use crate::{DType, Tensor};

    const RULE: &[(&str, Rule)] = &[("byte_extremes", byte_extremes)];

    #[test]
    fn the_largest_and_smallest_of_bytes_are_exact() {
        for op in ["Max", "Min"] {
            let mut b = Build::default();
            let (x, z) = (b.input("x", DType::U8, &[256, 1]), b.input("z", DType::I8, &[256]));
            let (x, z) = (b.dequantize(x, 0.5, 7u8), b.dequantize(z, 0.7, -3i8));
            let c = b.constant("c", Tensor::new(&[2, 1, 1], &[-9f32, f32::INFINITY]).unwrap());
            let y = b.node(op, &[x, z, c], "y");
            let y = b.quantize(y, 0.5, 7u8);
            let last = format!("y_q = {op} (x, z_requantized, c_quantized)");
            let nodes = ["z_requantized = edgewise.ByteTable (z, z_table)", &last];
            let all: Vec<u8> = (0..=255).collect();
            let x = Tensor::from_bytes(DType::U8, &[256, 1], &all).unwrap();
            expect(b.finish(&[y]), RULE, &[x, bytes(DType::I8, &[256], 3)], 0, &nodes);
        }
    }

    #[test]
    fn a_nan_keeps_it_float() {
        let mut b = Build::default();
        let x = b.input("x", DType::U8, &[3]);
        let x = b.dequantize(x, 0.5, 7u8);
        let c = b.constant("c", Tensor::new(&[3], &[0.0, f32::NAN, 1.0]).unwrap());
        let y = b.node("Max", &[x, c], "y");
        let y = b.quantize(y, 0.5, 7u8);
        expect_refusal(b.finish(&[y]), RULE, "not a number");
    }
}
