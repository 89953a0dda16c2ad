//! The reductions on the CPU.
//!
//! Sums and products of floats are kept in f64, or as exactly, and rounded once; those of integers wrap. Every output is
//! computed from its own elements in one order, whatever the threads.

use super::strided::{CHUNK, Offsets, Steps, Strided, dense_steps};
use super::{Io, Kernel, RunContext};
use crate::ops::reduce::{Reduce, Reduction};
use crate::{DType, Num, Result, Shape, Truth};
use edgewise_simd::{Isa, reduce as simd};

impl Kernel for Reduce {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let marked = self.axes.marked(&self.axes.read(io)?, x.rank())?;
        let groups = Groups::new(x.shape(), &marked);
        let (y, cx, kind) = (io.output(0)?, io.context(), self.kind);
        if x.dtype() == DType::Bool {
            let all = match kind {
                Reduction::ReduceMax => false,
                Reduction::ReduceMin => true,
                _ => bail!(Unsupported, "{kind:?} does not take bool elements"),
            };
            return groups.each(cx, x.slice::<Truth>()?, y.into_slice::<Truth>()?, |group| {
                let truth =
                    group.fold(all, |so_far, x| if all { so_far & x.get() } else { so_far | x.get() });
                Truth::from(truth)
            });
        }
        if x.dtype() == DType::F32 {
            return groups.each(cx, x.slice::<f32>()?, y.into_slice::<f32>()?, |group| {
                group.row().and_then(|row| reduce_row(kind, row)).unwrap_or_else(|| reduce(kind, &group))
            });
        }
        for_num!(x.dtype(), T => groups.each(cx, x.slice::<T>()?, y.into_slice::<T>()?, |g| reduce(kind, &g)))
    }
}

/// The reductions of neighbors that work on vectors.
fn reduce_row(kind: Reduction, row: &[f32]) -> Option<f32> {
    let isa = Isa::current();
    Some(match kind {
        Reduction::ReduceMax => simd::max(isa, row),
        Reduction::ReduceMin => simd::min(isa, row),
        Reduction::ReduceSum => simd::sum(isa, row) as f32,
        Reduction::ReduceMean => (simd::sum(isa, row) / row.len() as f64) as f32,
        _ => return None,
    })
}

fn reduce<T: Num>(kind: Reduction, group: &Group<'_, T>) -> T {
    let limit = |float, integer| if T::FLOAT { T::from_f64(float) } else { integer };
    match kind {
        Reduction::ReduceMax => group.fold(limit(f64::NEG_INFINITY, T::LOWEST), T::max_of),
        Reduction::ReduceMin => group.fold(limit(f64::INFINITY, T::HIGHEST), T::min_of),
        Reduction::ReduceSum => group.sum(|x| x, |x| x),
        Reduction::ReduceL1 => group.sum(f64::abs, T::abs),
        Reduction::ReduceSumSquare => group.sum(|x| x * x, |x| x.mul(x)),
        Reduction::ReduceProd if T::FLOAT => T::from_f64(group.fold(1.0, |p, x| p * x.to_f64())),
        Reduction::ReduceProd => group.fold(T::one(), T::mul),
        Reduction::ReduceMean if T::FLOAT => T::from_f64(group.sum_f64(|x| x) / group.len as f64),
        // Wide enough for a group of small integers; those of 64 bits wrap.
        Reduction::ReduceMean if size_of::<T>() < 8 => {
            T::from_i64(group.fold(0, |sum, x| x.to_i64().wrapping_add(sum)) / (group.len as i64).max(1))
        }
        Reduction::ReduceMean => group.sum(|x| x, |x| x).div(T::from_i64(group.len as i64)),
        Reduction::ReduceL2 => T::from_f64(group.sum_f64(|x| x * x).sqrt()),
        Reduction::ReduceLogSum => T::from_f64(group.sum_f64(|x| x).ln()),
        Reduction::ReduceLogSumExp => {
            let max = group.fold(f64::NEG_INFINITY, |max, x| max.max_of(x.to_f64()));
            // An infinite maximum would make NaN of infinity - infinity.
            let shift = if max.is_finite() { max } else { 0.0 };
            T::from_f64(group.sum_f64(|x| (x - shift).exp()).ln() + shift)
        }
    }
}

/// The groups of elements that become one each.
pub struct Groups {
    kept: Offsets,
    within: Strided,
    /// Elements of a group.
    len: usize,
}

/// One group.
pub struct Group<'a, T> {
    x: &'a [T],
    start: isize,
    within: &'a Strided,
    /// How many elements it has.
    pub len: usize,
}

impl Groups {
    /// For a tensor of that shape of which the `marked` axes are reduced.
    pub fn new(shape: &[usize], marked: &[bool]) -> Groups {
        let steps = dense_steps(shape);
        let part = |gone: bool| -> (Shape, Steps) {
            let axes = shape.iter().zip(&steps).zip(marked).filter(|(_, m)| **m == gone);
            axes.map(|((&d, &step), _)| (d, step)).unzip()
        };
        let ((kept, kept_steps), (gone, gone_steps)) = (part(false), part(true));
        Groups {
            kept: Offsets::new(&kept, &kept_steps),
            within: Strided::new(0, &gone, &gone_steps),
            len: gone.iter().product(),
        }
    }

