//! Unique on the CPU.

use super::gather::take;
use super::movable::{Movable, filled, for_movable};
use super::top_k::compare;
use super::{Io, Kernel};
use crate::graph::normalize_axis;
use crate::ops::unique::Unique;
use crate::{Complex64, Complex128, DType, Result, Shape, View};
use std::cmp::Ordering;

impl Kernel for Unique {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let axis = self.axis.map(|axis| normalize_axis(axis, x.rank())).transpose()?;
        let (outer, len, inner) = match axis {
            Some(axis) => {
                let product = |part: &[usize]| part.iter().product::<usize>();
                (product(&x.shape()[..axis]), x.shape()[axis], product(&x.shape()[axis + 1..]))
            }
            None => (1, x.len(), 1),
        };
        io.check()?;
        let elements = order(x)?;
        let slices = |i: usize, j: usize| {
            let at = |i: usize, o: usize, k: usize| (o * len + i) * inner + k;
            let pairs = (0..outer).flat_map(|o| (0..inner).map(move |k| (at(i, o, k), at(j, o, k))));
            pairs.map(|(a, b)| elements(a, b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        };
        let groups = Groups::new(len, slices, self.sorted)?;

        let count = groups.first.len();
        if io.wants(0) {
            let mut shape = Shape::from_slice(if axis.is_some() { x.shape() } else { &[0] });
            shape[axis.unwrap_or(0)] = count;
            let y = io.make(0, x.dtype(), &shape)?;
            let cx = io.context();
            for_movable!(x.dtype(), T => {
                T::write(y, |y| take(cx, &T::read(x)?, (len, inner), &groups.first, y))
            })?;
        }
        for (i, list) in [(1, &groups.first), (2, &groups.of), (3, &groups.sizes)] {
            if io.wants(i) {
                let y = io.make(i, DType::I64, &[list.len()])?.into_slice::<i64>()?;
                y.iter_mut().zip(list).for_each(|(y, &x)| *y = x as i64);
            }
        }
        Ok(())
    }
}

/// Equal things put together.
struct Groups {
    /// Where each group occurs first.
    first: Vec<usize>,
    /// Which group each thing belongs to.
    of: Vec<usize>,
    /// How many things each group has.
    sizes: Vec<usize>,
}

impl Groups {
    fn new(len: usize, compare: impl Fn(usize, usize) -> Ordering, sorted: bool) -> Result<Groups> {
        let mut order = filled(0, len)?;
        order.iter_mut().enumerate().for_each(|(i, at)| *at = i);
        // Stable, so that the first of a group is the one that occurs first.
        order.sort_by(|&i, &j| compare(i, j));
        let equal: Vec<&[usize]> = order.chunk_by(|&i, &j| compare(i, j).is_eq()).collect();
        let mut ranked: Vec<usize> = (0..equal.len()).collect();
        if !sorted {
            ranked.sort_by_key(|&g| equal[g][0]);
        }
        let mut of = filled(0, len)?;
        for (rank, &g) in ranked.iter().enumerate() {
            equal[g].iter().for_each(|&i| of[i] = rank);
        }
        let first = ranked.iter().map(|&g| equal[g][0]).collect();
        Ok(Groups { first, of, sizes: ranked.iter().map(|&g| equal[g].len()).collect() })
    }
}

/// How two elements, named by their places, compare.
fn order<'a>(x: View<'a>) -> Result<Box<dyn Fn(usize, usize) -> Ordering + 'a>> {
    Ok(match x.dtype() {
        DType::Str => {
            let x = x.strings()?;
            Box::new(move |i, j| x[i].cmp(&x[j]))
        }
        DType::Bool => {
            let x = x.bytes();
            Box::new(move |i, j| (x[i] != 0).cmp(&(x[j] != 0)))
        }
        DType::C64 => {
            let x = x.slice::<Complex64>()?;
            Box::new(move |i, j| compare(x[i].re, x[j].re).then(compare(x[i].im, x[j].im)))
        }
        DType::C128 => {
            let x = x.slice::<Complex128>()?;
            Box::new(move |i, j| compare(x[i].re, x[j].re).then(compare(x[i].im, x[j].im)))
        }
        dtype => for_num!(dtype, T => {
            let x = x.slice::<T>()?;
            Ok(Box::new(move |i, j| compare(x[i], x[j])) as Box<dyn Fn(usize, usize) -> Ordering>)
        })?,
    })
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn unique(x: Tensor, attrs: &[(&str, Attr)]) -> Result<[Vec<i64>; 3]> {
        let y = run(("", "Unique", 11), attrs, &[Some(x.into())], 4)?;
        Ok(std::array::from_fn(|i| y[i + 1].tensor().unwrap().slice().unwrap().to_vec()))
    }

    #[test]
    fn sorted_or_in_order_of_occurrence() {
        let x = Tensor::new(&[5], &[2f32, f32::NAN, 1., f32::NAN, 2.]).unwrap();
        let [first, of, sizes] = unique(x.clone(), &[]).unwrap();
        assert_eq!((first, of, sizes), (vec![2, 0, 1], vec![1, 2, 0, 2, 1], vec![1, 2, 2]));
        let [first, of, sizes] = unique(x, &[("sorted", Attr::Int(0))]).unwrap();
        assert_eq!((first, of, sizes), (vec![0, 1, 2], vec![0, 1, 2, 1, 0], vec![2, 2, 1]));
    }

    #[test]
    fn slices_compare_element_by_element() {
        let x = Tensor::new(&[2, 3], &[1u8, 0, 1, 2, 9, 2]).unwrap();
        let y = run(("", "Unique", 11), &[("axis", Attr::Int(-1))], &[Some(x.into())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<u8>().unwrap(), [0, 1, 9, 2]);
        let [first, ..] = unique(Tensor::new::<i8>(&[0], &[]).unwrap(), &[]).unwrap();
        assert!(first.is_empty());
    }
}
