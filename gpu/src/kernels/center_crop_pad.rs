//! CenterCropPad: a frame of zeros around the middle, by the kernel of Pad.

use super::Kernel;
use super::pad::{Frame, Pads};
use super::shared::input_type;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered};
use edgewise_core::ops::center_crop_pad::CenterCropPad;
use edgewise_core::ops::pad::Mode;

pub fn lower(gpu: &Gpu, _: &CenterCropPad, node: &Lowered<'_>) -> Result<Kernel> {
    let frame = input_type(node, 0).and_then(|dtype| Frame::of(gpu, dtype, Mode::Constant, false));
    Ok(frame.filter(|frame| frame.takes(node)).map(|frame| Box::new(Lower(frame)) as _))
}

struct Lower(Frame);

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        // Of an odd difference the last element is the one that goes, or comes.
        let around = |(&from, &to): (&usize, &usize)| {
            let more = to as i64 - from as i64;
            (more / 2, more - more / 2)
        };
        let pads: Vec<Pads> = cx.input(0)?.iter().zip(&cx.output(0)?).map(around).collect();
        self.0.bind(cx, &pads, 0, None)
    }

    /// The shape is that of the output.
    fn on_host(&self) -> &[usize] {
        &[1]
    }
}
