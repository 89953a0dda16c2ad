//! QLinearConv, ConvInteger and ConvIntegerToFloat of weights that are known: one product for every group, of
//! which the rows are pixels, or a kernel of its own where every channel has its window. QLinearConvTranspose is the
//! same with windows that look backward.
//!
//! Images are wanted with the channels of each group last and in whole words. Those that are not so are arranged
//! first, and the result afterwards.

use super::Kernel;
use super::arrange::{Arrange, Order, scratch};
use super::byte_product::{Bias, Finish, Form, Product, Sizes, Windows, Zero};
use super::conv::Look;
use super::matmul_integer::zero_of_a;
use super::packed_bytes::{
    Column, Right, Source, is_byte, one, pick, scales, signed_zero, turn, words_of, zeros,
};
use super::shared::{Axis, count, input_type};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand};
use edgewise_core::ops::conv::ConvWindows;
use edgewise_core::ops::fused_activation::FusedActivation;
use edgewise_core::ops::qlinear_conv::{Gives, QLinearConv};
use edgewise_core::ops::window;
use edgewise_core::quant::multiplier;
use edgewise_core::{DType, Result};

pub fn lower(gpu: &Gpu, op: &QLinearConv, node: &Lowered<'_>) -> Result<Kernel> {
    lower_as(gpu, node, Look::Forward(op.windows.clone()), op.gives, op.channels_last)
}

/// A kernel of the family.
pub fn lower_as(
    gpu: &Gpu,
    node: &Lowered<'_>,
    look: Look,
    gives: Gives,
    channels_last: bool,
) -> Result<Kernel> {
    let [w_at, x_zero_at, w_zero_at] = gives.places();
    let (Some(x), Some(w)) = (input_type(node, 0), node.constant(w_at)) else { return Ok(None) };
    let (&[first, second, ref kernel @ ..], groups) = (w.shape(), look.groups()) else { return Ok(None) };
    let backward = matches!(look, Look::Backward(_));
    let (ins, outs) = if backward { (first / groups, second) } else { (second, first / groups) };
    let fits = first.is_multiple_of(groups) && kernel.len() <= 3 && !w.is_empty();
    if !is_byte(x) || !is_byte(w.dtype()) || !fits {
        return Ok(None);
    }
    let outs_of_all = groups * outs;
    let Some(finish) = Finishing::of(gives, node, x_zero_at) else { return Ok(None) };
    let Some(w_zeros) = zeros(node, w_zero_at) else { return Ok(None) };
    let lengths = [w_zeros.len(), finish.factors.len(), finish.added.len()];
    if !lengths.into_iter().all(|len| len == 1 || len == outs_of_all) {
        return Ok(None);
    }

    let shape = Shape { groups, ins, outs, w: w.shape().to_vec() };
    let depthwise = ins == 1 && outs == 1 && groups > 1;
    let (bytes, turned, taps) = (w.bytes(), turn(w.dtype()) as u8, count(kernel));
    // The weights' own axes are output channels of all groups and input channels, or input channels of all groups
    // and output channels.
    let at = |channel: usize, depth: usize, tap: usize| {
        let line = match backward {
            true => (channel / outs * ins + depth) * outs + channel % outs,
            false => channel * ins + depth,
        };
        let byte = bytes.get(line * taps + tap);
        byte.filter(|_| depth < ins).map_or(0, |byte| (byte ^ turned) as i8)
    };
    let padded = 4 * shape.words();
    let (words, sums) = match depthwise {
        true => {
            let channels = groups.next_multiple_of(4);
            let byte = |i: usize| if i % channels < groups { at(i % channels, 0, i / channels) } else { 0 };
            let mut bytes: Vec<u8> = (0..taps * channels).map(|i| byte(i) as u8).collect();
            // Whole vectors of four words.
            bytes.resize(bytes.len().next_multiple_of(16), 0);
            (words_of(&bytes), vec![0; groups])
        }
        false => {
            let byte =
                |group: usize, column: usize, k: usize| at(group * outs + column, k % padded, k / padded);
            Source { matrices: groups, columns: outs, depth: taps * padded, byte }.pack()
        }
    };
    let column = |(i, &sum): (usize, &i32)| Column {
        sum,
        zero: signed_zero(w.dtype(), pick(&w_zeros, i)),
        bias: pick(&finish.added, i),
        factor: pick(&finish.factors, i),
    };
    let list: Vec<Column> = sums.iter().enumerate().map(column).collect();
    let each = if depthwise { groups } else { outs };
    let right = Right::packed(gpu, (&words, w.shape(), w.dtype()), &list, each)?;
    let form = match depthwise {
        true => Form::Depthwise { backward },
        false if is_pointwise(&look, kernel) => Form::Matrices,
        false => Form::Windows { whole: shape.words().is_multiple_of(4), backward },
    };
    let y = finish.finish.y;
    let words = Arrange::new(gpu, if is_byte(y) { DType::U8 } else { DType::I32 })?;
    let product = Product::new(gpu, (x, finish.zero), right, finish.finish, form)?;
    let bytes = Arrange::new(gpu, DType::U8)?;
    let dynamic = !matches!(finish.zero, Zero::Known(_));
    Ok(Some(Box::new(Convolution {
        look,
        gives,
        channels_last,
        shape,
        form,
        product,
        bytes,
        results: words,
        y,
        padding: turn(x),
        dynamic,
    })))
}

