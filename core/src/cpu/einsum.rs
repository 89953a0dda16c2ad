//! Einsum on the CPU: from left to right, two operands at a time, each step one batch of matrix products.
//!
//! Of each operand the diagonals are taken and the names that nobody else has are summed first. Everything
//! between the inputs and the result is kept in the type of the sums.

use super::product::{Matrix, Sizes, multiply};
use super::strided::{Offsets, Steps};
use super::{Io, Kernel, RunContext};
use crate::ops::einsum::{Einsum, Label};
use crate::tensor::element_count;
use crate::{Num, Result, Shape, View, strides};

impl Kernel for Einsum {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let dtype = io.input(0)?.dtype();
        if dtype.is_integer() {
            // Sums and products of integers wrap, so those of i64 end in the same bits.
            return for_int!(dtype, T => {
                let read = |x: &View<'_>| collected(x.slice::<T>()?.iter().map(|&x| Num::to_i64(x)));
                let sums = self.evaluate(io, &read)?;
                write(io, sums, T::from_i64)
            });
        }
        for_float!(dtype, T => {
            let read = |x: &View<'_>| collected(x.slice::<T>()?.iter().map(|&x| x.acc()));
            let sums = self.evaluate(io, &read)?;
            write(io, sums, T::of_acc)
        })
    }
}

/// Writes the result.
fn write<S: Copy, T: Num>(io: &mut Io<'_>, sums: Vec<S>, narrow: impl Fn(S) -> T) -> Result<()> {
    let y = io.output(0)?.into_slice::<T>()?;
    ensure!(sums.len() == y.len(), Internal, "the result has another size than inferred");
    y.iter_mut().zip(sums).for_each(|(y, sum)| *y = narrow(sum));
    Ok(())
}

impl Einsum {
    /// The result, from inputs as `read` gives their elements.
    fn evaluate<S: Num>(&self, io: &Io<'_>, read: &dyn Fn(&View<'_>) -> Result<Vec<S>>) -> Result<Vec<S>> {
        let cx = io.context();
        let terms =
            (0..io.input_count()).map(|i| self.labels(i, io.input(i)?.rank())).collect::<Result<Vec<_>>>()?;
        let mut all = terms.concat();
        all.sort();
        all.dedup();
        let output = self.output_labels(all.iter().copied());
        let needed = |label: &Label, after: usize| {
            output.contains(label) || terms[after..].iter().any(|term| term.contains(label))
        };
        let mut product: Option<Operand<S>> = None;
        for (i, term) in terms.iter().enumerate() {
            let x = io.input(i)?;
            let named = Named::new(term, x.shape())?;
            // What neither the product so far nor anything to come knows is summed at once.
            let elsewhere = |label: &Label| {
                needed(label, i + 1) || product.as_ref().is_some_and(|p| p.labels.contains(label))
            };
            let next = named.sum_to(cx, &read(&x)?, &named.labels_where(elsewhere))?;
            product = Some(match product {
                None => next,
                Some(product) => product.times(cx, &next, |label| needed(label, i + 1))?,
            });
        }
        let product = product.ok_or_else(|| err!(InvalidModel, "a sum of no terms"))?;
        Ok(product.named().sum_to(cx, &product.data, &output)?.data)
    }
}

/// A dense tensor with named axes, each name once.
struct Operand<S> {
    labels: Vec<Label>,
    shape: Shape,
    data: Vec<S>,
}

/// The axes of a tensor by name: their sizes and steps, a diagonal's added up.
struct Named {
    labels: Vec<Label>,
    shape: Shape,
    steps: Steps,
}

impl Named {
    fn new(term: &[Label], shape: &[usize]) -> Result<Named> {
        let mut named = Named { labels: Vec::new(), shape: Shape::new(), steps: Steps::new() };
        element_count(shape)?;
        // An empty tensor's steps are never taken, and might overflow.
        let empty = shape.contains(&0);
        let dense = if empty { Shape::from_elem(0, shape.len()) } else { strides(shape) };
        for ((&label, &size), &step) in term.iter().zip(shape).zip(&dense) {
            let step = if size == 1 { 0 } else { step as isize };
            match named.labels.iter().position(|l| *l == label) {
                Some(at) => {
                    let fits = named.shape[at] == size || named.shape[at] == 1 || size == 1;
                    ensure!(fits, InvalidInput, "a diagonal of {} by {size}", named.shape[at]);
                    named.shape[at] = if named.shape[at] == 1 { size } else { named.shape[at] };
                    named.steps[at] += step;
                }
                None => {
                    named.labels.push(label);
                    named.shape.push(size);
                    named.steps.push(step);
                }
            }
        }
        Ok(named)
    }

