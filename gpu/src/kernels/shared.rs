//! What kernels share on the host: how work is divided into groups, how parameters are written down, and how a
//! tensor's axes are walked.

use edgewise_core::device::{
    Already, Binding, Bound, Common, DeviceKernel, Launch, Lowered, Operand, PipelineId, device_bytes,
};
use edgewise_core::graph::Fact;
use edgewise_core::{DType, Dim, Result};

/// Invocations of a group, of kernels whose groups are one-dimensional (`common/index.wgsl`).
pub const GROUP: usize = 64;
/// Groups along one dimension that every GPU can launch.
const MOST_GROUPS: usize = 65_535;
/// Axes that kernels walk; those that are walked as one count as one.
pub const MOST_AXES: usize = 8;

/// The groups for so many invocations.
pub fn groups(invocations: usize) -> Result<[u32; 3]> {
    rows_of_groups(invocations.div_ceil(GROUP))
}

/// So many groups, in rows where one dimension does not hold them.
pub fn rows_of_groups(groups: usize) -> Result<[u32; 3]> {
    let x = groups.min(MOST_GROUPS);
    let y = groups.div_ceil(x.max(1));
    ensure!(y <= MOST_GROUPS, LimitExceeded, "{groups} groups are too many for one launch");
    Ok([x as u32, y as u32, 1])
}

/// The number of a type's kind, in `common/element.wgsl`.
pub fn kind(dtype: DType) -> u32 {
    dtype as u32
}

/// Whether elements lie one, two or four in a word, and not in several.
pub fn in_words(dtype: DType) -> bool {
    matches!(dtype.bits(), 8 | 16 | 32) && (kind(dtype) <= kind(DType::U32) || dtype == DType::BF16)
}

/// Floats of 8 and of 4 bits, as `common/minifloat.wgsl` has them.
pub fn is_minifloat(dtype: DType) -> bool {
    dtype.is_float() && dtype.bits() < 16
}

/// Floats that kernels compute with, in f32.
pub fn is_float(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::F16 | DType::BF16)
}

/// Integers of 8, 16 and 32 bits.
pub fn is_integer(dtype: DType) -> bool {
    dtype.is_integer() && matches!(dtype.bits(), 8 | 16 | 32)
}

/// Integers of 64 bits.
pub fn is_wide(dtype: DType) -> bool {
    matches!(dtype, DType::I64 | DType::U64)
}

/// What elements of that type are moved as: a type of at most a word that stands for all of its width, and how
/// many of those an element is.
pub fn mover(dtype: DType) -> Option<(DType, usize)> {
    match dtype.bits() {
        8 => Some((DType::U8, 1)),
        16 => Some((DType::U16, 1)),
        32 => Some((DType::U32, 1)),
        bits @ (64 | 128) => Some((DType::U32, bits / 32)),
        _ => None,
    }
}

/// Words that so many elements take.
pub fn words(dtype: DType, len: usize) -> usize {
    (len * dtype.bits()).div_ceil(32)
}

/// A size as a parameter.
pub fn word(size: usize) -> Result<u32> {
    u32::try_from(size).map_err(|_| err!(LimitExceeded, "{size} elements are too many for one launch"))
}

/// How many elements a shape has.
pub fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// The type of input `i`.
pub fn input_type(node: &Lowered<'_>, i: usize) -> Option<DType> {
    node.fact(i)?.dtype()
}

/// Whether the rank of every input and output is known and can be walked.
pub fn ranks_fit(node: &Lowered<'_>) -> bool {
    can_be_walked(node.inputs) && can_be_walked(node.outputs)
}

/// Whether their ranks are known and can be walked.
pub fn can_be_walked(facts: &[Option<&Fact>]) -> bool {
    let fits = |fact: &Fact| fact.dims.as_ref().is_some_and(|dims| dims.len() <= MOST_AXES);
    facts.iter().copied().flatten().all(fits)
}

/// An axis of the work: its size, and the steps between neighbors in each of `N` operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis<const N: usize> {
    pub size: usize,
    pub steps: [i64; N],
}

/// The axes of `shape`, to which operands of those shapes broadcast.
pub fn broadcast<const N: usize>(shape: &[usize], operands: [&[usize]; N]) -> Vec<Axis<N>> {
    let mut axes: Vec<Axis<N>> = shape.iter().map(|&size| Axis { size, steps: [0; N] }).collect();
    for (n, operand) in operands.into_iter().enumerate() {
        let mut step = 1;
        for (axis, &size) in axes.iter_mut().rev().zip(operand.iter().rev()) {
            if size != 1
                && let Some(at) = axis.steps.get_mut(n)
            {
                *at = step;
            }
            step *= size as i64;
        }
    }
    merged(axes)
}

/// The same walk by as few axes as possible: those of one element go, and neighbors become one where every
/// operand goes on evenly.
pub fn merged<const N: usize>(axes: Vec<Axis<N>>) -> Vec<Axis<N>> {
    let mut out: Vec<Axis<N>> = Vec::with_capacity(axes.len());
    for axis in axes.into_iter().filter(|axis| axis.size != 1) {
        let even = |outer: &Axis<N>| {
            outer.steps.iter().zip(&axis.steps).all(|(outer, inner)| *outer == inner * axis.size as i64)
        };
        match out.last_mut() {
            Some(outer) if even(outer) => *outer = Axis { size: outer.size * axis.size, steps: axis.steps },
            _ => out.push(axis),
        }
    }
    out
}

/// The words of a launch's parameters.
#[derive(Clone, Debug, Default)]
pub struct Parameters(pub Vec<u32>);

impl Parameters {
    /// Floats.
    pub fn floats(mut self, floats: &[f32]) -> Parameters {
        self.0.extend(floats.iter().map(|x| x.to_bits()));
        self
    }

