//! FusedDequantize on the CPU: a stretch at a time goes through all steps while it is in the first cache.

use super::broadcast::{Broadcast, CHUNK};
use super::bytes::{scales, zero_points};
use super::packed_product::vector_function;
use super::{Io, Kernel, RunContext};
use crate::ops::fused_activation::FusedActivation;
use crate::ops::fused_dequantize::{Function, FusedDequantize};
use crate::{DType, Result, View};
use edgewise_simd::fused_dequantize::{Addend, Factor, Numbers, Scale, bytes, numbers};
use edgewise_simd::quantize::{Scales, Span, quantize};
use edgewise_simd::softmax::softmax;
use edgewise_simd::{Isa, elementwise};
use std::ops::Range;

/// Numbers on their way: 4 KiB.
const STRETCH: usize = 1 << 10;

impl Kernel for FusedDequantize {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, y, cx) = (io.input(0)?, io.output(0)?, io.context());
        let addends = [Operand::new(io.optional(4)?)?, Operand::new(io.optional(5)?)?];
        let job = Job {
            from: scale(io, [1, 2], x.dtype() == DType::I8)?,
            factor: factor(io, self.divide)?,
            function: self.function,
            walk: Broadcast::new(x.shape(), [addends[0].shape, addends[1].shape])?,
            addends,
            row: x.shape().last().copied().unwrap_or(1).max(1),
            x: x.bytes(),
        };
        if io.optional(6)?.is_none() {
            return job
                .stretches(cx, y.into_slice()?, |start, y, room| job.to_floats(start, y, &mut room.sums));
        }
        let to = scale(io, [6, 7], y.dtype() == DType::I8)?;
        job.stretches(cx, y.into_units::<u8>()?, |start, y, room| job.to_bytes(start, to, y, room))
    }
}

/// What is done to every stretch.
struct Job<'a> {
    x: &'a [u8],
    from: Scale,
    factor: Option<Factor>,
    addends: [Operand<'a>; 2],
    walk: Broadcast<2>,
    function: Function,
    /// Elements along the last axis.
    row: usize,
}

impl Job<'_> {
    /// Does it on all threads; `work` gets where each stretch begins.
    fn stretches<Y: Send>(
        &self,
        cx: &RunContext<'_>,
        y: &mut [Y],
        work: impl Fn(usize, &mut [Y], &mut Room) + Sync,
    ) -> Result<()> {
        ensure!(y.len() == self.x.len(), Internal, "{} elements do not fill {}", self.x.len(), y.len());
        let stretch = match self.function {
            // Rows stay whole.
            Function::Softmax => (STRETCH / self.row).max(1) * self.row,
            Function::Activation(_) => STRETCH,
        };
        let chunk = (CHUNK / stretch).max(1) * stretch;
        cx.pool.chunks(y, chunk, |i, y| {
            cx.check()?;
            let mut room = Room::default();
            for (k, y) in y.chunks_mut(stretch).enumerate() {
                work(i * chunk + k * stretch, y, &mut room);
            }
            Ok(())
        })
    }

    /// For every run of the `len` elements from `start` on: its place in them, its bytes, and what they become.
    fn runs(&self, start: usize, len: usize) -> impl Iterator<Item = (Range<usize>, &[u8], Numbers<'_>)> {
        let addend = |i: usize, at: usize, len: usize| {
            let data = self.addends[i].data?;
            let moves = self.walk.step(i) == 1;
            Some(if moves { Addend::Each(&data[at..][..len]) } else { Addend::All(data[at]) })
        };
        self.walk.runs(start..start + len).map(move |run| {
            let addends = [0, 1].map(|i| addend(i, run.at[i], run.out.len()));
            let numbers = Numbers { from: self.from, factor: self.factor, addends };
            (run.out.start - start..run.out.end - start, &self.x[run.out], numbers)
        })
    }

    fn to_sums(&self, start: usize, y: &mut [f32]) {
        for (place, x, steps) in self.runs(start, y.len()) {
            numbers(Isa::current(), &steps, x, &mut y[place]);
        }
    }

    fn to_floats(&self, start: usize, y: &mut [f32], sums: &mut Vec<f32>) {
        let isa = Isa::current();
        let Function::Activation(activation) = self.function else {
            sums.resize(y.len(), 0.0);
            self.to_sums(start, sums);
            return softmax(isa, sums, y, self.row);
        };
        self.to_sums(start, y);
        match vector_function(activation) {
            Some(function) => elementwise::unary_in_place(isa, function, y),
            None if activation == FusedActivation::None => {}
            None => y.iter_mut().for_each(|y| *y = activation.apply(*y)),
        }
    }

    fn to_bytes(&self, start: usize, to: Scale, y: &mut [u8], room: &mut Room) {
        if self.function == Function::default() {
            for (place, x, steps) in self.runs(start, y.len()) {
                bytes(Isa::current(), &steps, x, to, &mut y[place]);
            }
            return;
        }
        let Room { sums, floats } = room;
        floats.resize(y.len(), 0.0);
        self.to_floats(start, floats, sums);
        let scales = Scales { scale: &[to.scale], zero: &[to.zero], along: false, signed: to.signed };
        quantize(Isa::current(), scales, floats, y, &mut [Span { len: y.len(), at: 0 }].into_iter());
    }
}

