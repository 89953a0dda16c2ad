//! Transposed convolutions by phases, for edgewise-simd's kernels.
//!
//! Outputs that lie whole strides apart meet the same taps of the weights: they are a phase, and each phase is
//! a product of its own, so that nothing is multiplied with the holes between the strides. Which elements are
//! multiplied, and what becomes of the sums, a [`Product`] knows.

use super::RunContext;
use super::movable::filled;
use super::packed_product::worth_packing;
use super::turn::turn_on;
use crate::ops::conv_transpose::ConvTranspose;
use crate::ops::window::Axis;
use crate::{Result, Shape};
use bytemuck::{Pod, Zeroable};
use edgewise_simd::{Lhs, MatrixMut, OUTSIDE, Source};

/// More phases than this are left to the plain operator.
const PHASES: usize = 64;
/// Offsets that are found at a time.
const OFFSETS: usize = 1 << 18;

/// Whether weights of that shape have a fast kernel.
pub fn suits(op: &ConvTranspose, weights: &[usize]) -> bool {
    let [ins, outs, kernel @ ..] = weights else { return false };
    let phases = (0..kernel.len()).try_fold(1usize, |n, i| n.checked_mul(op.window.steps(i).0 as usize));
    let depth = (ins / op.groups).saturating_mul(kernel.iter().product());
    let many = op.groups == 1 || *outs >= 4 && ins / op.groups > 1;
    let whole = !kernel.is_empty() && ins.is_multiple_of(op.groups) && !weights.contains(&0);
    whole && many && phases.is_some_and(|n| n <= PHASES) && worth_packing((depth, *outs))
}

/// The phases of a transposed convolution, with a matrix `M` for each group.
pub struct Phases<M> {
    /// Input and output channels of a group.
    ins: usize,
    outs: usize,
    groups: usize,
    phases: Vec<Phase<M>>,
}

/// Outputs that lie whole strides apart.
struct Phase<M> {
    /// What is left of their places, the padding included, by the stride of each axis.
    residues: Shape,
    /// The taps that they meet along each axis.
    taps: Vec<Vec<usize>>,
    /// Of each group; none where there are no taps.
    matrices: Vec<M>,
}

/// How the matrices of phases are multiplied.
pub trait Product<M> {
    /// What images are made of.
    type X: Pod + Send + Sync;
    /// What results are made of.
    type Y: Pod + Send + Sync;

    /// What lies outside of an image.
    fn pad(&self) -> Self::X;

    /// All rows of `left` with the matrix of that group.
    fn multiply(
        &self,
        group: usize,
        matrix: &M,
        left: Lhs<'_, Self::X>,
        to: MatrixMut<'_, Self::Y>,
    ) -> Result<()>;

    /// All channels of an output that no tap meets.
    fn untouched(&self, row: &mut [Self::Y]);
}

/// A convolution of images of a known size.
pub struct Call<'a, P> {
    /// Of the run.
    pub cx: &'a RunContext<'a>,
    /// Of the windows.
    pub axes: &'a [Axis],
    /// Whether the channels are the last axis of image and result.
    pub channels_last: bool,
    /// What is multiplied.
    pub product: P,
}

impl<P> Call<'_, P> {
    fn cells(&self) -> usize {
        self.axes.iter().map(|a| a.input).product()
    }

    fn pixels(&self) -> usize {
        self.axes.iter().map(|a| a.output).product()
    }
}