    /// What `common/walk.wgsl` reads: the way through an output of that type and so many elements.
    pub fn walk<const N: usize>(
        dtype: DType,
        len: usize,
        extra: u32,
        axes: &[Axis<N>],
    ) -> Result<Parameters> {
        Parameters(vec![word(len)?, word(words(dtype, len))?, word(axes.len())?, extra]).axes(axes)
    }

    /// Axes, of which the shader has an `array<vec4<u32>, 8>`: size and steps, which wrap where they are
    /// negative.
    pub fn axes<const N: usize>(mut self, axes: &[Axis<N>]) -> Result<Parameters> {
        ensure!(
            axes.len() <= MOST_AXES && N <= 3,
            Unsupported,
            "{} axes that are walked apart; the GPU takes {MOST_AXES}",
            axes.len()
        );
        for i in 0..MOST_AXES {
            let mut row = [0; 4];
            if let Some(axis) = axes.get(i) {
                let steps = axis.steps.iter().map(|&step| step as u32);
                let words = std::iter::once(word(axis.size)?).chain(steps);
                row.iter_mut().zip(words).for_each(|(to, from)| *to = from);
            }
            self.0.extend(row);
        }
        Ok(self)
    }
}

/// Appends the launches of one kernel to another one's, which says by `named` what are the inputs and outputs of the
/// first. Its words of the status lie behind those of the other one.
pub fn append(bound: &mut Bound, inner: Bound, named: impl Fn(Operand) -> Operand) {
    let (first, launches) = (bound.scratch.len(), bound.launches.len());
    bound.checks.extend(inner.checks);
    bound.common.extend(inner.common.into_iter().map(|common| Common {
        launch: launches + common.launch,
        makes: common.makes.into_iter().map(|i| first + i).collect(),
    }));
    bound.scratch.extend(inner.scratch);
    let renamed = |mut launch: Launch<Operand>| {
        for buffer in &mut launch.buffers {
            *buffer = match buffer.clone() {
                Operand::Scratch(i) => Operand::Scratch(first + i),
                other => named(other),
            };
        }
        launch
    };
    bound.already.extend(inner.already.into_iter().map(|already| Already {
        launch: renamed(already.launch),
        makes: already.makes.into_iter().map(|i| first + i).collect(),
    }));
    bound.launches.extend(inner.launches.into_iter().map(renamed));
}

/// Where a launch puts down what is wrong, and in which word: the run's status, or memory of its own that nobody reads.
pub fn told(bound: &mut Bound, word: Option<usize>) -> Result<(Operand, u32)> {
    match word {
        Some(at) => Ok((Operand::Status, self::word(at)?)),
        None => {
            bound.scratch.push(device_bytes(0));
            Ok((Operand::Scratch(bound.scratch.len() - 1), 0))
        }
    }
}

/// What [`append`] calls output 0, where inputs keep their names.
pub fn into(output: &Operand) -> impl Fn(Operand) -> Operand {
    move |operand| match operand {
        Operand::Output(_) => output.clone(),
        other => other,
    }
}

/// The integers of input `i`, from which sizes follow: so that they are known when sizes are numbers. Before a
/// node whose sizes are not known the executor stops, and reads them.
pub fn known_ints(cx: &Binding<'_>, i: usize) -> Option<Vec<i64>> {
    let known = || cx.inputs.get(i).copied().flatten()?.ints()?.iter().map(Dim::known).collect();
    // Where there are none, nobody had to ask for them.
    let none = || cx.optional(i).filter(|shape| count(shape) == 0).map(|_| Vec::new());
    cx.ints(i).or_else(known).or_else(none)
}

/// Whether the integers of input `i`, if it is there, will be known when sizes are numbers.
pub fn will_be_known(node: &Lowered<'_>, i: usize) -> bool {
    node.fact(i).is_none_or(|fact| fact.known.is_some())
}

/// Input 0 to output 0, word by word, with parameters that do not depend on sizes: `words` comes first.
pub struct Map {
    /// What computes it.
    pub pipeline: PipelineId,
    /// What follows the number of words.
    pub parameters: Vec<u32>,
    /// Of both.
    pub dtype: DType,
    /// Inputs whose elements are in the parameters.
    pub on_host: &'static [usize],
}

impl DeviceKernel for Map {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let words = words(self.dtype, count(&cx.output(0)?));
        if words == 0 {
            return Ok(Bound::nothing());
        }
        let mut parameters = vec![word(words)?];
        parameters.extend(&self.parameters);
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), Operand::Output(0)],
            parameters,
            groups: groups(words)?,
        }))
    }

    fn on_host(&self) -> &[usize] {
        self.on_host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_beyond_one_dimension_lies_in_rows() {
        assert_eq!(groups(0).unwrap(), [0, 0, 1]);
        assert_eq!(groups(65).unwrap(), [2, 1, 1]);
        assert_eq!(groups(65_536 * GROUP).unwrap(), [65_535, 2, 1]);
        assert!(groups(usize::MAX / 2).is_err());
    }

    #[test]
    fn axes_that_go_on_evenly_become_one() {
        let plain = broadcast(&[2, 3, 4], [&[2, 3, 4], &[2, 3, 4]]);
        assert_eq!(plain, [Axis { size: 24, steps: [1, 1] }]);
        let row = broadcast(&[2, 3, 4], [&[2, 3, 4], &[4]]);
        assert_eq!(row, [Axis { size: 6, steps: [4, 0] }, Axis { size: 4, steps: [1, 1] }]);
        let scalar = broadcast(&[2, 3], [&[2, 3], &[]]);
        assert_eq!(scalar, [Axis { size: 6, steps: [1, 0] }]);
        assert_eq!(broadcast(&[1, 1], [&[1], &[]]), []);
    }
}
