//! QLinearConvTranspose with constant parameters on edgewise-simd's kernels.

use super::bytes::{Bytes, Rounding};
use super::packed_conv_i8::{Columns, Requantizing};
use super::packed_i8::spread;
use super::phases::{Call, Phases, Product, suits};
use super::turn::channels_second;
use super::{Io, Kernel, Lowering, RunContext};
use crate::ops::qlinear_conv_transpose::{QLinearConvTranspose, WEIGHTS};
use crate::{Result, Shape};
use edgewise_simd::gemm_i8::{Job, PackedI8};
use edgewise_simd::{Lhs, MatrixMut};

/// A transposed convolution of which all but the image is known.
pub struct PackedConvTranspose {
    plain: QLinearConvTranspose,
    /// Input channels, output channels of a group, kernel.
    weights: Shape,
    x_zero: i32,
    phases: Phases<(PackedI8, Columns)>,
    /// How sums become bytes, and their zero point.
    rounding: (Rounding, i32),
    /// What outputs are that no tap meets.
    untouched: Vec<u8>,
}

impl PackedConvTranspose {
    /// `None` if some parameter is no constant, or not what the plain operator takes; that one says why.
    pub fn new(plain: &QLinearConvTranspose, cx: &Lowering<'_>) -> Result<Option<PackedConvTranspose>> {
        let Some(w) = cx.constant(WEIGHTS).filter(|w| suits(&plain.conv, w.shape())) else { return Ok(None) };
        let outs = w.shape()[1];
        let channels = outs * plain.conv.groups;
        let (Some(x_zeros), Some(w_zeros)) = (cx.zero_points(2)?, cx.zero_points(5)?) else {
            return Ok(None);
        };
        let (Ok(bytes), &[x_zero]) = (Bytes::new(w), &x_zeros[..]) else { return Ok(None) };
        let Some(scaling) = Requantizing::of(cx, channels)? else { return Ok(None) };
        let Some((rounding, zero)) = scaling.rounding else { return Ok(None) };
        if w_zeros.len() != 1 && w_zeros.len() != channels {
            return Ok(None);
        }
        let phases = Phases::new(&plain.conv, (bytes.data, w.shape()), |group, source, sizes| {
            let zeros = if w_zeros.len() == 1 { &w_zeros[..] } else { &w_zeros[group * outs..][..outs] };
            let rhs = PackedI8::new(source, bytes.signed, sizes, zeros)
                .map_err(|_| err!(OutOfMemory, "no memory to pack the weights"))?;
            let columns = scaling.columns(group * outs, rhs.padded_cols(), outs);
            Ok((rhs, columns))
        })?;
        let all = scaling.columns(0, channels, channels);
        let sum = |channel: usize| all.bias.as_ref().map_or(0, |bias| bias[channel]);
        let untouched = all.factor.iter().enumerate();
        let untouched = untouched.map(|(i, factor)| rounding.round(sum(i) as f32 * factor, zero)).collect();
        Ok(Some(PackedConvTranspose {
            plain: plain.clone(),
            weights: w.shape().into(),
            x_zero,
            phases,
            rounding: (rounding, zero),
            untouched,
        }))
    }
}

impl Kernel for PackedConvTranspose {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let channels_last = self.plain.conv.channels_last;
        let axes = self.plain.conv.axes(&channels_second(x.shape(), channels_last), &self.weights)?;
        if !self.phases.fits(&axes) {
            return self.plain.run(io);
        }
        let (x, cx) = (Bytes::new(x)?, io.context());
        let product = Integers { cx, signed: x.signed, conv: self };
        let call = Call { cx, axes: &axes, channels_last, product };
        self.phases.run(&call, x.data, io.output(0)?.into_units()?)
    }
}

/// Products of bytes, to bytes.
struct Integers<'a> {
    cx: &'a RunContext<'a>,
    /// Whether the image has i8.
    signed: bool,
    conv: &'a PackedConvTranspose,
}

impl Product<(PackedI8, Columns)> for Integers<'_> {
    type X = u8;
    type Y = u8;

    fn pad(&self) -> u8 {
        self.conv.x_zero as u8
    }

    fn multiply(
        &self,
        _: usize,
        (rhs, columns): &(PackedI8, Columns),
        lhs: Lhs<'_, u8>,
        to: MatrixMut<'_, u8>,
    ) -> Result<()> {
        let (rounding, zero) = self.conv.rounding;
        let bias = columns.bias.as_deref();
        let job = Job { lhs, signed: self.signed, zero: self.conv.x_zero, rhs, bias };
        spread(self.cx, &job, &rounding.epilogue(&columns.factor, zero), to)
    }

    fn untouched(&self, row: &mut [u8]) {
        row.copy_from_slice(&self.conv.untouched);
    }
}
