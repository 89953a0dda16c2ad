//! What an operator's shape rule sees of its node, and how it answers.
//!
//! The same rule serves twice: at compile time over symbols, and when a plan is bound over numbers. A rule
//! that cannot tell yet (a size that depends on data) answers with [`Infer::unknown_dim`] or leaves the
//! dims out; the executor then reads what it needs and asks again.

use super::{Dims, Fact, Known};
use crate::{DType, Dim, Kind, Result, View};
use std::cell::Cell;

/// A node's inputs as facts, and the facts of its outputs to be filled in.
pub struct Infer<'a> {
    inputs: &'a [Option<&'a Fact>],
    outputs: Vec<Option<Fact>>,
    /// The inputs of which elements were asked for that are not known; those beyond 64 do not count.
    asked: Cell<u64>,
    /// Makes the names of new symbols.
    fresh: &'a mut u32,
}

impl<'a> Infer<'a> {
    /// For a node with those inputs and that many outputs.
    pub fn new(inputs: &'a [Option<&'a Fact>], outputs: usize, fresh: &'a mut u32) -> Infer<'a> {
        Infer { inputs, outputs: vec![None; outputs], asked: Cell::new(0), fresh }
    }

    /// The facts of the outputs, after the rule has run.
    pub fn finish(self) -> Result<Vec<Option<Fact>>> {
        let ranks = self.outputs.iter().flatten().filter_map(|fact| Some(fact.dims.as_ref()?.len()));
        ranks.max().map_or(Ok(()), check_rank)?;
        Ok(self.outputs)
    }

    /// How many inputs the node has, left-out ones within included.
    pub fn input_count(&self) -> usize {
        self.inputs.len()
    }

    /// How many outputs the node has.
    pub fn output_count(&self) -> usize {
        self.outputs.len()
    }

    /// Whether input `i` is there.
    pub fn has(&self, i: usize) -> bool {
        self.inputs.get(i).is_some_and(Option::is_some)
    }

