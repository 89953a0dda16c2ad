//! Chain on the CPU: what a thread takes at a time, 64 KiB, goes through all steps before it leaves the cache.
//!
//! The functions are those that the operators call, on parts in place of whole tensors; none of them looks at
//! where an element lies. So every bit is what the operators give one after the other. Smaller parts, for the
//! first cache, are slower: every step of every part has to find out anew what it does, and where.

use super::broadcast::{Broadcast, CHUNK};
use super::{Io, Kernel};
use crate::ops::chain::{Chain, Function, Place, Step};
use crate::{Result, Shape};
use edgewise_simd::Isa;
use edgewise_simd::elementwise::{self, Operand, Run, Unary};

impl Kernel for Chain {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (isa, cx) = (Isa::current(), io.context());
        let x = if io.placed(0, 0) { None } else { Some(io.input(0)?.slice::<f32>()?) };
        let y = io.output(0)?;
        let shape = Shape::from_slice(y.shape());
        let mut next = 1..io.input_count();
        let mut other = |step: &Step| match step.place {
            Place::Only => Ok(None),
            Place::First | Place::Second => Other::new(io, &mut next, &shape).map(Some),
        };
        let steps = self.steps.iter().map(|step| Ok((step, other(step)?)));
        let steps = steps.collect::<Result<Vec<_>>>()?;
        let y = y.into_slice::<f32>()?;
        let fits = x.is_none_or(|x| x.len() == y.len());
        ensure!(fits, Internal, "the elements of input 0 do not fill {}", y.len());
        cx.pool.chunks(y, CHUNK, |i, y| {
            cx.check()?;
            let start = i * CHUNK;
            let mut x = x.map(|x| &x[start..][..y.len()]);
            for (step, other) in &steps {
                match other {
                    None => step.function.one(isa, x.take(), y),
                    Some(other) => step.two(isa, x.take(), (other, start), y),
                }
            }
            Ok(())
        })
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        super::map::IN_PLACE
    }
}

/// The other operand of a function of two numbers.
struct Other<'a> {
    data: &'a [f32],
    walk: Broadcast<1>,
}

