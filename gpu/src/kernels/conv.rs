//! Conv and FusedConv of floats with constant weights, and what ConvTranspose shares with them.
//!
//! Weights are packed when the node is lowered. Where every group has one input channel, `conv_depthwise` walks
//! the taps of each output; all others are products by tiles. What a reader would get wrong: a window of the
//! transposed convolution is the same window looking backward, so both run the same kernels.

use super::Kernel;
use super::activation::Function;
use super::join::{Join, Split};
use super::matmul::Last;
use super::narrow::Narrow;
use super::shared::{count, groups, input_type, is_float, rows_of_groups, word};
use super::windows::{MOST_SPATIAL, image, windows};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{
    Binding, Bound, Device, DeviceKernel, Launch, Lowered, Memory, Operand, PipelineId,
};
use edgewise_core::ops::conv::{Conv, ConvWindows};
use edgewise_core::ops::conv_transpose::ConvTranspose;
use edgewise_core::ops::window::Axis;
use edgewise_core::{Result, View};

pub static SHADERS: &[Shader] = &[shader!("conv", 4, 1), shader!("conv_depthwise", 4, 1)];

/// Pixels and channels of a tile.
const TILE: usize = 64;

pub fn lower(gpu: &Gpu, op: &Conv, node: &Lowered<'_>) -> Result<Kernel> {
    let last = Last {
        addend: node.has(2).then_some((2, 1.0)),
        residual: node.has(3).then_some(3),
        function: Function::fused(&op.activation),
        ..Last::default()
    };
    let look = Look::Forward(op.windows.clone());
    Ok(Convolution::new(gpu, node, look, op.channels_last, last)?.map(|conv| Box::new(conv) as _))
}

/// Which way windows look.
pub enum Look {
    /// From a pixel to the cells that it is made of.
    Forward(ConvWindows),
    /// From a pixel to the cells that are spread over it.
    Backward(ConvTranspose),
}

impl Look {
    /// Groups of channels.
    pub fn groups(&self) -> usize {
        match self {
            Look::Forward(windows) => windows.groups,
            Look::Backward(op) => op.groups,
        }
    }

    /// The windows over an image, for weights of that shape.
    pub fn axes(&self, spatial: &[usize], w: &[usize]) -> Result<Vec<Axis>> {
        let kernel = w.get(2..).unwrap_or(&[]);
        match self {
            Look::Forward(windows) => windows.window.axes(spatial, kernel),
            Look::Backward(op) => {
                // The shape that the operator speaks of has its channels second.
                let channels = w.first().copied().unwrap_or(0);
                op.axes(&[&[1, channels], spatial].concat(), w)
            }
        }
    }
}

/// A convolution with its weights packed.
pub struct Convolution {
    look: Look,
    channels_last: bool,
    last: Last,
    w: Vec<usize>,
    channels: Channels,
    weights: Memory,
    pipeline: PipelineId,
    join: Join,
    narrow: Narrow,
}

/// How many channels there are.
#[derive(Clone, Copy)]
struct Channels {
    groups: usize,
    /// Of a group.
    ins: usize,
    /// Of a group.
    outs: usize,
}

impl Channels {
    fn depthwise(self) -> bool {
        self.ins == 1 && self.groups > 1
    }

    /// Whether four channels of the image make a vector, all of them an invocation's.
    fn whole(self, channels_last: bool) -> bool {
        let (all, of_group) = (self.groups * self.ins, if self.depthwise() { 4 } else { self.ins });
        let one_each = !self.depthwise() || self.outs == 1;
        channels_last && one_each && all.is_multiple_of(4) && of_group.is_multiple_of(4)
    }

    /// Input channels of a tap, and output channels, of the packed weights.
    fn packed(self) -> [usize; 2] {
        let outs = if self.depthwise() { self.groups * self.outs } else { self.outs };
        [if self.depthwise() { 1 } else { self.ins.next_multiple_of(4) }, outs.next_multiple_of(4)]
    }
}

impl Convolution {
    /// For a node whose inputs are floats of one type, with constant weights.
    pub fn new(
        gpu: &Gpu,
        node: &Lowered<'_>,
        look: Look,
        channels_last: bool,
        last: Last,
    ) -> Result<Option<Convolution>> {
        let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
        let same = node.inputs.iter().flatten().all(|fact| fact.dtype() == Some(dtype));
        let (Some(w), [tiles, depthwise]) = (node.constant(1).filter(|_| same), SHADERS) else {
            return Ok(None);
        };
        let (&[first, second, ref kernel @ ..], groups) = (w.shape(), look.groups()) else { return Ok(None) };
        if !(1..=MOST_SPATIAL).contains(&kernel.len()) || w.is_empty() {
            return Ok(None);
        }
        let channels = match look {
            Look::Forward(_) => Channels { groups, ins: second, outs: first / groups },
            Look::Backward(_) => Channels { groups, ins: first / groups, outs: second },
        };
        let transposed = matches!(look, Look::Backward(_));
        let packed = pack(w, channels, transposed)?;
        if 4 * packed.len() as u64 > gpu.limits().buffer_bytes {
            return Ok(None);
        }
        let weights = gpu.allocate(4 * packed.len() as u64, "packed weights")?;
        gpu.write(&weights, bytemuck::cast_slice(&packed))?;
        let mut constants = last.constants(dtype).to_vec();
        constants.extend([("CHANNELS_LAST", channels_last.into()), ("TRANSPOSED", transposed.into())]);
        constants.push(("WHOLE", channels.whole(channels_last).into()));
        let shader = if channels.depthwise() { depthwise } else { tiles };
        let pipeline = gpu.pipeline(Variant::new(shader, &constants));
        let Some(join) = Join::new(gpu, &last, dtype) else { return Ok(None) };
        let (w, narrow) = (w.shape().to_vec(), Narrow::to(gpu, dtype));
        Ok(Some(Convolution { look, channels_last, last, w, channels, weights, pipeline, join, narrow }))
    }
}

