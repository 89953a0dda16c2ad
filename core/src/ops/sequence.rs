//! SequenceConstruct, SequenceEmpty, SequenceAt, SequenceInsert, SequenceErase, SequenceLength: lists of
//! values of one kind.
//!
//! All are of opset 11 and never changed. ONNX puts tensors into them; Edgewise takes items of any kind.
//! Positions count from the back where they are negative.

use super::{Attrs, Operator};
use crate::graph::{Fact, Infer};
use crate::{DType, Kind, Result};

/// One of the operators on sequences.
#[derive(Clone, Debug)]
pub enum Sequence {
    /// A sequence of the inputs.
    Construct,
    /// One without items, of tensors of that type.
    Empty(DType),
    /// The item at a position.
    At,
    /// One with an item more.
    Insert,
    /// One with an item less.
    Erase,
    /// How many items there are.
    Length,
}

impl Operator for Sequence {
    fn parse(a: &mut Attrs) -> Result<Sequence> {
        let (op, inputs) = match a.op() {
            "SequenceConstruct" => (Sequence::Construct, 1..=usize::MAX),
            "SequenceEmpty" => (Sequence::Empty(a.dtype("dtype")?.unwrap_or(DType::F32)), 0..=0),
            "SequenceAt" => (Sequence::At, 2..=2),
            "SequenceInsert" => (Sequence::Insert, 2..=3),
            "SequenceErase" => (Sequence::Erase, 1..=2),
            "SequenceLength" => (Sequence::Length, 1..=1),
            other => bail!(Internal, "'{other}' is no operator on sequences"),
        };
        a.arity(inputs, 1..=1)?;
        Ok(op)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let fact = match self {
            Sequence::Construct => {
                let first = &cx.input(0)?.kind;
                for i in 1..cx.input_count() {
                    same_kind(first, &cx.input(i)?.kind)?;
                }
                Fact::of(Kind::Sequence(Box::new(first.clone())))
            }
            Sequence::Empty(dtype) => Fact::of(Kind::Sequence(Box::new(Kind::Tensor(*dtype)))),
            Sequence::At => Fact::of(item_kind(cx, 0)?.clone()),
            Sequence::Insert => {
                same_kind(item_kind(cx, 0)?, &cx.input(1)?.kind)?;
                Fact::of(cx.input(0)?.kind.clone())
            }
            Sequence::Erase => {
                item_kind(cx, 0)?;
                Fact::of(cx.input(0)?.kind.clone())
            }
            Sequence::Length => {
                item_kind(cx, 0)?;
                Fact::sized(DType::I64, &[])
            }
        };
        cx.set(0, fact);
        Ok(())
    }
}

/// The kind of the items of input `i`, which must be a sequence.
pub fn item_kind<'a>(cx: &Infer<'a>, i: usize) -> Result<&'a Kind> {
    match &cx.input(i)?.kind {
        Kind::Sequence(item) => Ok(item),
        other => Err(err!(InvalidModel, "input {i} must be a sequence, got {other}")),
    }
}

fn same_kind(have: &Kind, new: &Kind) -> Result<()> {
    ensure!(have == new, InvalidModel, "a sequence of {have} cannot hold {new}");
    Ok(())
}
