//! ConvTranspose of f32 with constant weights, which may be of 16 bits, on edgewise-simd's kernels.
//!
//! Outputs that lie whole strides apart meet the same taps of the weights: they are a phase, and each phase is
//! a product of its own, so that nothing is multiplied with the holes between the strides.

use super::conv::check_bias;
use super::movable::filled;
use super::packed_product::{Last, multiply_packed, worth_packing};
use super::panels::{self, Layout, Panels, Weights};
use super::turn::{channels_second, turn_on};
use super::{Io, Kernel, Lowering, RunContext};
use crate::ops::conv_transpose::ConvTranspose;
use crate::ops::fused_activation::FusedActivation;
use crate::ops::window::Axis;
use crate::{DType, Result, Shape};
use edgewise_simd::{Lhs, MatrixMut, OUTSIDE};

/// More phases than this are left to the plain operator.
const PHASES: usize = 64;
/// Offsets that are found at a time.
const OFFSETS: usize = 1 << 18;

/// A transposed convolution of which the weights are known.
pub struct PackedConvTranspose {
    plain: ConvTranspose,
    /// Input channels, output channels of a group, kernel.
    weights: Shape,
    phases: Vec<Phase>,
}

/// Outputs that lie whole strides apart.
struct Phase {
    /// What is left of their places, the padding included, by the stride of each axis.
    residues: Shape,
    /// The taps that they meet along each axis.
    taps: Vec<Vec<usize>>,
    /// A matrix for each group; none where there are no taps.
    groups: Vec<Panels>,
}

/// Whether weights of that type and shape have a fast kernel.
pub fn suits(op: &ConvTranspose, dtype: DType, weights: &[usize]) -> bool {
    let [ins, outs, kernel @ ..] = weights else { return false };
    if !panels::suits(dtype) {
        return false;
    }
    let phases = (0..kernel.len()).try_fold(1usize, |n, i| n.checked_mul(op.window.steps(i).0 as usize));
    let depth = (ins / op.groups).saturating_mul(kernel.iter().product());
    let many = op.groups == 1 || *outs >= 4 && ins / op.groups > 1;
    let whole = !kernel.is_empty() && ins.is_multiple_of(op.groups) && !weights.contains(&0);
    whole && many && phases.is_some_and(|n| n <= PHASES) && worth_packing((depth, *outs))
}

impl PackedConvTranspose {
    /// `None` if the weights are no constant, or have no fast kernel.
    pub fn new(plain: &ConvTranspose, cx: &Lowering<'_>) -> Result<Option<(DType, PackedConvTranspose)>> {
        let suits = |w: &crate::View<'_>| suits(plain, w.dtype(), w.shape());
        let Some(w) = cx.constant(1).filter(suits) else { return Ok(None) };
        let (weights, kernel) = (Weights::of(w)?, &w.shape()[2..]);
        let (ins, outs, size) = (w.shape()[0] / plain.groups, w.shape()[1], kernel.iter().product::<usize>());
        let steps: Vec<(usize, usize)> = (0..kernel.len())
            .map(|i| plain.window.steps(i))
            .map(|(stride, dilation)| (stride as usize, dilation as usize))
            .collect();
        let strides: Shape = steps.iter().map(|(stride, _)| *stride).collect();
        let phase = |number: usize| {
            let residues = coordinates(number, &strides);
            let meets = |(axis, &residue): (usize, &usize)| {
                let (stride, dilation) = steps[axis];
                (0..kernel[axis]).filter(|tap| tap * dilation % stride == residue).collect::<Vec<_>>()
            };
            let taps: Vec<Vec<usize>> = residues.iter().enumerate().map(meets).collect();
            let counts: Shape = taps.iter().map(Vec::len).collect();
            let count: usize = counts.iter().product();
            let at = |n: usize| {
                let at = coordinates(n, &counts);
                at.iter().enumerate().fold(0, |tap, (axis, &i)| tap * kernel[axis] + taps[axis][i])
            };
            let met: Vec<usize> = (0..count).map(at).collect();
            let pack_group = |group: usize| {
                let first = group * ins * outs * size;
                let of_tap = |tap: usize| (0..ins * outs).map(move |i| first + i * size + tap);
                let own = weights.arranged(met.iter().copied().flat_map(of_tap));
                let layout = Layout { start: 0, tap_step: ins * outs, depth_step: outs, col_step: 1 };
                Panels::new(&own, layout, [count, ins, outs])
            };
            let groups = if count == 0 { 0 } else { plain.groups };
            let groups = (0..groups).map(pack_group).collect::<Result<_>>()?;
            Ok(Phase { residues, taps, groups })
        };
        let phases = (0..strides.iter().product()).map(phase).collect::<Result<_>>()?;
        let conv = PackedConvTranspose { plain: plain.clone(), weights: w.shape().into(), phases };
        Ok(Some((w.dtype(), conv)))
    }
}

