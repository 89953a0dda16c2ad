//! Tile: a copy in which every axis became two, the outer one standing still.

use super::Kernel;
use super::copy::{Copy, Part};
use super::shared::{MOST_AXES, input_type};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand};
use edgewise_core::ops::tile::Tile;
use edgewise_core::{Result, strides};

pub fn lower(gpu: &Gpu, _: &Tile, node: &Lowered<'_>) -> Result<Kernel> {
    let rank = node.fact(0).and_then(|fact| Some(fact.dims.as_ref()?.len()));
    let fits = rank.is_some_and(|rank| 2 * rank <= MOST_AXES);
    let copy = input_type(node, 0).and_then(|dtype| Copy::of(gpu, dtype)).filter(|_| fits);
    Ok(copy.map(|copy| Box::new(Lower(copy)) as _))
}

struct Lower(Copy);

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let of = |((&size, &whole), &step): ((&usize, &usize), &usize)| {
            [Part::whole(whole / size.max(1), 0), Part::whole(size, step as i64)]
        };
        let parts: Vec<Part> = x.iter().zip(&y).zip(&strides(&x)).flat_map(of).collect();
        let launch = self.0.launch(0, &parts, [Operand::Input(0), Operand::Output(0)])?;
        Ok(launch.map_or_else(Bound::nothing, Bound::one))
    }

    /// How often each axis repeats follows from the shapes.
    fn on_host(&self) -> &[usize] {
        &[1, 2]
    }
}
