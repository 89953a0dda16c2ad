//! Einsum: products of tensors along named axes, summed over the names that the result does not have.
//!
//! A repeated name in one term is a diagonal. An ellipsis stands for axes without names, which broadcast,
//! aligned at the right; a term may have fewer of them than another. Without `->` the result has the
//! ellipsis, then each name that occurs once, in ASCII order. Since opset 12; bf16 since 28.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};
use std::collections::BTreeMap;
use std::slice::from_ref;

/// The name of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// Without a name: the so-manieth from the right of an ellipsis.
    Unnamed(usize),
    /// A letter.
    Letter(u8),
}

/// A term of the equation.
#[derive(Clone, Debug, Default)]
struct Term {
    letters: Vec<u8>,
    /// Before which letter the ellipsis stands.
    ellipsis: Option<usize>,
}

/// Einsum.
#[derive(Clone, Debug)]
pub struct Einsum {
    inputs: Vec<Term>,
    output: Term,
}

impl Operator for Einsum {
    fn parse(a: &mut Attrs) -> Result<Einsum> {
        a.arity(1.., 1..=1)?;
        let equation = a.str("equation")?;
        let equation = a.required("equation", equation)?;
        let einsum = Einsum::from_equation(&equation)?;
        ensure!(
            einsum.inputs.len() == a.input_count(),
            InvalidModel,
            "'{equation}' has {} terms for {} inputs",
            einsum.inputs.len(),
            a.input_count()
        );
        Ok(einsum)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        let terms: Option<Vec<&Dims>> = (0..cx.input_count()).map(|i| cx.dims(i)).collect();
        let Some(terms) = terms else {
            let dims = self.output.ellipsis.is_none().then_some(self.output.letters.len());
            let dims = dims.map(|rank| (0..rank).map(|_| cx.unknown_dim()).collect());
            cx.set_tensor(0, dtype, dims);
            return Ok(());
        };
        let mut sizes: BTreeMap<Label, Dim> = BTreeMap::new();
        for (i, dims) in terms.into_iter().enumerate() {
            for (label, dim) in self.labels(i, dims.len())?.into_iter().zip(dims) {
                let known = sizes.entry(label).or_insert_with(|| dim.clone());
                *known = cx.broadcast_two(from_ref(known), from_ref(dim))?.remove(0);
            }
        }
        let one = Dim::from(1);
        let labels = self.output_labels(sizes.keys().copied());
        let dims = labels.iter().map(|l| sizes.get(l).unwrap_or(&one).clone()).collect();
        cx.set_tensor(0, dtype, Some(dims));
        Ok(())
    }
}

impl Einsum {
    fn from_equation(equation: &str) -> Result<Einsum> {
        let equation: String = equation.chars().filter(|c| *c != ' ').collect();
        let (left, right) = match equation.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (&equation[..], None),
        };
        let inputs = left.split(',').map(Term::parse).collect::<Result<Vec<_>>>()?;
        let count = |letter: u8| inputs.iter().flat_map(|t| &t.letters).filter(|l| **l == letter).count();
        let output = match right {
            Some(right) => Term::parse(right)?,
            None => Term {
                letters: (b'A'..=b'z').filter(|&l| count(l) == 1).collect(),
                ellipsis: inputs.iter().any(|t| t.ellipsis.is_some()).then_some(0),
            },
        };
        for (i, &letter) in output.letters.iter().enumerate() {
            let name = letter as char;
            ensure!(count(letter) > 0, InvalidModel, "'{name}' of the result of '{equation}' is in no term");
            let twice = output.letters[..i].contains(&letter);
            ensure!(!twice, InvalidModel, "'{name}' is twice in the result of '{equation}'");
        }
        Ok(Einsum { inputs, output })
    }

    /// What the axes of input `i` are called, if it has that many.
    pub fn labels(&self, i: usize, rank: usize) -> Result<Vec<Label>> {
        let term = &self.inputs[i];
        let unnamed = rank.checked_sub(term.letters.len());
        let unnamed = unnamed.filter(|&n| n == 0 || term.ellipsis.is_some());
        let unnamed = unnamed.ok_or_else(|| {
            err!(InvalidModel, "input {i} has {rank} axes, its term {} letters", term.letters.len())
        })?;
        Ok(term.labels(unnamed))
    }

    /// What the axes of the result are called, if these are the labels of all inputs.
    pub fn output_labels(&self, inputs: impl Iterator<Item = Label>) -> Vec<Label> {
        let unnamed = inputs.filter(|l| matches!(l, Label::Unnamed(_))).count();
        // Without an ellipsis in the result they are summed.
        self.output.labels(if self.output.ellipsis.is_some() { unnamed } else { 0 })
    }
}

impl Term {
    fn parse(text: &str) -> Result<Term> {
        let mut term = Term::default();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("...") {
                ensure!(term.ellipsis.is_none(), InvalidModel, "the term '{text}' has two ellipses");
                term.ellipsis = Some(term.letters.len());
                rest = after;
            } else {
                ensure!(c.is_ascii_alphabetic(), InvalidModel, "'{c}' in the term '{text}' is no letter");
                term.letters.push(c as u8);
                rest = &rest[1..];
            }
        }
        Ok(term)
    }

    fn labels(&self, unnamed: usize) -> Vec<Label> {
        let at = self.ellipsis.unwrap_or(0);
        let letters = |part: &[u8]| part.iter().map(|&l| Label::Letter(l)).collect::<Vec<_>>();
        let unnamed: Vec<Label> = (0..unnamed).rev().map(Label::Unnamed).collect();
        [letters(&self.letters[..at]), unnamed, letters(&self.letters[at..])].concat()
    }
}