/// A number split into coordinates along axes of those sizes.
fn coordinates(mut number: usize, sizes: &[usize]) -> Shape {
    let mut at = Shape::from_elem(0, sizes.len());
    for (at, &size) in at.iter_mut().zip(sizes).rev() {
        *at = number % size;
        number /= size;
    }
    at
}

impl Kernel for PackedConvTranspose {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        self.plain.operations(inputs, outputs)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let shape = channels_second(x.shape(), self.plain.channels_last);
        let axes = self.plain.axes(&shape, &self.weights)?;
        let (width, channels) = (shape[1], self.weights[1] * self.plain.groups);
        let (cells, pixels) =
            (axes.iter().map(|a| a.input).product(), axes.iter().map(|a| a.output).product());
        if usize::checked_mul(cells, width).is_none_or(|n| n >= OUTSIDE as usize) {
            return self.plain.run(io);
        }
        let bias = io.optional(2)?;
        check_bias(bias.map(|b| b.len()), channels)?;
        let bias = bias.map(|b| b.slice::<f32>()).transpose()?;
        let (cx, x, y) = (io.context(), x.slice::<f32>()?, io.output(0)?.into_slice::<f32>()?);
        let call = Call { cx, axes: &axes, width, channels, bias };
        if self.plain.channels_last {
            return self.images(&call, x, y, cells, pixels);
        }
        let (mut image, mut result) = (filled(0f32, x.len())?, filled(0f32, y.len())?);
        turn_on(cx, x, &mut image, width, cells)?;
        self.images(&call, &image, &mut result, cells, pixels)?;
        turn_on(cx, &result, y, pixels, channels)
    }
}

/// What all images of a call have in common.
struct Call<'a> {
    cx: &'a RunContext<'a>,
    axes: &'a [Axis],
    /// Channels of the image and of the result.
    width: usize,
    channels: usize,
    bias: Option<&'a [f32]>,
}

impl PackedConvTranspose {
    fn images(&self, call: &Call<'_>, x: &[f32], y: &mut [f32], cells: usize, pixels: usize) -> Result<()> {
        for (i, y) in y.chunks_mut((pixels * call.channels).max(1)).enumerate() {
            let image = &x[i * cells * call.width..][..cells * call.width];
            for phase in &self.phases {
                self.phase(call, phase, image, y)?;
            }
        }
        Ok(())
    }

