//! Gradient of ai.onnx.preview.training: expanded at import into the nodes that compute it, by walking back
//! from `y` to `xs`.
//!
//! Differentiable are the element-wise operators that [`backward`] lists; any other on the way is refused by
//! name. What a reader would get wrong: an input that was broadcast gets the sum over what it was spread to.

use super::import::Build;
use crate::cpu::{Io, Kernel};
use crate::graph::{Constant, Infer, Node, ValueId};
use crate::ops::{Attr, Attrs, CustomOp, Op};
use crate::{DType, Float, Num, Result, Tensor};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Adds the nodes that compute the derivatives of `y` by each of `xs`; gives their values.
pub(super) fn expand(build: &mut Build, xs: &[ValueId], y: ValueId) -> Result<Vec<ValueId>> {
    let mut tape = Tape { build, gradients: HashMap::new() };
    let path = tape.path(xs, y);
    let one = tape.ones_like(y)?;
    tape.gradients.insert(y, one);
    for at in path.into_iter().rev() {
        let node = tape.build.graph.nodes[at].clone();
        let Some(gradient) = node.outputs[0].and_then(|id| tape.gradients.get(&id).copied()) else {
            continue;
        };
        tape.backward(&node, gradient)?;
    }
    let missing = || err!(InvalidModel, "'y' does not depend on one of 'xs'");
    xs.iter().map(|x| tape.gradients.get(x).copied().ok_or_else(missing)).collect()
}

struct Tape<'a> {
    build: &'a mut Build,
    /// The derivative of `y` by each value, as far as it was found.
    gradients: HashMap<ValueId, ValueId>,
}

impl Tape<'_> {
    /// The nodes between `xs` and `y`, in order.
    fn path(&self, xs: &[ValueId], y: ValueId) -> Vec<usize> {
        let nodes = &self.build.graph.nodes;
        let mut reached: Vec<ValueId> = xs.to_vec();
        let mut forward = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            if node.inputs.iter().flatten().any(|id| reached.contains(id)) {
                forward.push(at);
                reached.extend(node.outputs.iter().flatten());
            }
        }
        let mut needed = vec![y];
        let mut path: Vec<usize> = Vec::new();
        for at in forward.into_iter().rev() {
            if nodes[at].outputs.iter().flatten().any(|id| needed.contains(id)) {
                needed.extend(nodes[at].inputs.iter().flatten());
                path.push(at);
            }
        }
        path.reverse();
        path
    }

    /// Hands the gradient of a node's output on to its inputs.
    fn backward(&mut self, node: &Node, g: ValueId) -> Result<()> {
        let input = |i: usize| node.inputs.get(i).copied().flatten();
        let missing = || err!(InvalidModel, "an input is missing").at_node(&node.name, &node.op_name);
        let a = input(0).ok_or_else(missing)?;
        let y = node.outputs[0].ok_or_else(missing)?;
        let by_a = match node.op_name.as_str() {
            "Identity" => g,
            "Neg" => self.apply("Neg", &[g])?,
            "Exp" => self.apply("Mul", &[g, y])?,
            "Log" => self.apply("Div", &[g, a])?,
            "Add" | "Sub" => g,
            "Mul" => self.apply("Mul", &[g, input(1).ok_or_else(missing)?])?,
            "Div" => self.apply("Div", &[g, input(1).ok_or_else(missing)?])?,
            "Sqrt" => {
                let twice = self.apply("Add", &[y, y])?;
                self.apply("Div", &[g, twice])?
            }
            "Tanh" => {
                let gy = self.apply("Mul", &[g, y])?;
                let squared = self.apply("Mul", &[gy, y])?;
                self.apply("Sub", &[g, squared])?
            }
            "Sigmoid" => {
                let gy = self.apply("Mul", &[g, y])?;
                let squared = self.apply("Mul", &[gy, y])?;
                self.apply("Sub", &[gy, squared])?
            }
            other => bail!(Unsupported, "the gradient of '{other}' is not supported"),
        };
        self.add(a, by_a)?;
        let Some(b) = input(1) else { return Ok(()) };
        let by_b = match node.op_name.as_str() {
            "Add" => g,
            "Sub" => self.apply("Neg", &[g])?,
            "Mul" => self.apply("Mul", &[g, a])?,
            _ => {
                let gy = self.apply("Mul", &[g, y])?;
                let ratio = self.apply("Div", &[gy, b])?;
                self.apply("Neg", &[ratio])?
            }
        };
        self.add(b, by_b)
    }

    /// Adds a gradient to what a value has already.
    fn add(&mut self, id: ValueId, gradient: ValueId) -> Result<()> {
        let summed = self.push(Op::Custom(Arc::new(SumTo)), "SumTo", &[gradient, id]);
        let total = match self.gradients.get(&id).copied() {
            Some(other) => self.apply("Add", &[other, summed])?,
            None => summed,
        };
        self.gradients.insert(id, total);
        Ok(())
    }

    fn ones_like(&mut self, y: ValueId) -> Result<ValueId> {
        let one = self.build.value("gradient/one", None, Some(Constant::Tensor(Tensor::scalar(1f32))));
        let one = self.apply("CastLike", &[one, y])?;
        let shape = self.apply("Shape", &[y])?;
        self.apply("Expand", &[one, shape])
    }

    fn apply(&mut self, op: &str, inputs: &[ValueId]) -> Result<ValueId> {
        const VERSION: i64 = 19;
        let attributes: BTreeMap<String, Attr> = BTreeMap::new();
        let parsed =
            Op::parse(Attrs::new("", op, VERSION, vec![true; inputs.len()], vec![true], attributes))?;
        Ok(self.push(parsed, op, inputs))
    }

    fn push(&mut self, op: Op, op_name: &str, inputs: &[ValueId]) -> ValueId {
        let output = self.build.value(&format!("gradient/{op_name}"), None, None);
        let name = self.build.graph.values[output.at()].name.clone();
        let inputs = inputs.iter().map(|id| Some(*id)).collect();
        self.build.graph.nodes.push(Node {
            name,
            op,
            op_name: op_name.into(),
            inputs,
            outputs: vec![Some(output)],
        });
        output
    }
}