/// Whether pixels are cells, one by one, whatever the image.
fn is_pointwise(look: &Look, kernel: &[usize]) -> bool {
    let Look::Forward(ConvWindows { window, .. }) = look else { return false };
    let plain = window.strides.iter().all(|&stride| stride == 1) && window.pads.iter().all(|&pad| pad == 0);
    plain && kernel.iter().all(|&size| size == 1)
}

/// What becomes of sums, as far as it is known.
struct Finishing {
    finish: Finish,
    zero: Zero,
    /// For all channels or for each.
    factors: Vec<f32>,
    added: Vec<u32>,
}

impl Finishing {
    fn of(gives: Gives, node: &Lowered<'_>, x_zero: usize) -> Option<Finishing> {
        let plain = |y| Finish { y, zero: 0, bias: Bias::None, relu: false };
        match gives {
            Gives::Sums => {
                let zero = zero_of_a(node, None, x_zero)?;
                Some(Finishing { finish: plain(DType::I32), zero, factors: vec![0.0], added: vec![0] })
            }
            Gives::Bytes => {
                let (x, w, y) = (one(scales(node, 1))?, scales(node, 4)?, one(scales(node, 6))?);
                let factors: Vec<f32> = w.iter().map(|&w| multiplier(x, w, y)).collect();
                let (mut finish, mut added) = (plain(input_type(node, 7).filter(|&y| is_byte(y))?), vec![0]);
                finish.zero = one(zeros(node, 7))?;
                if node.has(8) {
                    finish.bias = Bias::Integer;
                    added = node.constant(8)?.slice::<i32>().ok()?.iter().map(|&x| x as u32).collect();
                }
                let zero = Zero::Known(one(zeros(node, x_zero))?);
                factors.iter().all(|x| x.is_finite()).then_some(Finishing { finish, zero, factors, added })
            }
            Gives::Floats(activation) => {
                let (mut finish, mut added) = (plain(DType::F32), vec![0]);
                finish.relu = activation == FusedActivation::Relu;
                if !finish.relu && activation != FusedActivation::None {
                    return None;
                }
                if node.has(6) {
                    finish.bias = Bias::Float;
                    added = node.constant(6)?.to_f32s().ok()?.into_iter().map(f32::to_bits).collect();
                }
                let zero = zero_of_a(node, Some(2), x_zero)?;
                // Where the scale of the image is known, every channel's factor holds it.
                let x = if matches!(zero, Zero::Known(_)) { one(scales(node, 2))? } else { 1.0 };
                let factors = scales(node, 3)?.iter().map(|w| x * w).collect();
                Some(Finishing { finish, zero, factors, added })
            }
        }
    }
}

/// The shape of the weights.
struct Shape {
    groups: usize,
    /// Channels of a group: of the image, of the result.
    ins: usize,
    outs: usize,
    w: Vec<usize>,
}

impl Shape {
    /// Words of the channels of a group.
    fn words(&self) -> usize {
        self.ins.div_ceil(4)
    }
}

struct Convolution {
    look: Look,
    gives: Gives,
    channels_last: bool,
    shape: Shape,
    form: Form,
    product: Product,
    bytes: Arrange,
    results: Arrange,
    y: DType,
    /// What lies behind the channels of a group that is no whole words.
    padding: u32,
    dynamic: bool,
}