    /// The outputs of one phase, some rows at a time.
    fn phase(&self, call: &Call<'_>, phase: &Phase, image: &[f32], y: &mut [f32]) -> Result<()> {
        let first = |(axis, &residue): (&Axis, &usize)| {
            (residue + axis.stride - axis.before % axis.stride) % axis.stride
        };
        let firsts: Shape = call.axes.iter().zip(&phase.residues).map(first).collect();
        let count = |(axis, &first): (&Axis, &usize)| axis.output.saturating_sub(first).div_ceil(axis.stride);
        let counts: Shape = call.axes.iter().zip(&firsts).map(count).collect();
        let rows: usize = counts.iter().product();
        let taps: Shape = phase.taps.iter().map(Vec::len).collect();
        let step = (OFFSETS / taps.iter().product::<usize>().max(1)).max(1);
        // Where the strides are 1, rows are pixels in order.
        let dense = self.phases.len() == 1;
        let mut own = filled(0f32, if dense { 0 } else { step.min(rows) * call.channels })?;
        for start in (0..rows).step_by(step) {
            let places: Vec<Shape> = (start..rows.min(start + step))
                .map(|row| {
                    let at = coordinates(row, &counts).into_iter().zip(&firsts).zip(call.axes);
                    at.map(|((i, first), axis)| first + i * axis.stride).collect()
                })
                .collect();
            let len = places.len() * call.channels;
            let out = match dense {
                true => &mut y[start * call.channels..][..len],
                false => &mut own[..len],
            };
            self.multiply(call, phase, image, &places, out)?;
            if dense {
                continue;
            }
            for (place, row) in places.iter().zip(own.chunks_exact(call.channels)) {
                let pixel = place.iter().zip(call.axes).fold(0, |pixel, (at, axis)| pixel * axis.output + at);
                y[pixel * call.channels..][..call.channels].copy_from_slice(row);
            }
        }
        Ok(())
    }

    /// All channels of the outputs at those places.
    fn multiply(
        &self,
        call: &Call<'_>,
        phase: &Phase,
        image: &[f32],
        places: &[Shape],
        out: &mut [f32],
    ) -> Result<()> {
        call.cx.check()?;
        if phase.groups.is_empty() {
            for row in out.chunks_exact_mut(call.channels) {
                match call.bias {
                    Some(bias) => row.copy_from_slice(bias),
                    None => row.fill(0.0),
                }
            }
            return Ok(());
        }
        let (offsets, taps) = offsets(call, phase, places)?;
        let (ins, outs) = (self.weights[0] / self.plain.groups, self.weights[1]);
        let in_order = offsets.iter().enumerate().all(|(i, &at)| at as usize == i * call.width);
        for (group, weights) in phase.groups.iter().enumerate() {
            let image = &image[(group * ins).min(image.len())..];
            let left = match taps == 1 && in_order {
                true => Lhs::Rows { data: image, stride: call.width },
                false => Lhs::Taps { image, offsets: &offsets, taps, width: ins, pad: 0.0 },
            };
            let bias = call.bias.map(|bias| &bias[group * outs..][..outs]);
            let last = Last::new(bias, FusedActivation::None);
            let to = MatrixMut::with_stride(&mut out[group * outs..], places.len(), outs, call.channels);
            multiply_packed(call.cx, left, weights, &last, to)?;
        }
        Ok(())
    }
}

