//! Functions of one quantized tensor become one table: QuantizeLinear(f(DequantizeLinear(x))), and whole
//! chains of them, such as the Gelu that exporters write in five steps, with or without conversions between.
//!
//! The table is made by running the very nodes on all 256 bytes, on plain instructions, so that it is the same
//! on every machine.

use super::{Draft, Patch};
use crate::graph::{NodeId, ValueId};
use crate::ops::Op;
use crate::ops::align::Align;
use crate::ops::binary::Function;
use crate::ops::byte_table::ByteTable;
use crate::ops::identity::Identity;
use crate::{DType, Result, Tensor, Value, cpu};
use edgewise_simd::Isa;
use std::collections::{HashMap, HashSet};

/// More values than this do not become one table.
const MOST: usize = 64;

/// Replaces what leads from one tensor of bytes to this one by a table.
pub fn byte_table(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let [Some(y)] = node.outputs[..] else { return Ok(None) };
    let conversion = matches!(node.op, Op::QuantizeLinear(_) | Op::QLinearActivation(_) | Op::ByteTable(_));
    let Some(dtype) = draft.dtype(y).filter(|dtype| conversion && is_byte(*dtype)) else { return Ok(None) };
    let Some(region) = Region::leading_to(draft, y) else { return Ok(None) };
    let x = region.x;
    if matches!(node.op, Op::ByteTable(_)) && node.input(0) == Some(x) || !region.keeps_shape(draft, y) {
        return Ok(None);
    }
    let Some(table) = region.table(draft, y)? else { return Ok(None) };
    let mut patch = Patch::new(draft);
    let unchanged = draft.dtype(x) == Some(dtype) && table.view().bytes().iter().copied().eq(0..=255);
    let name =
        node.input(0).and_then(|x| draft.maker(x)).filter(|maker| !is_table(&maker.op)).unwrap_or(node);
    if unchanged && !draft.is_output(y) {
        patch.replace(y, x);
    } else if unchanged {
        patch.node(&name.name, (Op::Identity(Identity.into()), "Identity"), [Some(x)], [Some(y)]);
    } else {
        let table = patch.constant(format!("{}_table", draft.name(y)), table);
        let op = (Op::ByteTable(ByteTable.into()), "edgewise.ByteTable");
        patch.node(&name.name, op, [Some(x), Some(table)], [Some(y)]);
    }
    Ok(Some(patch))
}

fn is_byte(dtype: DType) -> bool {
    matches!(dtype, DType::U8 | DType::I8)
}

fn is_table(op: &Op) -> bool {
    matches!(op, Op::ByteTable(_))
}

/// Whether each element of the result depends on the elements at its own place alone.
fn is_elementwise(op: &Op) -> bool {
    match op {
        Op::Unary(_) | Op::Activation(_) | Op::Clip(_) | Op::Variadic(_) | Op::Identity(_) | Op::Cast(_) => {
            true
        }
        Op::Gated(_) | Op::Where(_) | Op::IsNaN(_) => true,
        Op::Compare(op) => op.align == Align::Numpy,
        Op::QuantizeLinear(_) | Op::DequantizeLinear(_) | Op::QLinearActivation(_) | Op::ByteTable(_) => true,
        Op::Binary(op) => {
            let function = matches!(
                op.function,
                Function::Add | Function::Sub | Function::Mul | Function::Div | Function::Pow
            );
            function && op.align == Align::Numpy
        }
        _ => false,
    }
}

/// The values between one tensor of bytes and another.
struct Region {
    x: ValueId,
    /// Whether a constant within has axes, so that it might add some.
    axes: bool,
}

impl Region {
    fn leading_to(draft: &Draft, y: ValueId) -> Option<Region> {
        let mut search = Search { draft, seen: HashSet::new(), ends: Vec::new(), axes: false };
        search.enter(y)?;
        // Where several tensors of bytes go in, some may be made from others by tables.
        loop {
            let tables = |x: &ValueId| draft.maker(*x).is_some_and(|node| is_table(&node.op));
            let next = match search.ends[..] {
                [x] => {
                    // A table of a table is one table, if nobody needs what is between.
                    let between = tables(&x) && draft.only_user(x).is_some();
                    between.then_some(0)
                }
                _ => Some(search.ends.iter().position(tables)?),
            };
            match next {
                None => break,
                Some(i) => {
                    let end = search.ends.swap_remove(i);
                    search.enter(end)?;
                }
            }
        }
        Some(Region { x: *search.ends.first()?, axes: search.axes })
    }

