//! Tensors of integers with a scale and a zero point, as the rules find them around QuantizeLinear and
//! DequantizeLinear.
//!
//! What is found here has been checked: scales are constants, finite and above zero, and there are as many
//! zero points. A node with other parameters stays as it is, and means what ONNX says.

use super::{Draft, Patch};
use crate::graph::{Node, NodeId, ValueId};
use crate::ops::Op;
use crate::ops::granularity::Granularity;
use crate::quant::round_to;
use crate::{DType, Result, Tensor};

/// What a rule finds, or why it does not apply.
pub type Found<T> = Result<T, String>;

/// A quantized tensor.
#[derive(Clone, Debug)]
pub struct Quantized {
    /// The integers.
    pub value: ValueId,
    /// Their type.
    pub dtype: DType,
    /// The constant that holds the scales.
    pub scale: ValueId,
    /// The constant that holds the zero points, if there is one.
    pub zero: Option<ValueId>,
    /// The scales: one, or several along `axis`.
    pub scales: Vec<f32>,
    /// As many zero points.
    pub zeros: Vec<i32>,
    /// Where several scales lie.
    pub axis: i64,
}

impl Quantized {
    /// What the DequantizeLinear that makes `value` takes.
    pub fn behind(draft: &Draft, value: ValueId) -> Found<Quantized> {
        let node = draft.maker(value);
        let Some((node, Op::DequantizeLinear(op))) = node.map(|node| (node, &node.op)) else {
            return Err(format!("'{}' is no quantized tensor", draft.name(value)));
        };
        let integers = node.input(0).ok_or("an input is left out")?;
        if draft.dtype(value) != Some(DType::F32) {
            return Err(format!("'{}' is not f32", draft.name(value)));
        }
        Quantized::new(draft, integers, node, &op.granularity)
    }

    /// What a QuantizeLinear makes.
    pub fn made_by(draft: &Draft, node: &Node) -> Found<Quantized> {
        let (Op::QuantizeLinear(op), [Some(integers)]) = (&node.op, &node.outputs[..]) else {
            return Err("it is no QuantizeLinear".into());
        };
        if op.precision.is_some_and(|dtype| dtype != DType::F32) {
            return Err("it is quantized in another precision than f32".into());
        }
        Quantized::new(draft, *integers, node, &op.granularity)
    }

    fn new(draft: &Draft, value: ValueId, node: &Node, granularity: &Granularity) -> Found<Quantized> {
        let name = draft.name(value);
        let dtype = draft.dtype(value).ok_or_else(|| format!("the type of '{name}' is not known"))?;
        let axis = granularity.axis().ok_or_else(|| format!("'{name}' is quantized in blocks"))?;
        let scale = node.inputs.get(1).copied().flatten().ok_or("a scale is left out")?;
        let zero = node.inputs.get(2).copied().flatten();
        let constant = |id: ValueId| {
            draft.constant(id).ok_or_else(|| format!("the scale or zero point of '{name}' is no constant"))
        };
        let scales = constant(scale)?;
        if scales.dtype() != DType::F32 {
            return Err(format!("the scale of '{name}' is {}", scales.dtype()));
        }
        let scales = scales.to_f32s().map_err(|e| e.to_string())?;
        if !scales.iter().all(|s| s.is_finite() && *s > 0.0) {
            return Err(format!("a scale of '{name}' is not a number above zero"));
        }
        let zeros = match zero {
            None => vec![0; scales.len()],
            Some(zero) => {
                constant(zero)?.to_i64s().map_err(|e| e.to_string())?.iter().map(|&z| z as i32).collect()
            }
        };
        if zeros.len() != scales.len() {
            return Err(format!("'{name}' has {} scales and {} zero points", scales.len(), zeros.len()));
        }
        Ok(Quantized { value, dtype, scale, zero, scales, zeros, axis })
    }

    /// This, if it is of 8 bits.
    pub fn bytes(self) -> Found<Quantized> {
        match self.dtype {
            DType::U8 | DType::I8 => Ok(self),
            dtype => Err(format!("sums of {dtype} may pass 32 bits, or have no integer kernel")),
        }
    }

