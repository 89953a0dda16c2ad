//! The bias of an integer product: i32, in steps of the product of both scales.

use super::parameters::{Found, Quantized, reason};
use super::{Draft, Patch};
use crate::graph::ValueId;
use crate::ops::Op;
use crate::{DType, Tensor};

/// How far a bias may be off the product of the scales, relatively, and still count as in its steps:
/// quantizers compute that product in f32 or in f64.
const CLOSE: f32 = 1e-6;

/// What a bias is made for: the product's operands, how many terms it sums, and what it is multiplied with.
pub struct Product<'a> {
    pub a: &'a Quantized,
    pub b: &'a Quantized,
    /// `None` where that is known only when the model runs: then it counts as few.
    pub terms: Option<u64>,
    pub alpha: f32,
    /// What the bias is multiplied with.
    pub beta: f32,
}

impl Product<'_> {
    /// The product of the scales, for all or for each of the result's channels.
    fn steps(&self) -> Vec<f32> {
        self.b.scales.iter().map(|b| self.alpha * self.a.scales[0] * b).collect()
    }

    /// Refuses a product whose sums could pass an i32.
    pub fn check(&self, largest_addend: u64) -> Found<()> {
        let sums = self.terms.unwrap_or(1).saturating_mul(self.a.span() * self.b.span());
        match sums.saturating_add(largest_addend) <= i32::MAX as u64 {
            true => Ok(()),
            false => Err("its sums may pass 32 bits".into()),
        }
    }

    /// The bias as integers: those that the model has, or what the constant comes to. Checks the sums, too.
    pub fn addend(&self, draft: &Draft, patch: &mut Patch, value: Option<ValueId>) -> Found<Option<ValueId>> {
        let Some(value) = value else { return self.check(0).map(|()| None) };
        if self.beta == 1.0
            && let Some((integers, largest)) = self.ready(draft, value)
        {
            self.check(largest)?;
            return Ok(Some(integers));
        }
        let (shape, reals) = real_constant(draft, value)?;
        let steps = self.steps();
        let last = shape.last().copied().unwrap_or(1);
        if steps.len() > 1 && last != steps.len() {
            return Err(format!("the bias {shape:?} does not lie along the {} scales", steps.len()));
        }
        let mut largest = 0u64;
        let mut integers = Vec::with_capacity(reals.len());
        for (i, &x) in reals.iter().enumerate() {
            let step = steps[if steps.len() == 1 { 0 } else { i % last }];
            let integer = (f64::from(self.beta) * x / f64::from(step)).round_ties_even();
            if integer.is_nan() || integer.abs() > f64::from(i32::MAX) {
                return Err("the bias does not fit 32 bits in steps of the scales".into());
            }
            largest = largest.max(integer.abs() as u64);
            integers.push(integer as i32);
        }
        self.check(largest)?;
        let tensor = Tensor::new(&shape, &integers).map_err(reason)?;
        Ok(Some(patch.constant(format!("{}_quantized", draft.name(value)), tensor)))
    }

    /// The integers of a bias that is in steps of the scales already, and the largest of them.
    fn ready(&self, draft: &Draft, value: ValueId) -> Option<(ValueId, u64)> {
        let bias = Quantized::behind(draft, value).ok()?;
        let integers = draft.constant(bias.value)?.slice::<i32>().ok()?;
        let steps = self.steps();
        let count = steps.len().max(bias.scales.len());
        let at = |list: &[f32], i: usize| if list.len() == 1 { list[0] } else { list[i] };
        let fits = bias.scales.len() == 1 || steps.len() == 1 || bias.scales.len() == steps.len();
        let close = |i: usize| (at(&bias.scales, i) / at(&steps, i) - 1.0).abs() <= CLOSE;
        // One step for all, and many equal ones, are the same thing.
        let ready = fits && bias.zeros.iter().all(|&z| z == 0) && (0..count).all(close);
        ready.then(|| (bias.value, integers.iter().map(|b| b.unsigned_abs() as u64).max().unwrap_or(0)))
    }
}

/// The elements of a constant, be it f32 or dequantized, and its shape.
fn real_constant(draft: &Draft, value: ValueId) -> Found<(Vec<usize>, Vec<f64>)> {
    let no_constant = || format!("the bias '{}' is no constant", draft.name(value));
    if let Some(view) = draft.constant(value).filter(|view| view.dtype() == DType::F32) {
        let reals = view.slice::<f32>().map_err(reason)?;
        return Ok((view.shape().to_vec(), reals.iter().map(|&x| x.into()).collect()));
    }
    let dequantized = draft.maker(value).is_some_and(|node| matches!(node.op, Op::DequantizeLinear(_)));
    if !dequantized {
        return Err(no_constant());
    }
    let bias = Quantized::behind(draft, value)?;
    let view = draft.constant(bias.value).ok_or_else(no_constant)?;
    let count = bias.scales.len();
    if count > 1 && view.shape() != [count] {
        return Err("the bias has scales for the slices of several axes".into());
    }
    let real = |(i, q): (usize, i64)| {
        let i = if count == 1 { 0 } else { i };
        (q - i64::from(bias.zeros[i])) as f64 * f64::from(bias.scales[i])
    };
    let integers = view.to_i64s().map_err(reason)?;
    Ok((view.shape().to_vec(), integers.into_iter().enumerate().map(real).collect()))
}