impl<M> Phases<M> {
    /// Of those weights, whose shape [`suits`]. `pack` makes a matrix of a group's.
    pub fn new<W: Copy + Default>(
        plain: &ConvTranspose,
        (data, shape): (&[W], &[usize]),
        pack: impl Fn(usize, Source<'_, W>, [usize; 3]) -> Result<M>,
    ) -> Result<Phases<M>> {
        let (groups, kernel) = (plain.groups, &shape[2..]);
        let (ins, outs, size) = (shape[0] / groups, shape[1], kernel.iter().product::<usize>());
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
                let data = &data[group * ins * outs * size..][..ins * outs * size];
                let mut own = filled(W::default(), count * ins * outs)?;
                for (tap, own) in met.iter().zip(own.chunks_exact_mut(ins * outs)) {
                    own.iter_mut().zip(data.iter().skip(*tap).step_by(size)).for_each(|(to, w)| *to = *w);
                }
                let source = Source { data: &own[..], tap_step: ins * outs, depth_step: outs, col_step: 1 };
                pack(group, source, [count, ins, outs])
            };
            let matrices = (0..if count == 0 { 0 } else { groups }).map(pack_group).collect::<Result<_>>()?;
            Ok(Phase { residues, taps, matrices })
        };
        let phases = (0..strides.iter().product()).map(phase).collect::<Result<_>>()?;
        Ok(Phases { ins, outs, groups, phases })
    }

    /// Whether offsets of 32 bits tell where each cell of such an image lies.
    pub fn fits(&self, axes: &[Axis]) -> bool {
        let cells: usize = axes.iter().map(|a| a.input).product();
        cells.checked_mul(self.width()).is_some_and(|n| n < OUTSIDE as usize)
    }

    /// Channels of the image.
    fn width(&self) -> usize {
        self.ins * self.groups
    }

    /// Channels of the result.
    fn channels(&self) -> usize {
        self.outs * self.groups
    }

    /// The results `y` of the images `x`, which [fit](Phases::fits).
    pub fn run<P: Product<M>>(&self, call: &Call<'_, P>, x: &[P::X], y: &mut [P::Y]) -> Result<()> {
        if call.channels_last {
            return self.images(call, x, y);
        }
        let zeroed = (P::X::zeroed(), P::Y::zeroed());
        let (mut image, mut result) = (filled(zeroed.0, x.len())?, filled(zeroed.1, y.len())?);
        turn_on(call.cx, x, &mut image, self.width(), call.cells())?;
        self.images(call, &image, &mut result)?;
        turn_on(call.cx, &result, y, call.pixels(), self.channels())
    }

    fn images<P: Product<M>>(&self, call: &Call<'_, P>, x: &[P::X], y: &mut [P::Y]) -> Result<()> {
        let size = call.cells() * self.width();
        for (i, y) in y.chunks_mut((call.pixels() * self.channels()).max(1)).enumerate() {
            for phase in &self.phases {
                self.phase(call, phase, &x[i * size..][..size], y)?;
            }
        }
        Ok(())
    }

    /// The outputs of one phase, some rows at a time.
    fn phase<P: Product<M>>(
        &self,
        call: &Call<'_, P>,
        phase: &Phase<M>,
        image: &[P::X],
        y: &mut [P::Y],
    ) -> Result<()> {
        let first = |(axis, &residue): (&Axis, &usize)| {
            (residue + axis.stride - axis.before % axis.stride) % axis.stride
        };
        let firsts: Shape = call.axes.iter().zip(&phase.residues).map(first).collect();
        let count = |(axis, &first): (&Axis, &usize)| axis.output.saturating_sub(first).div_ceil(axis.stride);
        let counts: Shape = call.axes.iter().zip(&firsts).map(count).collect();
        let rows: usize = counts.iter().product();
        let step = (OFFSETS / phase.count().max(1)).max(1);
        let channels = self.channels();
        // Where the strides are 1, rows are pixels in order.
        let dense = self.phases.len() == 1;
        let zero = <P::Y as bytemuck::Zeroable>::zeroed();
        let mut own = filled(zero, if dense { 0 } else { step.min(rows) * channels })?;
        for start in (0..rows).step_by(step) {
            let places: Vec<Shape> = (start..rows.min(start + step))
                .map(|row| {
                    let at = coordinates(row, &counts).into_iter().zip(&firsts).zip(call.axes);
                    at.map(|((i, first), axis)| first + i * axis.stride).collect()
                })
                .collect();
            let len = places.len() * channels;
            let out = match dense {
                true => &mut y[start * channels..][..len],
                false => &mut own[..len],
            };
            self.multiply(call, phase, image, &places, out)?;
            if dense {
                continue;
            }
            for (place, row) in places.iter().zip(own.chunks_exact(channels)) {
                let pixel = place.iter().zip(call.axes).fold(0, |pixel, (at, axis)| pixel * axis.output + at);
                y[pixel * channels..][..channels].copy_from_slice(row);
            }
        }
        Ok(())
    }

    /// All channels of the outputs at those places.
    fn multiply<P: Product<M>>(
        &self,
        call: &Call<'_, P>,
        phase: &Phase<M>,
        image: &[P::X],
        places: &[Shape],
        out: &mut [P::Y],
    ) -> Result<()> {
        call.cx.check()?;
        let (width, channels) = (self.width(), self.channels());
        if phase.matrices.is_empty() {
            out.chunks_exact_mut(channels).for_each(|row| call.product.untouched(row));
            return Ok(());
        }
        let (offsets, taps) = phase.offsets(call.axes, width, places)?;
        let in_order = offsets.iter().enumerate().all(|(i, &at)| at as usize == i * width);
        for (group, matrix) in phase.matrices.iter().enumerate() {
            let image = &image[(group * self.ins).min(image.len())..];
            let left = match taps == 1 && in_order {
                true => Lhs::Rows { data: image, stride: width },
                false => {
                    let (offsets, pad) = (&offsets[..], call.product.pad());
                    Lhs::Taps { image, offsets, taps, width: self.ins, pad }
                }
            };
            let out = &mut out[group * self.outs..];
            let to = MatrixMut::with_stride(out, places.len(), self.outs, channels);
            call.product.multiply(group, matrix, left, to)?;
        }
        Ok(())
    }
}

impl<M> Phase<M> {
    /// How many taps there are.
    fn count(&self) -> usize {
        self.taps.iter().map(Vec::len).product()
    }

    /// Where each tap of each place begins in the image, and how many taps there are.
    fn offsets(&self, axes: &[Axis], width: usize, places: &[Shape]) -> Result<(Vec<u32>, usize)> {
        let taps = self.count();
        let mut offsets = Vec::new();
        offsets
            .try_reserve_exact(places.len() * taps)
            .map_err(|_| err!(OutOfMemory, "no memory for the windows of {} pixels", places.len()))?;
        let mut found: Vec<Option<usize>> = Vec::with_capacity(taps);
        for place in places {
            found.clear();
            found.push(Some(0));
            for ((at, axis), taps) in place.iter().zip(axes).zip(&self.taps) {
                let cell = |tap: usize| {
                    let ahead = (at + axis.before).checked_sub(tap * axis.dilation)? / axis.stride;
                    (ahead < axis.input).then_some(ahead)
                };
                let next = found.iter().flat_map(|row| {
                    taps.iter().map(move |&tap| Some(row.as_ref()? * axis.input + cell(tap)?))
                });
                found = next.collect();
            }
            offsets.extend(found.iter().map(|cell| cell.map_or(OUTSIDE, |cell| (cell * width) as u32)));
        }
        Ok((offsets, taps))
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