    /// This, if it is of 8 bits with one scale for all.
    pub fn bytes_with_one_scale(self) -> Found<Quantized> {
        match self.scales.len() {
            1 => self.bytes(),
            _ => Err("it has a scale for every slice, and the integer operator takes one for all".into()),
        }
    }

    /// Whether equal integers stand for equal numbers in both, which have one scale for all each.
    pub fn agrees_with(&self, other: &Quantized) -> bool {
        let one = |q: &Quantized| q.scales.len() == 1;
        one(self)
            && one(other)
            && self.dtype == other.dtype
            && self.scales == other.scales
            && self.zeros == other.zeros
    }

    /// The integer that a number becomes, of 8 bits and with the one scale for all.
    pub fn integer(&self, x: f32) -> Result<Tensor> {
        Tensor::from_bytes(self.dtype, &[], &[self.byte(x)])
    }

    /// The number that the integer of those bits stands for, with the one scale for all.
    pub fn real(&self, byte: u8) -> f32 {
        let integer = if self.dtype == DType::I8 { i32::from(byte as i8) } else { byte.into() };
        (integer - self.zeros[0]) as f32 * self.scales[0]
    }

    /// The bits of the integer that a number becomes, of 8 bits and with the one scale for all.
    pub fn byte(&self, x: f32) -> u8 {
        self.rounded(x) as u8
    }

    fn rounded(&self, x: f32) -> i32 {
        let (low, high) = if self.dtype == DType::I8 { (-128, 127) } else { (0, 255) };
        round_to(x / self.scales[0], self.zeros[0], low, high)
    }

    /// Whether a number is one of those that integers stand for, with the one scale for all.
    pub fn has(&self, x: f32) -> bool {
        (self.rounded(x) - self.zeros[0]) as f32 * self.scales[0] == x
    }

    /// The value that holds the zero point, made if the model leaves it out.
    pub fn zero_value(&self, patch: &mut Patch) -> Result<ValueId> {
        match self.zero {
            Some(zero) => Ok(zero),
            None => {
                Ok(patch.constant("zero_point", Tensor::zeros(self.dtype, &zero_shape(self.zeros.len()))?))
            }
        }
    }

    /// Tensor, scale and zero point, as integer operators take them.
    pub fn inputs(&self, patch: &mut Patch) -> Result<[Option<ValueId>; 3]> {
        Ok([Some(self.value), Some(self.scale), Some(self.zero_value(patch)?)])
    }

    /// Scale and zero point, as integer operators take them for their result.
    pub fn parameters(&self, patch: &mut Patch) -> Result<[Option<ValueId>; 2]> {
        Ok([Some(self.scale), Some(self.zero_value(patch)?)])
    }

    /// The largest distance of an integer from its zero point.
    pub fn span(&self) -> u64 {
        let (low, high) = if self.dtype == DType::I8 { (-128, 127) } else { (0, 255) };
        let spans = self.zeros.iter().map(|&z| (z as i64 - low).abs().max((high - z as i64).abs()) as u64);
        spans.max().unwrap_or(0)
    }

    /// The same numbers with the other type of bytes, one more step through a table, if need be.
    pub fn of_type(self, draft: &Draft, patch: &mut Patch, dtype: DType) -> Result<Quantized> {
        // Both types count in steps; flipping the top bit moves each by 128.
        let flips = if self.dtype == dtype { 0 } else { 0x80 };
        self.flipped(draft, patch, dtype, flips)
    }

    /// The negatives of the numbers with that type of bytes: flipping all bits makes `255 - q` of u8 and
    /// `-1 - q` of i8, and so of the zero point.
    pub fn negated(self, draft: &Draft, patch: &mut Patch, dtype: DType) -> Result<Quantized> {
        let flips = if self.dtype == dtype { 0xff } else { 0x7f };
        self.flipped(draft, patch, dtype, flips)
    }

