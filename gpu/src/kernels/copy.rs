//! A strided copy: what most operators that move elements are made of.
//!
//! Elements of a word go one by one. Smaller ones share words, and an invocation must own what it writes: it
//! takes a word of the output and asks for each element in it where that comes from.

use super::shared::{Axis, MOST_AXES, Parameters, count, groups, merged, mover, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Launch, Operand, PipelineId};
use edgewise_core::{DType, Result};

pub static WORDS: Shader = shader!("copy", 1, 1);
pub static PACKED: Shader = shader!("copy_packed", 1, 1);

/// Copies of elements of one type.
#[derive(Clone, Copy)]
pub struct Copy {
    pipeline: PipelineId,
    unit: DType,
    /// Units of an element.
    units: usize,
}

/// Along one axis of the output: which part is written, and the step of the elements that go there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// The size of the output.
    pub whole: usize,
    /// Where the part begins.
    pub begin: usize,
    /// How long it is.
    pub size: usize,
    /// From one element to the next in the input; it may go backward.
    pub step: i64,
}

impl Part {
    /// A whole axis.
    pub fn whole(size: usize, step: i64) -> Part {
        Part { whole: size, begin: 0, size, step }
    }
}

impl Copy {
    /// Of elements of that type, if they can be moved.
    pub fn of(gpu: &Gpu, dtype: DType) -> Option<Copy> {
        let (unit, units) = mover(dtype)?;
        let variant = match unit {
            DType::U32 => Variant::new(&WORDS, &[]),
            unit => Variant::new(&PACKED, &[("KIND", unit as u32)]),
        };
        Some(Copy { pipeline: gpu.pipeline(variant), unit, units })
    }

    /// The launch that fills the parts of a dense output with the elements that begin at `from`; none for none.
    pub fn launch(
        &self,
        from: usize,
        parts: &[Part],
        buffers: [Operand; 2],
    ) -> Result<Option<Launch<Operand>>> {
        if parts.iter().any(|part| part.size == 0) {
            return Ok(None);
        }
        let buffers = buffers.to_vec();
        let launch = |(parameters, work): (Parameters, usize)| {
            Ok(Some(Launch {
                pipeline: self.pipeline,
                buffers,
                parameters: parameters.0,
                groups: groups(work)?,
            }))
        };
        launch(match self.unit {
            DType::U32 => self.by_words(from, parts)?,
            _ => self.by_lanes(from, parts)?,
        })
    }

    fn by_words(&self, from: usize, parts: &[Part]) -> Result<(Parameters, usize)> {
        let units = self.units as i64;
        let (mut axes, mut to, mut step) = (Vec::with_capacity(parts.len() + 1), 0, units);
        axes.push(Axis { size: self.units, steps: [1, 1] });
        for part in parts.iter().rev() {
            axes.push(Axis { size: part.size, steps: [part.step.wrapping_mul(units), step] });
            to += part.begin * step as usize;
            step *= part.whole as i64;
        }
        axes.reverse();
        let axes = merged(axes);
        let len = axes.iter().map(|axis| axis.size).product();
        let head = vec![word(len)?, word(axes.len())?, word(from * self.units)?, word(to)?];
        Ok((Parameters(head).axes(&axes)?, len))
    }

    fn by_lanes(&self, from: usize, parts: &[Part]) -> Result<(Parameters, usize)> {
        let whole: Vec<usize> = parts.iter().map(|part| part.whole).collect();
        let len = count(&whole);
        let (mut first, mut last) = (0, 0);
        for part in parts {
            first = first * part.whole + part.begin;
            last = last * part.whole + part.begin + part.size - 1;
        }
        let per = 32 / self.unit.bits();
        let (first, last) = (first / per, last / per);
        let parts = joined(parts);
        ensure!(parts.len() <= MOST_AXES, Unsupported, "{} axes that are copied apart", parts.len());
        let words = last - first + 1;
        let mut head = vec![word(len)?, word(words)?, word(parts.len())?, word(from)?, word(first)?, 0, 0, 0];
        for part in &parts {
            head.extend([word(part.whole)?, word(part.begin)?, word(part.size)?, part.step as u32]);
        }
        head.resize(8 + 4 * MOST_AXES, 0);
        Ok((Parameters(head), words))
    }
}

/// The same parts by fewer axes: a whole axis becomes one with the axis around it, where steps go on evenly.
fn joined(parts: &[Part]) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::with_capacity(parts.len());
    for &part in parts.iter().filter(|part| part.whole != 1) {
        let n = part.whole;
        let is_whole = part.begin == 0 && part.size == n;
        match out.last_mut() {
            Some(outer) if is_whole && outer.step == part.step.wrapping_mul(n as i64) => {
                *outer = Part {
                    whole: outer.whole * n,
                    begin: outer.begin * n,
                    size: outer.size * n,
                    step: part.step,
                };
            }
            _ => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_axes_become_one_with_the_part_around_them() {
        let part = Part { whole: 5, begin: 1, size: 2, step: 12 };
        let parts = [part, Part::whole(3, 4), Part::whole(4, 1)];
        assert_eq!(joined(&parts), [Part { whole: 60, begin: 12, size: 24, step: 1 }]);
        let backward = [Part::whole(3, -4), Part::whole(4, 1)];
        assert_eq!(joined(&backward), backward);
    }
}