/// Weights by group, tap, input channel and output channel, the channels filled up with zeros; of a depthwise
/// convolution, by tap and output channel of all groups.
fn pack(w: View<'_>, channels: Channels, transposed: bool) -> Result<Vec<f32>> {
    let Channels { groups, ins, outs } = channels;
    let ([packed_ins, packed_outs], depthwise) = (channels.packed(), channels.depthwise());
    let taps: usize = w.shape().iter().skip(2).product();
    let (numbers, blocks) = (w.to_f32s()?, if depthwise { 1 } else { groups });
    let len = [blocks, taps, packed_ins, packed_outs].into_iter().try_fold(1usize, usize::checked_mul);
    let len = len.ok_or_else(|| err!(LimitExceeded, "weights of {:?} are too large to pack", w.shape()))?;
    let mut packed = vec![0.0; len];
    // The weights' own axes are output channels of all groups and input channels, or input channels of all
    // groups and output channels.
    let inner = if transposed { outs } else { ins };
    for (i, numbers) in numbers.chunks(taps).enumerate() {
        let (outer, inner) = (i / inner, i % inner);
        let (group, input, output) = match transposed {
            true => (outer / ins, outer % ins, inner),
            false => (outer / outs, inner, outer % outs),
        };
        for (tap, &number) in numbers.iter().enumerate() {
            let to = match depthwise {
                true => tap * packed_outs + group * outs + output,
                false => ((group * taps + tap) * packed_ins + input) * packed_outs + output,
            };
            if let Some(to) = packed.get_mut(to) {
                *to = number;
            }
        }
    }
    Ok(packed)
}

impl DeviceKernel for Convolution {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, out) = (cx.input(0)?, cx.output(0)?);
        let (batch, ins, spatial) = image(&x, self.channels_last)?;
        let Channels { groups: count_of_groups, ins: seen, outs } = self.channels;
        ensure!(ins == count_of_groups * seen, InvalidInput, "an image of {ins} channels for {:?}", self.w);
        if let Some(bias) = cx.optional(2) {
            let channels = count_of_groups * outs;
            ensure!(count(&bias) == channels, InvalidInput, "a bias of {bias:?} for {channels} channels");
        }
        if let Some(sum) = cx.optional(3) {
            ensure!(sum == out, InvalidInput, "the sum has the shape {sum:?}, not {out:?}");
        }
        let len = count(&out);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let axes = self.look.axes(spatial, &self.w)?;
        let (image_pixels, taps) =
            axes.iter().fold((1, 1), |(p, t), axis| (p * axis.output, t * axis.kernel));
        let [packed_ins, packed_outs] = self.channels.packed();
        let (pixels, depth) = (batch * image_pixels, taps * packed_ins);
        let tiles = |pixels: usize| pixels.div_ceil(TILE) * outs.div_ceil(TILE) * count_of_groups;
        let split = match self.channels.depthwise() {
            true => Split { depth, slices: 1 },
            // Whatever else is in the batch.
            false => Split::of(tiles(image_pixels), depth),
        };
        let mut parameters = self.last.parameters(split, len)?;
        windows(&mut parameters, &axes)?;
        let launch = if self.channels.depthwise() {
            let width = if self.channels.whole(self.channels_last) { 4 } else { 1 };
            let sizes = [pixels, ins * outs, 0, len / width, outs, packed_outs, 0, 0];
            parameters.0.extend(sizes.into_iter().map(word).collect::<Result<Vec<u32>>>()?);
            groups(len / width)?
        } else {
            let tiles = tiles(pixels) * split.slices;
            let sizes = [pixels, outs, depth, tiles, seen, packed_ins, packed_outs, count_of_groups];
            parameters.0.extend(sizes.into_iter().map(word).collect::<Result<Vec<u32>>>()?);
            rows_of_groups(tiles)?
        };
        for len in [len, count(&x)] {
            word(len)?;
        }
        // The bias follows from the channel alone.
        let channel = [if self.channels_last { 1 } else { image_pixels }, count_of_groups * outs, 1];
        self.narrow.after(len, |y| {
            self.join.after((&self.last, split, len), [[1, 1, 0], channel], y, |y| {
                let [addend, residual] = self.last.buffers(&Operand::Input(0));
                let weights = Operand::Held(self.weights.clone());
                let buffers = vec![Operand::Input(0), weights, addend, residual, y];
                Ok(Launch { pipeline: self.pipeline, buffers, parameters: parameters.0, groups: launch })
            })
        })
    }

    fn packed(&self) -> &[usize] {
        &[1]
    }
}
