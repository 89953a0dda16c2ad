//! A case: a node at the sizes that a model has, and what work it is.

use crate::work::Work;
use anyhow::Result;
use edgewise_bench::random::Random;
use edgewise_core::{DType, Tensor};
use edgewise_gpu::alone::Alone;
use std::fmt;

/// What makes a case's node: tensors are only made of cases that are wanted.
type Make = Box<dyn Fn() -> edgewise_core::Result<Alone>>;

pub struct Case {
    pub family: &'static str,
    pub name: String,
    pub work: Work,
    make: Make,
}

impl Case {
    pub fn new(
        family: &'static str,
        name: String,
        work: Work,
        make: impl Fn() -> edgewise_core::Result<Alone> + 'static,
    ) -> Case {
        Case { family, name, work, make: Box::new(make) }
    }

    /// The node and what it is given.
    pub fn alone(&self) -> Result<Alone> {
        Ok((self.make)()?)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.family, self.name)
    }
}

/// How many elements a shape has.
pub fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Numbers of mean 0 and deviation 1.
pub fn floats(shape: &[usize]) -> edgewise_core::Result<Tensor> {
    let mut random = Random(count(shape) as u64);
    let numbers: Vec<f32> = (0..count(shape)).map(|_| random.normal()).collect();
    Tensor::new(shape, &numbers)
}

/// Small numbers above zero, as scales are.
pub fn scales(shape: &[usize]) -> edgewise_core::Result<Tensor> {
    let mut random = Random(count(shape) as u64);
    let numbers: Vec<f32> = (0..count(shape)).map(|_| 0.01 + random.below(100) as f32 * 1e-4).collect();
    Tensor::new(shape, &numbers)
}

/// Bytes of any kind.
pub fn bytes(dtype: DType, shape: &[usize]) -> edgewise_core::Result<Tensor> {
    let mut random = Random(count(shape) as u64);
    let bytes: Vec<u8> = (0..count(shape)).map(|_| random.bits() as u8).collect();
    Tensor::from_bytes(dtype, shape, &bytes)
}

/// One number.
pub fn scale(x: f32) -> Tensor {
    Tensor::scalar(x)
}

/// One zero point.
pub fn zero(dtype: DType, byte: u8) -> edgewise_core::Result<Tensor> {
    Tensor::from_bytes(dtype, &[], &[byte])
}
