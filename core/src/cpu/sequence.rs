//! The operators on sequences, on the CPU. Items are shared, not copied, where they already are values.

use super::{Io, Kernel};
use crate::ops::sequence::Sequence;
use crate::{Kind, Result, Tensor, Value};

impl Kernel for Sequence {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let result = match self {
            Sequence::Construct => {
                let items = (0..io.input_count()).map(|i| io.value(i)).collect::<Result<Vec<_>>>()?;
                Value::Sequence(items.first().map_or(Kind::Tensor(crate::DType::F32), Value::kind), items)
            }
            Sequence::Empty(dtype) => Value::Sequence(Kind::Tensor(*dtype), Vec::new()),
            Sequence::At => {
                let items = io.compound(0)?.sequence()?;
                items[position(io, 1, items.len())?].clone()
            }
            Sequence::Insert => {
                let (kind, mut items) = taken(io)?;
                let item = io.value(1)?;
                let kind_of_item = item.kind();
                ensure!(
                    kind_of_item == kind,
                    InvalidInput,
                    "a sequence of {kind} cannot hold {kind_of_item}"
                );
                let at = if io.has(2) { position(io, 2, items.len() + 1)? } else { items.len() };
                items.insert(at, item);
                Value::Sequence(kind, items)
            }
            Sequence::Erase => {
                let (kind, mut items) = taken(io)?;
                ensure!(!items.is_empty(), InvalidInput, "an empty sequence has nothing to erase");
                let at = if io.has(1) { position(io, 1, items.len())? } else { items.len() - 1 };
                items.remove(at);
                Value::Sequence(kind, items)
            }
            Sequence::Length => Tensor::scalar(io.compound(0)?.sequence()?.len() as i64).into(),
        };
        io.set(0, result)
    }
}

/// Input 0 as a sequence to change.
fn taken(io: &Io<'_>) -> Result<(Kind, Vec<Value>)> {
    match io.compound(0)? {
        Value::Sequence(kind, items) => Ok((kind.clone(), items.clone())),
        other => Err(err!(InvalidInput, "expected a sequence, got {}", other.kind())),
    }
}

/// The position that input `i` holds, counted from the front; there are `len` of them.
///
/// Inserting counts one position more than there are items, yet -1 still means before the last item.
fn position(io: &Io<'_>, i: usize, len: usize) -> Result<usize> {
    let given = io.input(i)?.scalar_i64()?;
    let items = if i == 2 { len - 1 } else { len };
    let at = if given < 0 { given.saturating_add(items as i64) } else { given };
    usize::try_from(at)
        .ok()
        .filter(|&at| at < len)
        .ok_or_else(|| err!(InvalidInput, "position {given} is outside a sequence of {items} items"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::run;

    fn seq(items: &[i64]) -> Option<Value> {
        let items = items.iter().map(|&x| Tensor::scalar(x).into()).collect();
        Some(Value::Sequence(Kind::Tensor(crate::DType::I64), items))
    }

    fn scalar(x: i64) -> Option<Value> {
        Some(Tensor::scalar(x).into())
    }

    fn ints(value: &Value) -> Vec<i64> {
        let items = value.sequence().unwrap();
        items.iter().map(|v| v.tensor().unwrap().view().scalar_i64().unwrap()).collect()
    }

    #[test]
    fn a_negative_position_inserts_before_the_item_counted_from_the_back() {
        let at = |p: i64| run(("", "SequenceInsert", 11), &[], &[seq(&[1, 2]), scalar(9), scalar(p)], 1);
        assert_eq!(ints(&at(-1).unwrap()[0]), [1, 9, 2]);
        assert_eq!(ints(&at(-2).unwrap()[0]), [9, 1, 2]);
        assert_eq!(ints(&at(2).unwrap()[0]), [1, 2, 9]);
        assert!(at(3).is_err());
        assert!(at(-3).is_err());
        assert!(at(i64::MIN).is_err());
    }

    #[test]
    fn an_empty_sequence_has_no_items_to_take_or_erase() {
        assert!(run(("", "SequenceAt", 11), &[], &[seq(&[]), scalar(0)], 1).is_err());
        assert!(run(("", "SequenceErase", 11), &[], &[seq(&[])], 1).is_err());
        let y = run(("", "SequenceLength", 11), &[], &[seq(&[])], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i64>().unwrap(), [0]);
    }

    #[test]
    fn items_of_another_type_are_refused() {
        let x = Some(Tensor::scalar(1f32).into());
        assert!(run(("", "SequenceInsert", 11), &[], &[seq(&[1]), x.clone()], 1).is_err());
        assert!(run(("", "SequenceConstruct", 11), &[], &[x, scalar(1)], 1).is_err());
    }
}
