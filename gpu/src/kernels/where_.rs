//! Where: the elements of one tensor or another, as a third one says.

use super::Kernel;
use super::binary::output_type;
use super::shared::{
    Axis, Parameters, broadcast, count, groups, input_type, merged, mover, ranks_fit, words,
};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::where_::Where;

pub static SHADER: Shader = shader!("where_", 3, 1);

pub fn lower(gpu: &Gpu, _: &Where, node: &Lowered<'_>) -> Result<Kernel> {
    let Some((unit, _)) = input_type(node, 1).and_then(mover) else { return Ok(None) };
    if !ranks_fit(node) {
        return Ok(None);
    }
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &[("KIND", unit as u32)]));
    Ok(Some(Box::new(Lower { pipeline })))
}

struct Lower {
    pipeline: PipelineId,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let shape = cx.output(0)?;
        let dtype = output_type(cx)?;
        let (unit, units) = mover(dtype).ok_or_else(|| err!(Internal, "{dtype} elements do not move"))?;
        let len = count(&shape) * units;
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let mut axes = broadcast(&shape, [&cx.input(0)?, &cx.input(1)?, &cx.input(2)?]);
        if units > 1 {
            // Both units of an element have one condition.
            let spread =
                |axis: &mut Axis<3>| axis.steps.iter_mut().skip(1).for_each(|step| *step *= units as i64);
            axes.iter_mut().for_each(spread);
            axes.push(Axis { size: units, steps: [0, 1, 1] });
            axes = merged(axes);
        }
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), Operand::Input(1), Operand::Input(2), Operand::Output(0)],
            parameters: Parameters::walk(unit, len, 0, &axes)?.0,
            groups: groups(words(unit, len))?,
        }))
    }
}