    fn keeps_shape(&self, draft: &Draft, y: ValueId) -> bool {
        let dims = |id| draft.fact(id).and_then(|fact| fact.dims.clone());
        !self.axes || dims(self.x).is_some() && dims(self.x) == dims(y)
    }

    /// What every byte becomes; `None` if that is no byte.
    fn table(&self, draft: &Draft, y: ValueId) -> Result<Option<Tensor>> {
        let Some(dtype) = draft.dtype(self.x) else { return Ok(None) };
        let bytes: Vec<u8> = (0..=255).collect();
        let codes = Tensor::from_bytes(dtype, &[256], &bytes)?;
        let mut known = HashMap::from([(self.x, codes)]);
        let table = Isa::plainly(|| evaluate(draft, y, &mut known))?;
        Ok(if table.len() == 256 && is_byte(table.dtype()) { Some(table.reshaped(&[256])?) } else { None })
    }
}

/// A search for the tensors of bytes from which a value is made.
struct Search<'a> {
    draft: &'a Draft,
    seen: HashSet<ValueId>,
    ends: Vec<ValueId>,
    axes: bool,
}

impl Search<'_> {
    /// Goes on to what makes a value.
    fn enter(&mut self, value: ValueId) -> Option<()> {
        self.seen.insert(value);
        let node =
            self.draft.maker(value).filter(|node| is_elementwise(&node.op) && node.outputs.len() == 1)?;
        for (i, &input) in node.inputs.iter().enumerate() {
            let Some(input) = input else { continue };
            if let Some(constant) = self.draft.stored(input) {
                let table = is_table(&node.op) && i == 1;
                if self.draft.single(input).is_none() && !table {
                    return None;
                }
                let spreads =
                    matches!(node.op, Op::Binary(_) | Op::Variadic(_) | Op::Compare(_) | Op::Where(_));
                self.axes |= spreads && !constant.shape().is_empty();
                continue;
            }
            if self.seen.contains(&input) || self.ends.contains(&input) {
                continue;
            }
            if self.seen.len() > MOST {
                return None;
            }
            match self.draft.dtype(input) {
                Some(dtype) if is_byte(dtype) => self.ends.push(input),
                _ => self.enter(input)?,
            }
        }
        Some(())
    }
}