/// Sums input 0 over the axes along which input 1 was broadcast to its shape.
#[derive(Debug)]
struct SumTo;

impl CustomOp for SumTo {
    fn domain(&self) -> &str {
        "edgewise"
    }

    fn name(&self) -> &str {
        "SumTo"
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let (dtype, dims) = (cx.dtype(1)?, cx.dims(1).cloned());
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }

    fn kernel(&self) -> &dyn Kernel {
        self
    }
}

impl Kernel for SumTo {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (gradient, like) = (io.input(0)?, io.input(1)?);
        let y = io.output(0)?;
        let (from, to) = (gradient.shape(), like.shape());
        ensure!(from.len() >= to.len(), Internal, "{from:?} was not broadcast from {to:?}");
        let (steps, lead) = (crate::strides(to), from.len() - to.len());
        // Where each element of the large tensor falls in the small one.
        let target = |mut at: usize| {
            let mut index = 0;
            for axis in (0..from.len()).rev() {
                let coordinate = at % from[axis];
                at /= from[axis];
                if axis >= lead && to[axis - lead] != 1 {
                    index += coordinate * steps[axis - lead];
                }
            }
            index
        };
        match gradient.dtype() {
            dtype @ (DType::F32 | DType::F64 | DType::F16 | DType::BF16) => for_float!(dtype, T => {
                let mut sums = vec![<T as Float>::Wide::zero(); y.len()];
                for (at, x) in gradient.slice::<T>()?.iter().enumerate() {
                    let sum = &mut sums[target(at)];
                    *sum = sum.add(x.widen());
                }
                for (y, sum) in y.into_slice::<T>()?.iter_mut().zip(sums) {
                    *y = T::narrow(sum);
                }
                Ok(())
            }),
            other => Err(err!(Unsupported, "a gradient must be a float, got {other}")),
        }
    }
}