impl DeviceKernel for Convolution {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let mut bound = Bound::nothing();
        if count(&y) == 0 {
            return Ok(bound);
        }
        let Shape { groups, ins, outs, .. } = self.shape;
        let last = self.channels_last;
        let image = match (&x[..], last) {
            ([_, image @ .., _], true) | ([_, _, image @ ..], false) => image,
            _ => bail!(InvalidInput, "an image needs two axes at least, got {x:?}"),
        };
        let axes = self.look.axes(image, &self.shape.w)?;
        let (batch, cells) = (x.first().copied().unwrap_or(1), count(image));
        let pixels: usize = axes.iter().map(|axis| axis.output).product();
        let rows = batch * pixels;

        // Every channel a group of its own, or all of them one for the kernel of channels by themselves.
        let depthwise = matches!(self.form, Form::Depthwise { .. });
        let (groups, ins, outs) = if depthwise { (1, groups, groups) } else { (groups, ins, outs) };
        let words = ins.div_ceil(4);
        let a = match last && ins.is_multiple_of(4) {
            true => Operand::Input(0),
            false => {
                let (cell, group, channel) =
                    if last { (groups * ins, ins, 1) } else { (1, ins * cells, cells) };
                let sizes = [batch, cells, groups, 4 * words];
                let steps = [cells * groups * ins, cell, group, channel];
                let order = Order { valid: ins, padding: self.padding, ..Order::of(sizes, steps) };
                self.bytes.scratched(&mut bound, Operand::Input(0), &order)?
            }
        };
        let padded = if self.y.bits() == 8 { outs.next_multiple_of(4) } else { outs };
        let direct = last && padded == outs;
        let to = match direct {
            true => Operand::Output(0),
            false => scratch(&mut bound, rows * groups * padded * self.y.bits() / 8),
        };
        let taps: usize = axes.iter().map(|axis| axis.kernel).product();
        let steps = [words as i64, 1, padded as i64];
        let sizes = Sizes {
            rows,
            columns: outs,
            depth: taps * ins,
            words: if depthwise { words } else { taps * words },
            a_row: groups * words,
            y_row: groups * padded,
            products: groups,
            axes: if groups > 1 { vec![Axis { size: groups, steps }] } else { Vec::new() },
        };
        let windows = windows(&axes, words, ins);
        let weights = self.product.packed().ok_or_else(|| err!(Internal, "weights that are not packed"))?;
        self.product.launch_to(&mut bound, (a, weights, to.clone()), &sizes, &windows)?;
        if !direct {
            let row = groups * padded;
            let order = match last {
                true => Order::of([1, rows, groups, outs], [0, row, padded, 1]),
                false => Order::of([batch, groups, outs, pixels], [pixels * row, padded, 1, row]),
            };
            self.results.launch(&mut bound, to, Operand::Output(0), &order)?;
        }
        Ok(bound)
    }

    fn packed(&self) -> &[usize] {
        match (self.gives, self.dynamic) {
            (Gives::Bytes, _) => &[1, 2, 3, 4, 5, 6, 7, 8],
            (Gives::Sums, false) => &[1, 2, 3],
            (Gives::Sums, true) => &[1, 3],
            (Gives::Floats(_), false) => &[1, 2, 3, 4, 5, 6],
            (Gives::Floats(_), true) => &[1, 3, 5, 6],
        }
    }
}

/// Windows along three axes, over cells of so many words of channels.
fn windows(axes: &[window::Axis], words: usize, ins: usize) -> Windows {
    let along = |size: fn(&window::Axis) -> usize, none: usize, other: usize| {
        let mut all = [none, none, none, other];
        let first = 3usize.saturating_sub(axes.len());
        all.iter_mut().skip(first).zip(axes).for_each(|(to, axis)| *to = size(axis));
        all
    };
    let mask = match ins % 4 {
        0 => u32::MAX,
        rest => (1 << (8 * rest)) - 1,
    };
    Windows {
        image: along(|axis| axis.input, 1, words),
        result: along(|axis| axis.output, 1, mask as usize),
        kernel: along(|axis| axis.kernel, 1, 0),
        stride: along(|axis| axis.stride, 1, 0),
        dilation: along(|axis| axis.dilation, 1, 0),
        before: along(|axis| axis.before, 0, 0),
    }
}
