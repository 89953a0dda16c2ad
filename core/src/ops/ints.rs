//! Integers that are an attribute in old opsets and an input in newer ones: axes, shapes, starts, pads.

use super::Attrs;
use crate::cpu::Io;
use crate::graph::Infer;
use crate::{Dim, Result};

/// Where an operator has a list of integers from.
#[derive(Clone, Debug)]
pub enum Ints {
    /// They are left out.
    Absent,
    /// An attribute.
    Attr(Vec<i64>),
    /// The elements of that input.
    Input(usize),
}

impl Ints {
    /// Attribute `name` before opset `since`, input `input` from then on.
    pub fn parse(a: &mut Attrs, name: &str, input: usize, since: i64) -> Result<Ints> {
        if a.version() < since {
            return Ok(a.ints(name)?.map_or(Ints::Absent, Ints::Attr));
        }
        Ok(if a.has_input(input) { Ints::Input(input) } else { Ints::Absent })
    }

    /// Whether they are left out.
    pub fn is_absent(&self) -> bool {
        matches!(self, Ints::Absent)
    }

    /// The integers, where they are known, symbolic ones included.
    pub fn symbolic(&self, cx: &Infer<'_>) -> Option<Vec<Dim>> {
        match self {
            Ints::Absent => None,
            Ints::Attr(ints) => Some(ints.iter().map(|&i| Dim::from(i)).collect()),
            Ints::Input(i) => cx.ints(*i),
        }
    }

    /// The integers, where they are known numbers.
    pub fn known(&self, cx: &Infer<'_>) -> Option<Vec<i64>> {
        self.symbolic(cx)?.iter().map(Dim::known).collect()
    }

    /// How many there are, where that is known; a scalar counts as one.
    pub fn len(&self, cx: &Infer<'_>) -> Option<usize> {
        match self {
            Ints::Absent => None,
            Ints::Attr(ints) => Some(ints.len()),
            Ints::Input(i) => cx.dims(*i)?.iter().try_fold(1usize, |n, d| n.checked_mul(d.size()?)),
        }
    }

    /// The integers as the model has them, where they are an attribute or `input` knows that input; `None` in
    /// it where they are left out.
    pub fn given(&self, input: impl Fn(usize) -> Option<Vec<i64>>) -> Option<Option<Vec<i64>>> {
        match self {
            Ints::Absent => Some(None),
            Ints::Attr(ints) => Some(Some(ints.clone())),
            Ints::Input(i) => input(*i).map(Some),
        }
    }

    /// The integers while the operator runs; `None` where they are left out.
    pub fn read(&self, io: &Io<'_>) -> Result<Option<Vec<i64>>> {
        match self {
            Ints::Absent => Ok(None),
            Ints::Attr(ints) => Ok(Some(ints.clone())),
            Ints::Input(i) => io.input(*i)?.to_i64s().map(Some),
        }
    }
}