    fn labels_where(&self, f: impl Fn(&Label) -> bool) -> Vec<Label> {
        self.labels.iter().copied().filter(f).collect()
    }

    /// The size and step of an axis; an axis that it does not have is one cell.
    fn axis(&self, label: &Label) -> (usize, isize) {
        let at = self.labels.iter().position(|l| l == label);
        at.map_or((1, 0), |at| (self.shape[at], self.steps[at]))
    }

    /// The tensor `x` with these axes in this order, all others summed.
    fn sum_to<S: Num>(&self, cx: &RunContext<'_>, x: &[S], labels: &[Label]) -> Result<Operand<S>> {
        let (shape, steps): (Shape, Steps) = labels.iter().map(|l| self.axis(l)).unzip();
        let summed = self.labels.iter().filter(|l| !labels.contains(l));
        let (sum_shape, sum_steps): (Shape, Steps) = summed.map(|l| self.axis(l)).unzip();
        let mut data = zeros::<S>(element_count(&shape)?)?;
        if data.is_empty() {
            return Ok(Operand { labels: labels.to_vec(), shape, data });
        }
        let kept = Offsets::new(&shape, &steps);
        cx.pool.chunks(&mut data, 4096, |i, data| {
            cx.check()?;
            for (sum, at) in data.iter_mut().zip(kept.clone().from(i * 4096)) {
                for more in Offsets::new(&sum_shape, &sum_steps) {
                    *sum = sum.add(x[(at + more) as usize]);
                }
            }
            Ok(())
        })?;
        Ok(Operand { labels: labels.to_vec(), shape, data })
    }
}

impl<S: Num> Operand<S> {
    fn named(&self) -> Named {
        let steps =
            if self.data.is_empty() { Shape::from_elem(0, self.shape.len()) } else { strides(&self.shape) };
        Named {
            labels: self.labels.clone(),
            shape: self.shape.clone(),
            steps: steps
                .iter()
                .zip(&self.shape)
                .map(|(&s, &d)| if d == 1 { 0 } else { s as isize })
                .collect(),
        }
    }

    /// The product with `other`, summed over the names of both that are not `kept`.
    fn times(
        self,
        cx: &RunContext<'_>,
        other: &Operand<S>,
        kept: impl Fn(&Label) -> bool,
    ) -> Result<Operand<S>> {
        let (a, b) = (self.named(), other.named());
        let both = |label: &Label| b.labels.contains(label);
        let batch = a.labels_where(|l| both(l) && kept(l));
        let depth = a.labels_where(|l| both(l) && !kept(l));
        let rows = a.labels_where(|l| !both(l));
        let cols = b.labels_where(|l| !a.labels.contains(l));
        let size = |label: &Label| -> Result<usize> {
            let (x, y) = (a.axis(label).0, b.axis(label).0);
            ensure!(x == y || x == 1 || y == 1, InvalidInput, "sizes {x} and {y} of one name");
            Ok(if x == 1 { y } else { x })
        };
        let shape = |labels: &[Label]| labels.iter().map(size).collect::<Result<Shape>>();
        let sizes = Sizes {
            batch: element_count(&shape(&batch)?)?,
            rows: element_count(&shape(&rows)?)?,
            depth: element_count(&shape(&depth)?)?,
            cols: element_count(&shape(&cols)?)?,
        };
        let left = arrange(cx, &self, &[&batch[..], &rows, &depth].concat(), size)?;
        let right = arrange(cx, other, &[&batch[..], &depth, &cols].concat(), size)?;
        let labels = [&batch[..], &rows, &cols].concat();
        let shape = shape(&labels)?;
        let mut data = zeros::<S>(element_count(&shape)?)?;
        let matrix = |data, row_step| Matrix { data, row_step, col_step: 1, widen: |x: S, _| x };
        multiply(
            cx,
            sizes,
            &mut data,
            |i| matrix(&left[i * sizes.rows * sizes.depth..], sizes.depth),
            |i| matrix(&right[i * sizes.depth * sizes.cols..], sizes.cols),
            |_, _, sums, out| out.copy_from_slice(sums),
        )?;
        Ok(Operand { labels, shape, data })
    }
}