/// Where each tap of each place begins in the image, and how many taps there are.
fn offsets(call: &Call<'_>, phase: &Phase, places: &[Shape]) -> Result<(Vec<u32>, usize)> {
    let taps = phase.taps.iter().map(Vec::len).product();
    let mut offsets = Vec::new();
    offsets
        .try_reserve_exact(places.len() * taps)
        .map_err(|_| err!(OutOfMemory, "no memory for the windows of {} pixels", places.len()))?;
    let mut found: Vec<Option<usize>> = Vec::with_capacity(taps);
    for place in places {
        found.clear();
        found.push(Some(0));
        for ((at, axis), taps) in place.iter().zip(call.axes).zip(&phase.taps) {
            let cell = |tap: usize| {
                let ahead = (at + axis.before).checked_sub(tap * axis.dilation)? / axis.stride;
                (ahead < axis.input).then_some(ahead)
            };
            let next = found
                .iter()
                .flat_map(|row| taps.iter().map(move |&tap| Some(row.as_ref()? * axis.input + cell(tap)?)));
            found = next.collect();
        }
        offsets.extend(found.iter().map(|cell| cell.map_or(OUTSIDE, |cell| (cell * call.width) as u32)));
    }
    Ok((offsets, taps))
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::{op_lowered_as_plain, run_op};
    use crate::ops::{Attr, Attrs, Op};
    use crate::{Tensor, Value};
    use std::sync::Arc;

    /// Shapes of image and weights, groups, and other attributes.
    type Case<'a> = (&'a [usize], &'a [usize], i64, Vec<(String, Attr)>);

    /// Whole numbers from -3 to 3: sums of them are exact.
    fn tensor(shape: &[usize], seed: usize) -> Tensor {
        let count = shape.iter().product::<usize>();
        let numbers: Vec<f32> = (0..count).map(|i| ((i * 37 + seed * 11 + i / 5) % 7) as f32 - 3.0).collect();
        Tensor::new(shape, &numbers).unwrap()
    }

    fn last(x: &Tensor) -> Tensor {
        let perm: Vec<i64> = [0].into_iter().chain(2..x.shape().len() as i64).chain([1]).collect();
        let attrs = [("perm".to_string(), Attr::Ints(perm))].into_iter().collect();
        let op = Op::parse(Attrs::new("", "Transpose", 13, vec![true], vec![true], attrs)).unwrap();
        run_op(&op, &[Some(x.clone().into())]).unwrap().tensor().unwrap().clone()
    }

    #[test]
    fn fast_is_as_plain_whatever_strides_and_pads() {
        let ints = |name: &str, values: &[i64]| (name.to_string(), Attr::Ints(values.to_vec()));
        let cases: [Case<'_>; 10] = [
            (&[2, 5, 4, 3], &[5, 7, 2, 2], 1, vec![ints("strides", &[2, 2])]),
            (&[1, 8, 5, 6], &[8, 20, 4, 4], 1, vec![ints("strides", &[2, 2]), ints("pads", &[1, 1, 1, 1])]),
            (
                &[1, 3, 5, 6],
                &[3, 9, 3, 3],
                1,
                vec![ints("strides", &[2, 3]), ints("pads", &[1, 0, 1, 2]), ints("output_padding", &[1, 0])],
            ),
            (&[1, 6, 4, 4], &[6, 4, 3, 3], 2, vec![ints("strides", &[1, 1]), ints("pads", &[1, 1, 1, 1])]),
            (&[1, 4, 4, 4], &[4, 8, 2, 3], 1, vec![ints("dilations", &[2, 3]), ints("strides", &[2, 2])]),
            (&[1, 4, 3, 3], &[4, 8, 1, 1], 1, vec![ints("strides", &[3, 2])]),
            (&[2, 6, 9], &[6, 33, 5], 1, vec![ints("strides", &[3]), ints("pads", &[2, 1])]),
            (&[1, 4, 2, 3, 2], &[4, 8, 2, 2, 2], 1, vec![ints("strides", &[2, 1, 2])]),
            (&[1, 4, 3, 3], &[4, 8, 3, 3], 1, vec![ints("strides", &[2, 2]), ints("output_shape", &[9, 5])]),
            (&[0, 4, 3, 3], &[4, 8, 2, 2], 1, vec![ints("strides", &[2, 2])]),
        ];
        for (x, w, group, mut attrs) in cases {
            attrs.push(("group".into(), Attr::Int(group)));
            let attrs =
                Attrs::new("", "ConvTranspose", 11, vec![true; 3], vec![true], attrs.into_iter().collect());
            let Op::ConvTranspose(op) = Op::parse(attrs).unwrap() else { panic!("it is one") };
            for bias in [false, true] {
                let mut inputs: Vec<Option<Value>> =
                    vec![Some(tensor(x, 1).into()), Some(tensor(w, 2).into())];
                inputs.push(bias.then(|| tensor(&[w[1] * group as usize], 3).into()));
                let plain = op_lowered_as_plain(&Op::ConvTranspose(op.clone()), &inputs, &[1]).unwrap();
                let expected = last(plain.tensor().unwrap());
                let turned = Op::ConvTranspose(Arc::new(op.on_channels_last()));
                inputs[0] = Some(last(&tensor(x, 1)).into());
                let fast = op_lowered_as_plain(&turned, &inputs, &[1]).unwrap();
                assert_eq!(fast.tensor().unwrap().shape(), expected.shape(), "{x:?} {w:?}");
                assert_eq!(fast.tensor().unwrap().view().bytes(), expected.view().bytes(), "{x:?} {w:?}");
            }
        }
    }
}
