//! ConvTranspose on the CPU: a convolution whose windows look backward, through the strides. Images with the
//! channels last are turned around first.

use super::conv::{Convolution, check_bias};
use super::in_f32::in_f32;
use super::packed_conv_transpose::PackedConvTranspose;
use super::turn::{channels_second, turn_result, turned};
use super::window::Windows;
use super::{Io, Kernel, Lowering};
use crate::ops::conv_transpose::ConvTranspose;
use crate::{Float, Num, Result};
use std::borrow::Cow;

impl Kernel for ConvTranspose {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        Ok(PackedConvTranspose::new(self, cx)?.map(|(dtype, conv)| in_f32(dtype, conv, self)))
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, w, y) = (io.input(0)?, io.input(1)?, io.output(0)?);
        let bias = io.optional(2)?;
        let shape = channels_second(x.shape(), self.channels_last);
        let windows = Windows::new(self.axes(&shape, w.shape())?, true);
        let conv = Convolution::transposed(windows, shape[0], self.groups, w.shape());
        let (cells, pixels, channels) = (conv.windows.cells(), conv.windows.pixels(), conv.channels());
        check_bias(bias.map(|b| b.len()), channels)?;
        for_float!(x.dtype(), T => {
            let bias = bias.map(|b| b.slice::<T>()).transpose()?;
            let mut x = Cow::Borrowed(x.slice::<T>()?);
            if self.channels_last {
                x = Cow::Owned(turned(&x, cells, shape[1])?);
            }
            let compute = |y: &mut [T]| conv.run(
                io.context(),
                (&x, |x: T| x.widen()),
                (w.slice::<T>()?, |w: T, _| w.widen()),
                y,
                |row, _, sums, out| {
                    let bias = bias.map(|b| b[row % channels].widen());
                    for (y, &sum) in out.iter_mut().zip(sums) {
                        *y = T::narrow(bias.map_or(sum, |b| sum.add(b)));
                    }
                },
            );
            let y = y.into_slice::<T>()?;
            match self.channels_last {
                true => turn_result(y, channels, pixels, compute),
                false => compute(y),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    fn spread(attrs: &[(&str, Attr)]) -> crate::Result<Vec<f32>> {
        let x = Tensor::new(&[1, 1, 2], &[1f32, 2.0])?;
        let w = Tensor::new(&[1, 1, 3], &[1f32, 10.0, 100.0])?;
        let y = run(("", "ConvTranspose", 11), attrs, &[Some(x.into()), Some(w.into())], 1)?;
        Ok(y[0].tensor()?.slice::<f32>()?.to_vec())
    }

    fn ints(name: &'static str, values: &[i64]) -> (&'static str, Attr) {
        (name, Attr::Ints(values.to_vec()))
    }

    #[test]
    fn strides_dilations_and_padding() {
        assert_eq!(spread(&[]).unwrap(), [1.0, 12.0, 120.0, 200.0]);
        assert_eq!(spread(&[ints("strides", &[2])]).unwrap(), [1.0, 10.0, 102.0, 20.0, 200.0]);
        assert_eq!(spread(&[ints("dilations", &[2])]).unwrap(), [1.0, 2.0, 10.0, 20.0, 100.0, 200.0]);
        assert_eq!(spread(&[ints("pads", &[1, 2])]).unwrap(), [12.0]);
        assert_eq!(spread(&[ints("output_padding", &[1])]).unwrap(), [1.0, 12.0, 120.0, 200.0, 0.0]);
    }

    #[test]
    fn a_given_output_shape_decides_the_padding() {
        assert_eq!(spread(&[ints("output_shape", &[3])]).unwrap(), [12.0, 120.0, 200.0]);
        let upper = ("auto_pad", Attr::Str("SAME_UPPER".into()));
        assert_eq!(spread(&[ints("output_shape", &[3]), upper]).unwrap(), [1.0, 12.0, 120.0]);
        let padded = spread(&[ints("output_shape", &[1, 1, 6])]).unwrap();
        assert_eq!(padded, [1.0, 12.0, 120.0, 200.0, 0.0, 0.0]);
        assert!(spread(&[ints("pads", &[5, 5])]).is_err());
        assert!(spread(&[ints("output_shape", &[3, 3])]).is_err());
    }
}