/// The elements with the axes in that order, repeated to those sizes.
fn arrange<S: Num>(
    cx: &RunContext<'_>,
    operand: &Operand<S>,
    labels: &[Label],
    size: impl Fn(&Label) -> Result<usize>,
) -> Result<Vec<S>> {
    let mut named = operand.named();
    for (at, label) in operand.labels.iter().enumerate() {
        named.shape[at] = size(label)?;
    }
    Ok(named.sum_to(cx, &operand.data, labels)?.data)
}

fn zeros<S: Num>(len: usize) -> Result<Vec<S>> {
    collected(std::iter::repeat_n(S::zero(), len))
}

fn collected<S>(elements: impl ExactSizeIterator<Item = S>) -> Result<Vec<S>> {
    let (len, mut data) = (elements.len(), Vec::new());
    data.try_reserve_exact(len).map_err(|_| err!(OutOfMemory, "no memory for {len} elements"))?;
    data.extend(elements);
    Ok(data)
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    fn einsum(equation: &str, shapes: &[&[usize]]) -> crate::Result<(Vec<usize>, Vec<i64>)> {
        let tensor = |shape: &&[usize]| {
            let len = shape.iter().product::<usize>() as i64;
            Some(Tensor::new(shape, &(1..=len).collect::<Vec<_>>()).unwrap().into())
        };
        let inputs: Vec<_> = shapes.iter().map(tensor).collect();
        let y = run(("", "Einsum", 12), &[("equation", Attr::Str(equation.into()))], &inputs, 1)?;
        let y = y[0].tensor()?;
        Ok((y.shape().to_vec(), y.slice()?.to_vec()))
    }

    #[test]
    fn one_operand() {
        assert_eq!(einsum("ij->ji", &[&[2, 3]]).unwrap(), (vec![3, 2], vec![1, 4, 2, 5, 3, 6]));
        assert_eq!(einsum("ii->i", &[&[2, 2]]).unwrap(), (vec![2], vec![1, 4]));
        assert_eq!(einsum("ii", &[&[2, 2]]).unwrap(), (vec![], vec![5]));
        assert_eq!(einsum("ba", &[&[2, 2]]).unwrap(), (vec![2, 2], vec![1, 3, 2, 4]));
        assert_eq!(einsum("...i->i...", &[&[2, 1, 2]]).unwrap(), (vec![2, 2, 1], vec![1, 3, 2, 4]));
        assert_eq!(einsum("...i->...", &[&[2, 2]]).unwrap(), (vec![2], vec![3, 7]));
    }

    #[test]
    fn several_operands() {
        assert_eq!(einsum("ij, jk", &[&[2, 2], &[2, 1]]).unwrap(), (vec![2, 1], vec![5, 11]));
        assert_eq!(einsum("i,i,i->i", &[&[3], &[3], &[3]]).unwrap(), (vec![3], vec![1, 8, 27]));
        assert_eq!(einsum("i,j,k->", &[&[2], &[2], &[2]]).unwrap(), (vec![], vec![27]));
        assert_eq!(einsum("ij,jk,kl->il", &[&[1, 2], &[2, 2], &[2, 1]]).unwrap(), (vec![1, 1], vec![27]));
        assert_eq!(einsum(",i->i", &[&[], &[2]]).unwrap(), (vec![2], vec![1, 2]));
    }

    #[test]
    fn ellipses_and_single_cells_broadcast() {
        let (shape, y) = einsum("...i,...i->...", &[&[2, 1, 2], &[2, 2]]).unwrap();
        assert_eq!((shape, y), (vec![2, 2], vec![5, 11, 11, 25]));
        assert_eq!(einsum("i...,i...", &[&[1, 2], &[2]]).unwrap(), (vec![2], vec![3, 6]));
        assert_eq!(einsum("ij,j->i", &[&[2, 1], &[3]]).unwrap(), (vec![2], vec![6, 12]));
        assert_eq!(einsum("ij,jk->ik", &[&[2, 0], &[0, 1]]).unwrap(), (vec![2, 1], vec![0, 0]));
    }

    #[test]
    fn nonsense_is_refused() {
        for equation in ["ij->k", "i", "ijk", "i..j", "......", "i1", "ij,jk", "ij->ii", "ij->i->j"] {
            assert!(einsum(equation, &[&[2, 3]]).is_err(), "{equation}");
        }
        assert!(einsum("ii", &[&[2, 3]]).is_err());
        assert!(einsum("i,i", &[&[2], &[3]]).is_err());
    }
}