    /// Integers of that type, with these bits flipped in each and in the zero points.
    fn flipped(self, draft: &Draft, patch: &mut Patch, dtype: DType, flips: u8) -> Result<Quantized> {
        if flips == 0 {
            return Ok(self);
        }
        let source = draft.name(self.value);
        let name = format!("{source}_{}{dtype}", if flips & 1 == 0 { "" } else { "negated_" });
        let value = match draft.stored(self.value) {
            Some(constant) => patch.derived(name, constant, (dtype, constant.shape()), move |of| {
                let flipped: Vec<u8> = of.view().bytes().iter().map(|byte| byte ^ flips).collect();
                Tensor::from_bytes(dtype, of.shape(), &flipped)
            })?,
            None => {
                let table: Vec<u8> = (0..=255).map(|byte: u8| byte ^ flips).collect();
                let table = Tensor::from_bytes(dtype, &[256], &table)?;
                let table = patch.constant(format!("{source}_table"), table);
                let value = patch.value(name);
                let op = Op::ByteTable(crate::ops::byte_table::ByteTable.into());
                patch.node(
                    source,
                    (op, "edgewise.ByteTable"),
                    [Some(self.value), Some(table)],
                    [Some(value)],
                );
                value
            }
        };
        let codes: Vec<u8> = self.zeros.iter().map(|&z| z as u8 ^ flips).collect();
        let zeros =
            codes.iter().map(|&c| if dtype == DType::I8 { c as i8 as i32 } else { c.into() }).collect();
        let zero = Tensor::from_bytes(dtype, &zero_shape(codes.len()), &codes)?;
        let zero = Some(patch.constant(format!("{source}_zero"), zero));
        Ok(Quantized { value, dtype, zero, zeros, ..self })
    }
}

fn zero_shape(count: usize) -> Vec<usize> {
    if count == 1 { Vec::new() } else { vec![count] }
}

/// A node, what it makes and nobody else takes, and the QuantizeLinear that takes it.
pub struct Site<'a> {
    pub draft: &'a Draft,
    /// The QuantizeLinear.
    pub quantize: &'a Node,
    /// The node before it.
    pub node: &'a Node,
    id: NodeId,
}

impl<'a> Site<'a> {
    /// The site whose QuantizeLinear is `id`.
    pub fn at(draft: &'a Draft, id: NodeId) -> Option<Site<'a>> {
        let quantize = draft.get(id).filter(|node| matches!(node.op, Op::QuantizeLinear(_)))?;
        let id = draft.maker_id(quantize.input(0)?)?;
        Some(Site { draft, quantize, node: draft.get(id)?, id })
    }

    /// What becomes of the node's result.
    pub fn target(&self) -> Found<Quantized> {
        let only = self.quantize.input(0).is_some_and(|x| self.draft.only_user(x).is_some());
        if !only {
            return Err("its result is needed as floats, too".into());
        }
        Quantized::made_by(self.draft, self.quantize)?.bytes_with_one_scale()
    }

    /// The quantized tensor that input `i` of the node stands for.
    pub fn input(&self, i: usize) -> Found<Quantized> {
        Quantized::behind(self.draft, self.value(i).ok_or("an input is left out")?)?.bytes()
    }

    /// Input `i` of the node.
    pub fn value(&self, i: usize) -> Option<ValueId> {
        self.node.inputs.get(i).copied().flatten()
    }

    /// Input `i` of the node as integers of the result's parameters, where it is a constant of floats.
    pub fn constant(&self, i: usize, y: &Quantized, patch: &mut Patch) -> Found<Option<ValueId>> {
        let value = self.value(i).ok_or("an input is left out")?;
        let Some(view) = self.draft.constant(value).filter(|view| view.dtype() == DType::F32) else {
            return Ok(None);
        };
        let bytes: Vec<u8> = view.slice::<f32>().map_err(reason)?.iter().map(|&x| y.byte(x)).collect();
        let tensor = Tensor::from_bytes(y.dtype, view.shape(), &bytes).map_err(reason)?;
        Ok(Some(patch.constant(format!("{}_quantized", self.draft.name(value)), tensor)))
    }

    /// The patch, or a remark on why there is none.
    pub fn answer(&self, found: Found<Patch>) -> Result<Option<Patch>> {
        answer(self.draft, self.id, found)
    }
}

/// The patch, or a remark at the node on why there is none.
pub fn answer(draft: &Draft, id: NodeId, found: Found<Patch>) -> Result<Option<Patch>> {
    Ok(match found {
        Ok(patch) => Some(patch),
        Err(why) => draft.refuse(id, why),
    })
}

/// An error of making constants, as a reason.
pub fn reason(e: crate::Error) -> String {
    e.what().to_string()
}