    /// `y = f(group)` for every group.
    pub fn each<T: Copy + Sync, Y: Send>(
        &self,
        cx: &RunContext<'_>,
        x: &[T],
        y: &mut [Y],
        f: impl Fn(Group<'_, T>) -> Y + Sync,
    ) -> Result<()> {
        let chunk = CHUNK.div_ceil(self.len.max(1));
        cx.pool.chunks(y, chunk, |i, y| {
            cx.check()?;
            for (y, start) in y.iter_mut().zip(self.kept.clone().from(i * chunk)) {
                *y = f(Group { x, start, within: &self.within, len: self.len });
            }
            Ok(())
        })
    }
}

impl<T: Copy> Group<'_, T> {
    /// All elements, where there are any and they lie side by side.
    pub fn row(&self) -> Option<&[T]> {
        let (len, step) = self.within.row();
        (step == 1 && len == self.len && len > 0).then(|| &self.x[self.start as usize..][..len])
    }

    /// All elements, one after the other, into one.
    pub fn fold<A>(&self, init: A, f: impl Fn(A, T) -> A) -> A {
        let (len, step) = self.within.row();
        let mut so_far = init;
        for row in self.within.rows() {
            let start = self.start + row;
            if step == 1 {
                so_far = self.x[start as usize..][..len].iter().fold(so_far, |a, &x| f(a, x));
            } else {
                so_far = (0..len).fold(so_far, |a, k| f(a, self.x[(start + k as isize * step) as usize]));
            }
        }
        so_far
    }
}

impl<T: Num> Group<'_, T> {
    /// The sum of `f` of the elements, in f64.
    pub fn sum_f64(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.fold(0.0, |sum, x| sum + f(x.to_f64()))
    }

    /// The sum, in f64 for floats and wrapping for integers.
    fn sum(&self, floats: impl Fn(f64) -> f64, integers: impl Fn(T) -> T) -> T {
        if T::FLOAT {
            T::from_f64(self.sum_f64(floats))
        } else {
            self.fold(T::zero(), |sum, x| sum.add(integers(x)))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::{map_f32s, run};
    use crate::ops::Attr;
    use crate::{DType, Element, Tensor};

    fn axes(axes: &[i64]) -> [(&'static str, Attr); 2] {
        [("axes", Attr::Ints(axes.to_vec())), ("keepdims", Attr::Int(0))]
    }

    #[test]
    fn any_axes_can_go() {
        let x: Vec<f32> = (0..24).map(|x| x as f32).collect();
        let sum = |a: &[i64]| map_f32s(("", "ReduceSum", 11), &axes(a), &[2, 3, 4], &x);
        assert_eq!(sum(&[0, 2]), [60., 92., 124.]);
        assert_eq!(sum(&[-2]), [12., 15., 18., 21., 48., 51., 54., 57.]);
        assert_eq!(sum(&[]), [276.]);
        assert_eq!(map_f32s(("", "ReduceMax", 13), &axes(&[]), &[], &[7.]), [7.]);
    }

    fn one<T: Element>(op: &str, x: &[T]) -> T {
        let x = Tensor::new(&[x.len()], x).unwrap();
        let y = run(("", op, 20), &[], &[Some(x.into())], 1).unwrap();
        y[0].tensor().unwrap().slice::<T>().unwrap()[0]
    }

    #[test]
    fn nothing_reduces_to_the_neutral_element() {
        assert_eq!(one::<f32>("ReduceMax", &[]), f32::NEG_INFINITY);
        assert_eq!(one::<i8>("ReduceMin", &[]), 127);
        assert_eq!(one::<i64>("ReduceProd", &[]), 1);
        assert_eq!(one::<f32>("ReduceLogSumExp", &[]), f32::NEG_INFINITY);
        assert!(one::<f32>("ReduceMean", &[]).is_nan());
        assert_eq!(one::<i32>("ReduceMean", &[]) + one::<i64>("ReduceMean", &[]) as i32, 0);
        assert_eq!(one::<crate::Truth>("ReduceMin", &[]), crate::Truth(1));
    }

    #[test]
    fn extremes_do_not_lose_the_answer() {
        assert_eq!(one("ReduceSum", &[1e8f32, 1., -1e8]), 1.);
        assert_eq!(one("ReduceLogSumExp", &[f32::NEG_INFINITY; 2]), f32::NEG_INFINITY);
        assert_eq!(one("ReduceLogSumExp", &[1000f32]), 1000.);
        assert!(one("ReduceMax", &[1., f32::NAN, 2.]).is_nan());
        assert_eq!(one("ReduceMean", &[i32::MAX, i32::MAX]), i32::MAX);
        assert_eq!(one("ReduceMean", &[-3i32, 0]), -1);
    }

    #[test]
    fn no_axes_may_mean_none() {
        let x = Tensor::new(&[2], &[-3f32, 2.]).unwrap();
        let none = Tensor::zeros(DType::I64, &[0]).unwrap();
        let attrs = [("noop_with_empty_axes", Attr::Int(1))];
        let y = run(("", "ReduceSumSquare", 18), &attrs, &[Some(x.into()), Some(none.into())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [9., 4.]);
    }
}
