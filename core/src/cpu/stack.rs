//! Slices of a tensor along an axis, and tensors stacked along a new one.
//!
//! What lies on a device stays there where slices, or the tensors to be stacked, are whole words one behind the
//! other: then they are copied there, without a kernel. The rest comes to the host.

use super::RunContext;
use crate::device::{DeviceTensor, device_bytes};
use crate::graph::Fact;
use crate::run::{Cost, Placed, fetch_all};
use crate::tensor::{byte_count, element_count};
use crate::{DType, Dim, Result, Shape, Tensor};
use std::ops::Range;

/// Element `at` of `axis`, as a tensor without that axis.
pub fn slice_at(tensor: &Tensor, axis: usize, at: usize) -> Result<Tensor> {
    slice_axis(tensor, axis, at..at + 1)?.reshaped(&without(tensor.shape(), axis))
}

/// The same on a device, copied there.
pub fn device_slice_at(tensor: &DeviceTensor, axis: usize, at: usize) -> Result<DeviceTensor> {
    let shape = without(&tensor.shape, axis);
    let bytes = byte_count(tensor.dtype, &shape)? as u64;
    let memory = tensor.device.allocate(device_bytes(bytes as usize), "a slice")?;
    let from = at as u64 * bytes;
    tensor.device.join(&[(tensor.memory.clone(), from..from + bytes)], &memory)?;
    Ok(DeviceTensor { shape, memory, ..tensor.clone() })
}

/// Whether elements of an axis can be copied as whole words.
pub fn is_sliced_by_words(dtype: DType, shape: &[usize], axis: usize) -> bool {
    let bits = element_count(&without(shape, axis)).ok().and_then(|n| n.checked_mul(dtype.bits()));
    let whole = bits.is_some_and(|bits| bits.is_multiple_of(32));
    whole && dtype != DType::Str && shape.iter().take(axis).all(|&size| size == 1)
}

fn without(shape: &[usize], axis: usize) -> Shape {
    shape.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, &size)| size).collect()
}

/// The elements `range` of `axis`.
pub fn slice_axis(tensor: &Tensor, axis: usize, range: Range<usize>) -> Result<Tensor> {
    let shape = tensor.shape();
    let inside = axis < shape.len() && range.start <= range.end && range.end <= shape[axis];
    ensure!(inside, Internal, "no elements {range:?} on axis {axis} of {tensor:?}");
    let step: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    let block = range.len() * step;
    let mut sizes = Shape::from(shape);
    sizes[axis] = range.len();
    let starts = (0..outer).map(|o| (o * shape[axis] + range.start) * step);
    let mut out = Tensor::zeros(tensor.dtype(), &sizes)?;
    match tensor.dtype() {
        DType::Str => {
            let (from, to) = (tensor.view().strings()?, out.view_mut().into_strings()?);
            for (to, start) in to.chunks_mut(block.max(1)).zip(starts) {
                to.clone_from_slice(&from[start..start + block]);
            }
        }
        dtype if dtype.is_packed() => {
            let from = tensor.view().unpacked()?;
            let codes: Vec<i16> =
                starts.flat_map(|start| from[start..start + block].iter().copied()).collect();
            out.view_mut().pack(&codes)?;
        }
        dtype => for_width!(dtype, T => {
            let (from, to) = (tensor.view().units::<T>(), out.view_mut().into_units::<T>()?);
            for (to, start) in to.chunks_mut(block.max(1)).zip(starts) {
                to.copy_from_slice(&from[start..start + block]);
            }
            Ok(())
        })?,
    }
    Ok(out)
}

/// Tensors of one shape that will be stacked.
pub struct Stack<'a> {
    cx: &'a RunContext<'a>,
    items: Vec<Placed>,
    bytes: u64,
}

