//! QLinearWhere on the CPU: a table of all 256 values for each choice, then one look-up per element.

use super::broadcast::{triple, zip3};
use super::qlinear_elementwise::scale_and_zero;
use super::{Io, Kernel};
use crate::for_quantized;
use crate::ops::qlinear_where::QLinearWhere;
use crate::quant::{Quantized, look_up, table};
use crate::{Result, Shape, Truth};

impl Kernel for QLinearWhere {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (condition, a, b) = (io.input(0)?, io.input(1)?, io.input(4)?);
        for_quantized!(a.dtype(), T => {
            let (scale, zero) = scale_and_zero::<T>(io, 7)?;
            let table_of = |io: &Io<'_>, i: usize| -> Result<[T; 256]> {
                let (from_scale, from_zero) = scale_and_zero::<T>(io, i)?;
                Ok(table(|x: T| T::quantize(x.dequantize(from_scale, from_zero), scale, zero)))
            };
            let (of_a, of_b) = (table_of(io, 2)?, table_of(io, 5)?);
            let y = io.output(0)?;
            let shape = Shape::from_slice(y.shape());
            zip3(
                io.context(),
                (y.into_slice::<T>()?, &shape),
                (condition.slice::<Truth>()?, condition.shape()),
                (a.slice::<T>()?, a.shape()),
                (b.slice::<T>()?, b.shape()),
                &triple(|c: &Truth, &a, &b| if c.get() { look_up(&of_a, a) } else { look_up(&of_b, b) }),
            )
        })
    }
}
