//! Dropout: while training, elements are dropped at random and the others scaled up; otherwise a copy.
//!
//! Until opset 6 `is_test` said which, from 7 to 11 it was always a copy, from 12 on `training_mode` and
//! `ratio` are inputs. The mask has the data's type until 9, then bool.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// Dropout.
#[derive(Clone, Debug)]
pub struct Dropout {
    /// How much is dropped; an input where the opset has that.
    pub ratio: f32,
    /// Where the random numbers begin.
    pub seed: Option<i64>,
    /// Whether it trains; none where an input says so.
    pub training: Option<bool>,
    /// Whether the mask is bool.
    bool_mask: bool,
    /// Whether it only passes its input on.
    pub alias: bool,
}

impl Operator for Dropout {
    fn parse(a: &mut Attrs) -> Result<Dropout> {
        let version = a.version();
        a.arity(if version < 12 { 1..=1 } else { 1..=3 }, 1..=2)?;
        a.ignore(&["consumed_inputs"]);
        let training = match version {
            ..7 => Some(!a.flag("is_test", false)?),
            12.. if a.has_input(2) => None,
            _ => Some(false),
        };
        Ok(Dropout {
            ratio: if version < 12 { a.float_or("ratio", 0.5)? } else { 0.5 },
            seed: if version < 12 { None } else { a.int("seed")? },
            training,
            bool_mask: version >= 10,
            alias: training == Some(false) && !a.has_output(1),
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        cx.like_input()?;
        let mask = if self.bool_mask { DType::Bool } else { cx.dtype(0)? };
        cx.set_tensor(1, mask, cx.dims(0).cloned());
        Ok(())
    }

    fn is_pure(&self) -> bool {
        self.training == Some(false) || self.seed.is_some()
    }
}