/// What a stretch is between two steps.
#[derive(Default)]
struct Room {
    sums: Vec<f32>,
    floats: Vec<f32>,
}

/// What is added, if anything is.
struct Operand<'a> {
    data: Option<&'a [f32]>,
    shape: &'a [usize],
}

impl<'a> Operand<'a> {
    fn new(view: Option<View<'a>>) -> Result<Operand<'a>> {
        let data = view.map(|view| view.slice::<f32>()).transpose()?;
        Ok(Operand { data, shape: view.map_or(&[], |view| view.shape()) })
    }
}

/// The one scale and zero point at those inputs.
fn scale(io: &Io<'_>, [scale, zero]: [usize; 2], signed: bool) -> Result<Scale> {
    let (scale, zero) = (scales(io, scale, 1, 1)?, zero_points(io, zero, 1, 1)?);
    Ok(Scale { scale: scale.at(0), zero: zero.at(0), signed })
}

fn factor(io: &Io<'_>, divide: bool) -> Result<Option<Factor>> {
    let Some(factor) = io.optional(3)? else { return Ok(None) };
    let one = factor.len() == 1;
    ensure!(one, InvalidInput, "the factor must be one number, got {:?}", factor.shape());
    let factor = factor.slice::<f32>()?[0];
    Ok(Some(if divide { Factor::Over(factor) } else { Factor::Times(factor) }))
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{DType, Result, Tensor, Value};

    fn value(tensor: Tensor) -> Option<Value> {
        Some(tensor.into())
    }

    fn fused(attrs: &[(&str, Attr)], inputs: &[Option<Value>]) -> Result<Tensor> {
        Ok(run(("edgewise", "FusedDequantize", 1), attrs, inputs, 1)?[0].tensor()?.clone())
    }

    #[test]
    fn steps_come_in_the_stated_order() {
        let x = value(Tensor::new(&[1, 3], &[0u8, 10, 20]).unwrap());
        let (half, ten) = (value(Tensor::scalar(0.5f32)), value(Tensor::scalar(10u8)));
        let (two, bias) = (value(Tensor::scalar(2f32)), value(Tensor::new(&[3], &[1f32, 2.0, 3.0]).unwrap()));
        let sum = value(Tensor::new(&[1, 1], &[-4f32]).unwrap());
        let relu = [("activation", Attr::Str("Relu".into()))];
        let inputs = [x, half.clone(), ten, two, bias, sum];
        let y = fused(&relu, &inputs).unwrap();
        assert_eq!(y.slice::<f32>().unwrap(), [0.0, 0.0, 9.0]);
        let y = fused(&[("divide", Attr::Int(1))], &inputs).unwrap();
        assert_eq!(y.slice::<f32>().unwrap(), [-5.5, -2.0, 1.5]);
        let bytes = [&inputs[..], &[half, value(Tensor::scalar(-3i8))]].concat();
        let y = fused(&relu, &bytes).unwrap();
        assert_eq!((y.dtype(), y.slice::<i8>().unwrap()), (DType::I8, &[-3i8, -3, 15][..]));
    }

    #[test]
    fn rows_of_any_length_become_distributions() {
        let one = value(Tensor::scalar(1f32));
        for (shape, each) in [([2, 1], 1.0), ([3, 2000], 0.0005), ([0, 4], 0.25), ([2, 0], 0.0)] {
            let x = value(Tensor::zeros(DType::U8, &shape).unwrap());
            let y = fused(&[("softmax", Attr::Int(1))], &[x, one.clone()]).unwrap();
            assert_eq!(y.shape(), shape);
            assert!(y.slice::<f32>().unwrap().iter().all(|y: &f32| (y - each).abs() < 1e-7));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (x, one) = (value(Tensor::zeros(DType::U8, &[1, 3]).unwrap()), value(Tensor::scalar(1f32)));
        let two = || value(Tensor::new(&[2], &[1f32, 2.0]).unwrap());
        let wide = value(Tensor::new(&[2, 3], &[0f32; 6]).unwrap());
        assert!(fused(&[], &[x.clone(), two()]).is_err());
        assert!(fused(&[], &[x.clone(), one.clone(), None, two()]).is_err());
        assert!(fused(&[], &[x.clone(), one.clone(), None, None, two()]).is_err());
        assert!(fused(&[], &[x.clone(), one.clone(), None, None, None, wide]).is_err());
        assert!(fused(&[], &[x, one.clone(), value(Tensor::scalar(0i8))]).is_err());
        assert!(fused(&[], &[value(Tensor::scalar(1u16)), one]).is_err());
    }
}
