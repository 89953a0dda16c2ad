//! The operators on optionals, on the CPU.

use super::{Io, Kernel};
use crate::ops::optional::Optional;
use crate::{Result, Tensor, Truth, Value};

impl Kernel for Optional {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let input = if io.has(0) { Some(io.value(0)?) } else { None };
        let result = match (self, input) {
            (Optional::New(_), Some(value)) => Value::Optional(value.kind(), Some(Box::new(value))),
            (Optional::New(Some(kind)), None) => Value::Optional(kind.clone(), None),
            (Optional::New(None), None) => bail!(Internal, "an empty optional of unknown kind"),
            (Optional::GetElement, Some(Value::Optional(_, Some(value)))) => *value,
            (Optional::GetElement, Some(Value::Optional(_, None))) => {
                bail!(InvalidInput, "the optional is empty")
            }
            (Optional::GetElement, Some(value)) => value,
            (Optional::GetElement, None) => bail!(InvalidModel, "input 0 is required and is left out"),
            (Optional::HasElement, value) => {
                let has = !matches!(value, None | Some(Value::Optional(_, None)));
                Tensor::scalar(Truth::from(has)).into()
            }
        };
        io.set(0, result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{DType, Kind};

    fn has(x: Option<Value>) -> bool {
        let y = run(("", "OptionalHasElement", 18), &[], &[x], 1).unwrap();
        y[0].tensor().unwrap().slice::<Truth>().unwrap()[0].get()
    }

    #[test]
    fn what_was_put_in_comes_out() {
        let x = || Some(Tensor::scalar(7i64).into());
        let y = run(("", "Optional", 15), &[], &[x()], 1).unwrap().remove(0);
        assert!(has(Some(y.clone())));
        let z = run(("", "OptionalGetElement", 15), &[], &[Some(y)], 1).unwrap();
        assert_eq!(z[0].tensor().unwrap().slice::<i64>().unwrap(), [7]);
        assert!(has(x()));
        assert!(!has(None));
    }

    #[test]
    fn an_empty_one_needs_a_type_and_gives_nothing() {
        let kind = Kind::Tensor(DType::F32);
        let empty = run(("", "Optional", 15), &[("type", Attr::Kind(kind))], &[], 1).unwrap().remove(0);
        assert!(!has(Some(empty.clone())));
        assert!(run(("", "OptionalGetElement", 15), &[], &[Some(empty)], 1).is_err());
        assert!(run(("", "Optional", 15), &[], &[], 1).is_err());
    }
}
