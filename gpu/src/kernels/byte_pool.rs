//! Pools of bytes: what those of maxima and of means share.

use super::Kernel;
use super::shared::{count, groups, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Operand, PipelineId};
use edgewise_core::ops::max_pool::spatial;
use edgewise_core::ops::window::{Axis, Window};
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("byte_pool", 1, 1);

/// Cells of a window up to which a sum of bytes fits an i32.
const CELLS: usize = 1 << 22;

/// A size along an axis.
type Size = fn(&Axis) -> usize;

/// A pool of bytes.
pub struct Pool {
    /// `None`: one window over everything.
    pub window: Option<Window>,
    pub channels_last: bool,
    /// What a mean needs; `None` for a maximum.
    pub mean: Option<Mean>,
}

/// What a mean needs.
#[derive(Clone, Copy)]
pub struct Mean {
    pub count_pads: bool,
    /// Scale and zero point of the image and of the result.
    pub x: (f32, i32),
    pub y: (f32, i32),
}

impl Pool {
    pub fn lower(self, gpu: &Gpu, dtype: DType, packed: &'static [usize]) -> Result<Kernel> {
        // Windows over more axes, and sums of more cells, are the host's.
        let cells = |window: &Window| window.kernel.iter().map(|&k| k as usize).product::<usize>();
        if self.window.as_ref().is_some_and(|window| window.kernel.len() > 3 || cells(window) > CELLS) {
            return Ok(None);
        }
        let constants = [("KIND", kind(dtype)), ("MEAN", self.mean.is_some().into())];
        Ok(Some(Box::new(Pooling {
            pipeline: gpu.pipeline(Variant::new(&SHADER, &constants)),
            pool: self,
            packed,
        })))
    }
}

struct Pooling {
    pipeline: PipelineId,
    pool: Pool,
    packed: &'static [usize],
}

impl DeviceKernel for Pooling {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let (len, words) = (count(&y), words(DType::U8, count(&y)));
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let Pool { window, channels_last, mean } = &self.pool;
        let image = spatial(&x, *channels_last)?;
        let axes = match window {
            Some(window) => {
                let kernel: Vec<usize> = window.kernel.iter().map(|&k| k as usize).collect();
                window.axes(image, &kernel)?
            }
            None => vec![whole(count(image))],
        };
        ensure!(
            count(image) < CELLS || window.is_some(),
            LimitExceeded,
            "an image of {image:?} is too large here"
        );
        let inner = if *channels_last { x.last().copied().unwrap_or(1) } else { 1 };
        let count_pads = mean.is_some_and(|mean| mean.count_pads);
        let mut parameters = vec![word(words)?, word(len)?, word(inner)?, count_pads.into()];
        parameters.extend(match *mean {
            Some(Mean { x, y, .. }) => [x.0.to_bits(), y.0.to_bits(), x.1 as u32, y.1 as u32],
            None => [0; 4],
        });
        let along: [(Size, u32); 7] = [
            (|axis| axis.input, 1),
            (|axis| axis.output, 1),
            (|axis| axis.kernel, 1),
            (|axis| axis.stride, 1),
            (|axis| axis.dilation, 1),
            (|axis| axis.before, 0),
            (|axis| axis.after, 0),
        ];
        for (size, none) in along {
            let mut all = [none, none, none, 0];
            for (to, axis) in all.iter_mut().skip(3usize.saturating_sub(axes.len())).zip(&axes) {
                *to = word(size(axis))?;
            }
            parameters.extend(all);
        }
        let buffers = vec![Operand::Input(0), Operand::Output(0)];
        Ok(Bound::one(Launch { pipeline: self.pipeline, buffers, parameters, groups: groups(words)? }))
    }

    fn packed(&self) -> &[usize] {
        self.packed
    }
}

/// One window over so many cells, in a row.
fn whole(cells: usize) -> Axis {
    Axis { input: cells, kernel: cells, stride: 1, dilation: 1, before: 0, after: 0, output: 1 }
}