impl<'a> Other<'a> {
    /// The next of those inputs.
    fn new(io: &Io<'a>, next: &mut impl Iterator<Item = usize>, shape: &[usize]) -> Result<Other<'a>> {
        let input = next.next().ok_or_else(|| err!(Internal, "a step has no second operand"))?;
        let view = io.input(input)?;
        Ok(Other { data: view.slice()?, walk: Broadcast::new(shape, [view.shape()])? })
    }
}

impl Function {
    /// `y = f(x)`; without `x`, of what lies in `y`.
    fn one(&self, isa: Isa, x: Option<&[f32]>, y: &mut [f32]) {
        let vector = match self {
            Function::Activation(activation) => activation.vector(),
            Function::Unary(unary) => unary.vector(),
            Function::Clip { low, high } => Some(Unary::Clip { low: *low, high: *high }),
            Function::Arithmetic(_) | Function::Gated(_) | Function::Variadic(_) => None,
        };
        match (vector, x) {
            (Some(function), Some(x)) => return elementwise::unary(isa, function, x, y),
            (Some(function), None) => return elementwise::unary_in_place(isa, function, y),
            (None, Some(x)) => y.copy_from_slice(x),
            (None, None) => {}
        }
        match self {
            Function::Activation(activation) => y.iter_mut().for_each(|y| *y = activation.formula(*y)),
            Function::Unary(unary) => {
                let function = unary.of_floats().0;
                y.iter_mut().for_each(|y| *y = function(*y));
            }
            _ => {}
        }
    }
}

impl Step {
    /// `y = f(x, other)` or `y = f(other, x)`; without `x`, of what lies in `y`. `y` begins at `start` of the
    /// whole.
    fn two(&self, isa: Isa, x: Option<&[f32]>, (other, start): (&Other<'_>, usize), y: &mut [f32]) {
        let turned = self.place == Place::Second;
        let vector = match self.function {
            Function::Arithmetic(function) => function.vector(),
            Function::Gated(gated) => Some(gated.vector()),
            Function::Variadic(function) => function.vector(),
            Function::Activation(_) | Function::Clip { .. } | Function::Unary(_) => None,
        };
        let (moves, runs) = (other.walk.step(0), other.walk.runs(start..start + y.len()));
        let Some(function) = vector else {
            if let Some(x) = x {
                y.copy_from_slice(x);
            }
            for run in runs {
                let place = run.out.start - start..run.out.end - start;
                for (k, y) in y[place].iter_mut().enumerate() {
                    let other = other.data[run.at[0] + k * moves];
                    *y = if turned { other.powf(*y) } else { y.powf(other) };
                }
            }
            return;
        };
        let own = x.map_or(Operand::Result, Operand::Along);
        let other = if moves == 1 { Operand::Along(other.data) } else { Operand::Still(other.data) };
        let mut runs = runs.map(|run| {
            let (own, other) = (run.out.start - start, run.at[0]);
            let (a, b) = if turned { (other, own) } else { (own, other) };
            Run { len: run.out.len(), a, b }
        });
        let sides = if turned { (other, own) } else { (own, other) };
        elementwise::binary(isa, function, sides, y, &mut runs);
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::graph::Graph;
    use crate::ops::Attr;
    use crate::optimize::testing::Build;
    use crate::{DType, Result, Tensor, Value};

    fn chain(graph: Graph, inputs: &[Tensor]) -> Result<Tensor> {
        let inputs: Vec<Option<Value>> = inputs.iter().map(|x| Some(x.clone().into())).collect();
        Ok(run(("edgewise", "Chain", 1), &[("steps", Attr::Graph(graph))], &inputs, 1)?[0].tensor()?.clone())
    }

    /// `alpha · x` where it is negative, of `bias - x`, and no more than 2.
    fn steps() -> Graph {
        let mut b = Build::default();
        let (x, bias) = (b.input("x", DType::F32, &[]), b.input("bias", DType::F32, &[]));
        let y = b.node("Sub", &[bias, x], "difference");
        let y = b.node_with("LeakyRelu", &[y], &[("alpha", Attr::Float(0.5))], &["relu"])[0];
        let (low, high) = (b.scalar("low", f32::NEG_INFINITY), b.scalar("high", 2f32));
        let y = b.node("Clip", &[y, low, high], "y");
        b.finish(&[y])
    }

    #[test]
    fn a_model_says_the_steps_by_a_graph() {
        let x = Tensor::new(&[2, 2], &[5f32, -1.0, 0.0, f32::NAN]).unwrap();
        let y = chain(steps(), &[x, Tensor::new(&[2], &[1f32, 3.0]).unwrap()]).unwrap();
        let y = y.slice::<f32>().unwrap();
        assert!(y[..3] == [-2.0, 2.0, 1.0] && y[3].is_nan(), "{y:?}");
    }

    #[test]
    fn tensors_of_no_and_of_one_element_pass() {
        let one = Tensor::scalar(1f32);
        for shape in [&[][..], &[1], &[0], &[3, 0, 2]] {
            let x = Tensor::zeros(DType::F32, shape).unwrap();
            let y = chain(steps(), &[x, one.clone()]).unwrap();
            assert_eq!(y.shape(), shape);
            assert!(y.slice::<f32>().unwrap().iter().all(|&y| y == 1.0));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let x = || Tensor::zeros(DType::F32, &[2, 3]).unwrap();
        assert!(chain(steps(), &[x()]).is_err());
        assert!(chain(steps(), &[x(), x(), x()]).is_err());
        for other in [&[2][..], &[2, 2, 3], &[3, 3]] {
            assert!(chain(steps(), &[x(), Tensor::zeros(DType::F32, other).unwrap()]).is_err(), "{other:?}");
        }
        assert!(chain(steps(), &[x(), Tensor::scalar(1f64)]).is_err());
        assert!(chain(Graph::default(), &[x()]).is_err());
        // No step, one that takes what another did not make, and one that is not element by element.
        for (op, takes_first) in [("", false), ("Neg", true), ("Softmax", false)] {
            let mut b = Build::default();
            let first = b.input("x", DType::F32, &[]);
            let second = b.node("Exp", &[first], "second");
            let y = if op.is_empty() {
                first
            } else {
                b.node(op, &[if takes_first { first } else { second }], "y")
            };
            let e = chain(b.finish(&[y]), &[x()]).unwrap_err();
            assert!(e.what().contains("step"), "{e}");
        }
    }
}