    /// The fact of input `i`, or an error where it is left out.
    pub fn input(&self, i: usize) -> Result<&'a Fact> {
        self.optional(i).ok_or_else(|| err!(InvalidModel, "input {i} is required and is left out"))
    }

    /// The fact of input `i`, if it is there.
    pub fn optional(&self, i: usize) -> Option<&'a Fact> {
        self.inputs.get(i).copied().flatten()
    }

    /// The element type of input `i`, which must be a tensor.
    pub fn dtype(&self, i: usize) -> Result<DType> {
        let fact = self.input(i)?;
        fact.dtype().ok_or_else(|| err!(InvalidModel, "input {i} must be a tensor, got {}", fact.kind))
    }

    /// The element type that those inputs share, of which the first must be there.
    pub fn same_type<const N: usize>(&self, of: [usize; N]) -> Result<DType> {
        let (first, dtype) = (of[0], self.dtype(of[0])?);
        for i in of.into_iter().filter(|&i| self.has(i)) {
            let other = self.dtype(i)?;
            ensure!(
                other == dtype,
                InvalidModel,
                "inputs {first} and {i} must have one type, got {dtype} and {other}"
            );
        }
        Ok(dtype)
    }

    /// The dims of input `i`, if its rank is known.
    pub fn dims(&self, i: usize) -> Option<&'a Dims> {
        self.optional(i)?.dims.as_ref()
    }

    /// The elements of input `i`, where all are known numbers.
    pub fn view(&self, i: usize) -> Option<View<'a>> {
        let fact = self.optional(i)?;
        self.ask(i, fact);
        fact.view()
    }

    /// The elements of integer input `i`, where they are known, symbolic ones included.
    pub fn ints(&self, i: usize) -> Option<Vec<Dim>> {
        let fact = self.optional(i)?;
        if fact.dtype().is_some_and(DType::is_integer) {
            self.ask(i, fact);
        }
        fact.ints()
    }

    fn ask(&self, i: usize, fact: &Fact) {
        if fact.known.is_none() && i < 64 {
            self.asked.set(self.asked.get() | 1 << i);
        }
    }

    /// Whether elements of input `i` were asked for, and are not known.
    pub fn has_asked(&self, i: usize) -> bool {
        i < 64 && self.asked.get() >> i & 1 == 1
    }

    /// The elements of integer input `i`, where they are known numbers.
    pub fn known_ints(&self, i: usize) -> Option<Vec<i64>> {
        self.ints(i)?.iter().map(Dim::known).collect()
    }

    /// A size that only the data will tell.
    pub fn unknown_dim(&mut self) -> Dim {
        *self.fresh += 1;
        Dim::symbol(&format!("?{}", self.fresh))
    }

    /// So many sizes that only the data will tell.
    pub fn unknown_dims(&mut self, rank: usize) -> Result<Dims> {
        check_rank(rank)?;
        Ok((0..rank).map(|_| self.unknown_dim()).collect())
    }

    /// What can be said of a value that is either of two: the kind that both have, and the sizes that agree.
    pub fn either(&mut self, a: &Fact, b: &Fact) -> Result<Fact> {
        // A loop may begin with an optional and carry on with what was in it.
        if matches!(&a.kind, Kind::Optional(inner) if **inner == b.kind) {
            return Ok(Fact::of(b.kind.clone()));
        }
        ensure!(
            a.kind == b.kind,
            InvalidModel,
            "a value is {} on one way and {} on the other",
            a.kind,
            b.kind
        );
        let dims = match (&a.dims, &b.dims) {
            (Some(x), Some(y)) if x.len() == y.len() => {
                let both = x.iter().zip(y);
                Some(both.map(|(x, y)| if x == y { x.clone() } else { self.unknown_dim() }).collect())
            }
            _ => None,
        };
        Ok(Fact { kind: a.kind.clone(), dims, known: None })
    }

    /// Answers for output `i`; an output that nobody wants may be answered too.
    pub fn set(&mut self, i: usize, fact: Fact) {
        if let Some(out) = self.outputs.get_mut(i) {
            *out = Some(fact);
        }
    }

    /// What has been answered for output `i` so far.
    pub fn answer(&self, i: usize) -> Option<&Fact> {
        self.outputs.get(i)?.as_ref()
    }

    /// Output `i` is a tensor of those dims, or of unknown rank.
    pub fn set_tensor(&mut self, i: usize, dtype: DType, dims: Option<Dims>) {
        self.set(i, Fact { kind: Kind::Tensor(dtype), dims, known: None });
    }

    /// Output `i` is an integer tensor of those dims and those elements.
    pub fn set_ints(&mut self, i: usize, dtype: DType, dims: Dims, elements: Vec<Dim>) {
        self.set(i, Fact { kind: Kind::Tensor(dtype), dims: Some(dims), known: Some(Known::Dims(elements)) });
    }

    /// Output 0 has the type and the dims of input 0.
    pub fn like_input(&mut self) -> Result<()> {
        let (dtype, dims) = (self.dtype(0)?, self.dims(0).cloned());
        self.set_tensor(0, dtype, dims);
        Ok(())
    }

    /// The dims that inputs `of` broadcast to, as numpy does; `None` if any rank is unknown.
    pub fn broadcast(&mut self, of: impl IntoIterator<Item = usize>) -> Result<Option<Dims>> {
        let mut out = Dims::new();
        for i in of {
            let Some(dims) = self.dims(i) else { return Ok(None) };
            out = self.broadcast_two(&out, dims)?;
        }
        Ok(Some(out))
    }

    /// The dims that two tensors broadcast to.
    pub fn broadcast_two(&mut self, a: &[Dim], b: &[Dim]) -> Result<Dims> {
        let rank = a.len().max(b.len());
        let at = |dims: &[Dim], i: usize| match (i + dims.len()).checked_sub(rank) {
            Some(i) => dims[i].clone(),
            None => Dim::from(1usize),
        };
        (0..rank)
            .map(|i| {
                let (x, y) = (at(a, i), at(b, i));
                Ok(match (x.known(), y.known()) {
                    _ if x == y => x,
                    (Some(1), _) => y,
                    (_, Some(1)) => x,
                    (Some(_), Some(_)) => bail!(
                        InvalidModel,
                        "shapes {a:?} and {b:?} do not broadcast: axis {i} is {x} in one and {y} in the other"
                    ),
                    // A size other than 1 decides; the symbol must turn out to be that, or 1.
                    (Some(_), None) => x,
                    (None, Some(_)) => y,
                    // Rows cut from a table as long as a text: where the table is too short, nothing fits.
                    (None, None) if x.caps(&y) => y,
                    (None, None) if y.caps(&x) => x,
                    (None, None) => self.unknown_dim(),
                })
            })
            .collect()
    }

    /// `axis` counted from the front, for a tensor of that rank.
    pub fn axis(axis: i64, rank: usize) -> Result<usize> {
        normalize_axis(axis, rank)
    }
}

/// No tensor has more axes than this. Where data says how many there are, it could say millions.
const MOST_AXES: usize = 64;

fn check_rank(rank: usize) -> Result<()> {
    ensure!(rank <= MOST_AXES, InvalidModel, "a tensor of rank {rank}; the most are {MOST_AXES}");
    Ok(())
}

/// `axis` counted from the front; an error where it lies outside `-rank..rank`.
pub fn normalize_axis(axis: i64, rank: usize) -> Result<usize> {
    let r = rank as i64;
    ensure!(
        (-r..r).contains(&axis),
        InvalidModel,
        "axis {axis} is outside -{r}..{r} for a tensor of rank {rank}"
    );
    Ok(if axis < 0 { axis + r } else { axis } as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Attrs, Op};

    #[test]
    fn a_rule_says_which_elements_it_asks_for() {
        let op = Op::parse(Attrs::new("", "TopK", 11, vec![true; 2], vec![true; 2], Default::default()));
        let facts = [Fact::sized(DType::F32, &[2, 9]), Fact::sized(DType::I64, &[1])];
        let facts = [Some(&facts[0]), Some(&facts[1])];
        let mut fresh = 0;
        let mut infer = Infer::new(&facts, 2, &mut fresh);
        op.unwrap().infer(&mut infer).unwrap();
        // How many there are says the second one; what they are is nobody's affair.
        assert_eq!([infer.has_asked(0), infer.has_asked(1)], [false, true]);
    }
}
