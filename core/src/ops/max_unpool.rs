//! MaxUnpool: puts what MaxPool took back where it was, zeros elsewhere.
//!
//! The indices count through the tensor that the window's sizes imply; a given `output_shape` only adds
//! zeros after it along each axis. bf16 since opset 22.

use super::window::Window;
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// MaxUnpool.
#[derive(Clone, Debug)]
pub struct MaxUnpool {
    window: Window,
}

impl Operator for MaxUnpool {
    fn parse(a: &mut Attrs) -> Result<MaxUnpool> {
        a.arity(2..=3, 1..=1)?;
        let window = Window::parse(a, false)?;
        ensure!(!window.kernel.is_empty(), InvalidModel, "attribute 'kernel_shape' is required");
        Ok(MaxUnpool { window })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let implied = cx.dims(0).map(|x| self.implied(x)).transpose()?;
        let dims = match (cx.has(2), cx.ints(2)) {
            (false, _) => implied,
            (true, Some(shape)) => Some(Dims::from_vec(shape)),
            (true, None) => implied.map(|dims| dims.iter().map(|_| cx.unknown_dim()).collect()),
        };
        cx.set_tensor(0, cx.dtype(0)?, dims);
        Ok(())
    }
}

impl MaxUnpool {
    /// The dims that the window's sizes imply.
    pub fn implied(&self, x: &[Dim]) -> Result<Dims> {
        ensure!(x.len() >= 2, InvalidModel, "an image needs two axes at least, got {x:?}");
        let rank = x.len() - 2;
        self.window.check_rank(rank)?;
        let spatial = |(i, x): (usize, &Dim)| {
            let (stride, _) = self.window.steps(i);
            let (before, after) = self.window.pads(i, rank);
            let size = (x.clone() - Dim::from(1)) * Dim::from(stride);
            size + Dim::from(self.window.kernel[i]) - Dim::from(before) - Dim::from(after)
        };
        let mut dims = Dims::from(&x[..2]);
        dims.extend(x[2..].iter().enumerate().map(spatial));
        let negative = dims.iter().any(|d| d.known().is_some_and(|n| n < 0));
        ensure!(!negative, InvalidModel, "the pads of {:?} take more than there is", self.window);
        Ok(dims)
    }
}