/// The value, for all bytes at once.
fn evaluate(draft: &Draft, value: ValueId, known: &mut HashMap<ValueId, Tensor>) -> Result<Tensor> {
    if let Some(tensor) = known.get(&value) {
        return Ok(tensor.clone());
    }
    if let Some(constant) = draft.constant(value) {
        // Axes of a single number do not matter here, and some operators take no more than their tensor has.
        return if constant.len() == 1 { constant.reshaped(&[]).to_tensor() } else { constant.to_tensor() };
    }
    let node = draft.maker(value).ok_or_else(|| err!(Internal, "'{}' has no maker", draft.name(value)))?;
    let inputs = node
        .inputs
        .iter()
        .map(|input| input.map(|input| evaluate(draft, input, known).map(Value::from)).transpose());
    let inputs: Vec<Option<Value>> = inputs.collect::<Result<_>>()?;
    let result = cpu::eval(&node.op, &inputs, &[true])?.into_iter().next().flatten();
    let Some(Value::Tensor(tensor)) = result else { bail!(Internal, "'{}' is no tensor", draft.name(value)) };
    known.insert(value, tensor.clone());
    Ok(tensor)
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::byte_table;
    use crate::graph::{Graph, ValueId};
    use crate::optimize::testing::{Build, bytes, expect, rewritten};
    use crate::{DType, Tensor};

    const RULE: &[(&str, Rule)] = &[("byte_table", byte_table)];

    /// Gelu in five steps, with a conversion after each of them or after the last alone.
    fn gelu(conversions: bool) -> Graph {
        let mut b = Build::default();
        let q = b.input("x", DType::U8, &[3, 256]);
        let x = b.dequantize(q, 0.05, 100u8);
        let step = |b: &mut Build, op: &str, inputs: &[ValueId], name: &str, scale: f32| {
            let y = b.node(op, inputs, name);
            if !conversions {
                return y;
            }
            let y = b.quantize(y, scale, 100u8);
            b.dequantize(y, scale, 100u8)
        };
        let (root, one, half) =
            (b.scalar("root", std::f32::consts::SQRT_2), b.scalar("one", 1f32), b.scalar("half", 0.5f32));
        let a = step(&mut b, "Div", &[x, root], "a", 0.04);
        let c = step(&mut b, "Erf", &[a], "c", 0.01);
        let d = step(&mut b, "Add", &[c, one], "d", 0.02);
        let e = step(&mut b, "Mul", &[x, d], "e", 0.1);
        let y = b.node("Mul", &[e, half], "y");
        let y = b.quantize(y, 0.03, 6u8);
        b.finish(&[y])
    }

    #[test]
    fn a_gelu_is_one_table_with_or_without_conversions() {
        let x = [bytes(DType::U8, &[3, 256], 1)];
        for conversions in [true, false] {
            expect(gelu(conversions), RULE, &x, 0, &["y_q = edgewise.ByteTable (x, y_q_table)"]);
        }
    }

    #[test]
    fn choices_and_slopes_of_one_tensor_are_tables() {
        for op in ["Where", "PRelu"] {
            let mut b = Build::default();
            let q = b.input("x", DType::I8, &[2, 64, 2]);
            let x = b.dequantize(q, 0.05, 10i8);
            let slope = b.constant("slope", Tensor::new(&[1, 1, 1], &[0.25f32]).unwrap());
            let y = if op == "Where" {
                let (zero, small) = (b.scalar("zero", 0f32), b.node("Mul", &[x, slope], "small"));
                let above = b.node("Greater", &[x, zero], "above");
                b.node("Where", &[above, x, small], "y")
            } else {
                b.node("PRelu", &[x, slope], "y")
            };
            let y = b.quantize(y, 0.04, 2i8);
            let nodes = ["y_q = edgewise.ByteTable (x, y_q_table)"];
            expect(b.finish(&[y]), RULE, &[bytes(DType::I8, &[2, 64, 2], 1)], 0, &nodes);
        }
    }

    #[test]
    fn scales_that_are_no_numbers_mean_what_onnx_says() {
        for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let mut b = Build::default();
            let q = b.input("x", DType::I8, &[256]);
            let x = b.dequantize(q, scale, 3i8);
            let y = b.node("Sigmoid", &[x], "y");
            let y = b.quantize(y, 0.01, -5i8);
            expect(
                b.finish(&[y]),
                RULE,
                &[bytes(DType::I8, &[256], 1)],
                0,
                &["y_q = edgewise.ByteTable (x, y_q_table)"],
            );
        }
    }

    #[test]
    fn conversions_to_the_same_scale_vanish_and_outputs_stay() {
        let graph = |output: bool| {
            let mut b = Build::default();
            let q = b.input("x", DType::I8, &[4]);
            let x = b.dequantize(q, 0.1, 3i8);
            let y = b.quantize(x, 0.1, 3i8);
            let z = b.node("Identity", &[y], "z");
            b.finish(&[if output { y } else { z }])
        };
        let x = [bytes(DType::I8, &[4], 1)];
        expect(graph(true), RULE, &x, 0, &["x_real_q = Identity (x)", "z = Identity (x_real_q)"]);
        expect(graph(false), RULE, &x, 0, &["z = Identity (x)"]);
    }

    #[test]
    fn operands_that_vary_from_place_to_place_make_no_table() {
        // A vector of 256 would fit the 256 bytes by accident.
        for shape in [&[256][..], &[1, 1, 1]] {
            let mut b = Build::default();
            let q = b.input("x", DType::U8, &[3, 256]);
            let x = b.dequantize(q, 0.1, 3u8);
            let count = shape.iter().product();
            let bias = b.constant("bias", Tensor::new(shape, &vec![0.5f32; count]).unwrap());
            let y = b.node("Add", &[x, bias], "y");
            let y = b.quantize(y, 0.1, 3u8);
            let graph = b.finish(&[y]);
            assert_eq!(rewritten(graph, RULE).unwrap().1.nodes.len(), 3);
        }
    }
}
