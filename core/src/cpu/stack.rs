//! Slices of a tensor along an axis, and tensors stacked along a new one.

use crate::graph::Fact;
use crate::{DType, Dim, Result, Shape, Tensor};
use std::ops::Range;

/// Element `at` of `axis`, as a tensor without that axis.
pub fn slice_at(tensor: &Tensor, axis: usize, at: usize) -> Result<Tensor> {
    let rest: Shape =
        tensor.shape().iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, &d)| d).collect();
    slice_axis(tensor, axis, at..at + 1)?.reshaped(&rest)
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
pub struct Stack {
    items: Vec<Tensor>,
    bytes: u64,
    max_bytes: u64,
}

impl Stack {
    /// Empty; holds at most so many bytes.
    pub fn new(max_bytes: u64) -> Stack {
        Stack { items: Vec::new(), bytes: 0, max_bytes }
    }

    /// Adds one; it must be like the first.
    pub fn push(&mut self, tensor: Tensor) -> Result<()> {
        if let Some(first) = self.items.first() {
            ensure!(
                first.shape() == tensor.shape() && first.dtype() == tensor.dtype(),
                InvalidModel,
                "iterations give {first:?} and {tensor:?}, which cannot be stacked"
            );
        }
        self.bytes += tensor.bytes() as u64;
        ensure!(self.bytes <= self.max_bytes, LimitExceeded, "stacked results pass {} bytes", self.max_bytes);
        self.items.push(tensor);
        Ok(())
    }

    /// Adds zeros until there are so many.
    pub fn pad(&mut self, count: usize) -> Result<()> {
        let Some(first) = self.items.first() else { return Ok(()) };
        let zeros = Tensor::zeros(first.dtype(), first.shape())?;
        while self.items.len() < count {
            self.push(zeros.clone())?;
        }
        Ok(())
    }

    /// One tensor with a new axis, of the items in order or backward. `like` says what none of them look like.
    pub fn finish(mut self, axis: i64, backward: bool, like: Option<&Fact>) -> Result<Tensor> {
        if backward {
            self.items.reverse();
        }
        let Some(first) = self.items.first() else { return nothing(like) };
        let (dtype, item) = (first.dtype(), Shape::from(first.shape()));
        let axis = crate::graph::normalize_axis(axis, item.len() + 1)?;
        let inner: usize = item[axis..].iter().product();
        let mut shape = item.clone();
        shape.insert(axis, self.items.len());
        let mut out = Tensor::zeros(dtype, &shape)?;
        let (count, block) = (self.items.len(), inner.max(1));
        match dtype {
            DType::Str => {
                let to = out.view_mut().into_strings()?;
                for (k, tensor) in self.items.iter().enumerate() {
                    for (o, from) in tensor.view().strings()?.chunks(block).enumerate() {
                        to[(o * count + k) * inner..][..inner].clone_from_slice(from);
                    }
                }
            }
            dtype if dtype.is_packed() => {
                let mut codes = vec![0i16; out.len()];
                for (k, tensor) in self.items.iter().enumerate() {
                    for (o, from) in tensor.view().unpacked()?.chunks(block).enumerate() {
                        codes[(o * count + k) * inner..][..inner].copy_from_slice(from);
                    }
                }
                out.view_mut().pack(&codes)?;
            }
            dtype => for_width!(dtype, T => {
                let to = out.view_mut().into_units::<T>()?;
                for (k, tensor) in self.items.iter().enumerate() {
                    for (o, from) in tensor.view().units::<T>().chunks(block).enumerate() {
                        to[(o * count + k) * inner..][..inner].copy_from_slice(from);
                    }
                }
                Ok(())
            })?,
        }
        Ok(out)
    }
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