impl<'a> Stack<'a> {
    /// Empty; holds at most as many bytes as a run may.
    pub fn new(cx: &'a RunContext<'a>) -> Stack<'a> {
        Stack { cx, items: Vec::new(), bytes: 0 }
    }

    /// Adds one; it must be like the first.
    pub fn push(&mut self, item: Placed) -> Result<()> {
        let (dtype, shape) = sized(&item)?;
        if let Some(first) = self.items.first() {
            let first = sized(first)?;
            ensure!(
                first == (dtype, shape),
                InvalidModel,
                "iterations give {}{:?} and {dtype}{shape:?}, which cannot be stacked",
                first.0,
                first.1
            );
        }
        // What strings take is nowhere counted by their number.
        self.bytes += match &item {
            Placed::Host(value) | Placed::Both(value, _) => value.bytes(),
            Placed::Device(_) => byte_count(dtype, shape)? as u64,
        };
        let most = self.cx.max_bytes;
        ensure!(self.bytes <= most, LimitExceeded, "stacked results pass {most} bytes");
        self.items.push(item);
        Ok(())
    }

    /// Adds zeros until there are so many.
    pub fn pad(&mut self, count: usize) -> Result<()> {
        let Some(first) = self.items.first() else { return Ok(()) };
        let (dtype, shape) = sized(first)?;
        let zeros = Tensor::zeros(dtype, shape)?;
        while self.items.len() < count {
            self.push(Placed::Host(zeros.clone().into()))?;
        }
        Ok(())
    }

    /// One tensor with a new axis, of the items in order or backward. `like` says what none of them look like.
    pub async fn finish(
        mut self,
        axis: i64,
        backward: bool,
        like: Option<&Fact>,
        cost: &mut Cost,
    ) -> Result<Placed> {
        if backward {
            self.items.reverse();
        }
        if let Some(stacked) = self.on_device(axis)? {
            return Ok(Placed::Device(stacked));
        }
        let items = fetch_all(self.items, self.cx, cost).await?;
        Ok(Placed::Host(stacked(&items, axis, like)?.into()))
    }

    /// The same, copied together on the device where all of them lie there.
    fn on_device(&self, axis: i64) -> Result<Option<DeviceTensor>> {
        let item = |placed: &Placed| match placed {
            Placed::Device(tensor) | Placed::Both(_, tensor) => Some(tensor.clone()),
            Placed::Host(_) => None,
        };
        let Some(items) = self.items.iter().map(item).collect::<Option<Vec<_>>>() else { return Ok(None) };
        let Some(first) = items.first() else { return Ok(None) };
        let axis = crate::graph::normalize_axis(axis, first.shape.len() + 1)?;
        let mut shape = first.shape.clone();
        shape.insert(axis, items.len());
        if !is_sliced_by_words(first.dtype, &shape, axis) {
            return Ok(None);
        }
        let bytes = byte_count(first.dtype, &first.shape)? as u64;
        let whole = byte_count(first.dtype, &shape)?;
        let memory = first.device.allocate(device_bytes(whole), "stacked results")?;
        let parts: Vec<_> = items.iter().map(|item| (item.memory.clone(), 0..bytes)).collect();
        first.device.join(&parts, &memory)?;
        Ok(Some(DeviceTensor { shape, memory, ..first.clone() }))
    }
}

fn sized(item: &Placed) -> Result<(DType, &[usize])> {
    match (item.dtype(), item.shape()) {
        (Some(dtype), Some(shape)) => Ok((dtype, shape)),
        _ => Err(err!(InvalidModel, "only tensors can be stacked")),
    }
}

/// One tensor with a new axis, of the items in order.
fn stacked(items: &[Tensor], axis: i64, like: Option<&Fact>) -> Result<Tensor> {
    let Some(first) = items.first() else { return nothing(like) };
    let (dtype, item) = (first.dtype(), Shape::from(first.shape()));
    let axis = crate::graph::normalize_axis(axis, item.len() + 1)?;
    let inner: usize = item[axis..].iter().product();
    let mut shape = item.clone();
    shape.insert(axis, items.len());
    let mut out = Tensor::zeros(dtype, &shape)?;
    let (count, block) = (items.len(), inner.max(1));
    match dtype {
        DType::Str => {
            let to = out.view_mut().into_strings()?;
            for (k, tensor) in items.iter().enumerate() {
                for (o, from) in tensor.view().strings()?.chunks(block).enumerate() {
                    to[(o * count + k) * inner..][..inner].clone_from_slice(from);
                }
            }
        }
        dtype if dtype.is_packed() => {
            let mut codes = vec![0i16; out.len()];
            for (k, tensor) in items.iter().enumerate() {
                for (o, from) in tensor.view().unpacked()?.chunks(block).enumerate() {
                    codes[(o * count + k) * inner..][..inner].copy_from_slice(from);
                }
            }
            out.view_mut().pack(&codes)?;
        }
        dtype => for_width!(dtype, T => {
            let to = out.view_mut().into_units::<T>()?;
            for (k, tensor) in items.iter().enumerate() {
                for (o, from) in tensor.view().units::<T>().chunks(block).enumerate() {
                    to[(o * count + k) * inner..][..inner].copy_from_slice(from);
                }
            }
            Ok(())
        })?,
    }
    Ok(out)
}

/// No items: the declared shape with 0 of them, sizes that are not declared being 0 too.
fn nothing(like: Option<&Fact>) -> Result<Tensor> {
    let dtype = like.and_then(Fact::dtype);
    let dtype = dtype
        .ok_or_else(|| err!(InvalidModel, "no iteration ran, and the type of a stack is not declared"))?;
    let dims = like.and_then(|fact| fact.dims.as_ref()).into_iter().flatten();
    let shape: Shape = std::iter::once(0).chain(dims.map(|dim: &Dim| dim.size().unwrap_or(0))).collect();
    Tensor::zeros(dtype, &shape)
}
