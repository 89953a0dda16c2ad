//! How the second input of a binary operator lies against the first.
//!
//! From opset 7 on both broadcast as in numpy. Before, shapes were equal, unless `broadcast` was set: then
//! the second one's axes lay within the first one's, from `axis` on or at the end.

use super::Attrs;
use crate::graph::{Dims, Infer};
use crate::{Dim, Result, Shape};

/// The rule of an opset version, with its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// As numpy broadcasts.
    Numpy,
    /// Shapes are equal.
    Equal,
    /// The second shape is part of the first, from `axis` on; without one at the end.
    Within {
        /// Where it begins.
        axis: Option<i64>,
    },
}

impl Align {
    /// The rule for the node, which may only have inputs of equal shape or a second one to broadcast.
    pub fn parse(a: &mut Attrs) -> Result<Align> {
        if a.version() >= 7 {
            return Ok(Align::Numpy);
        }
        a.ignore(&["consumed_inputs"]);
        // The exporters of that time wrote -1 for "at the end".
        let axis = a.int("axis")?.filter(|&axis| axis >= 0);
        Ok(if a.flag("broadcast", false)? { Align::Within { axis } } else { Align::Equal })
    }

    /// The dims that output 0 has, from those of inputs 0 and 1.
    pub fn infer(&self, cx: &mut Infer<'_>) -> Result<Option<Dims>> {
        let (Some(a), Some(b)) = (cx.dims(0), cx.dims(1)) else {
            return Ok(if *self == Align::Numpy { None } else { cx.dims(0).cloned() });
        };
        let mut b = b.clone();
        b.extend(vec![Dim::from(1); self.padding(a.len(), b.len())?]);
        let both = cx.broadcast_two(a, &b)?;
        if *self == Align::Numpy {
            return Ok(Some(both));
        }
        let fits = |(a, both): (&Dim, &Dim)| a.known().is_none() || both.known().is_none() || a == both;
        ensure!(
            both.len() == a.len() && a.iter().zip(&both).all(fits),
            InvalidModel,
            "before opset 7 the second input must fit the first one's shape {a:?}, got {b:?}"
        );
        Ok(Some(a.clone()))
    }

    /// The second input's shape, so that it broadcasts as in numpy.
    pub fn second(&self, a: &[usize], b: &[usize]) -> Result<Shape> {
        let mut shape = Shape::from_slice(b);
        shape.resize(b.len() + self.padding(a.len(), b.len())?, 1);
        Ok(shape)
    }

    /// How many axes of size 1 go behind the second input's.
    fn padding(&self, a: usize, b: usize) -> Result<usize> {
        match *self {
            Align::Within { axis: Some(axis) } if b > 0 => usize::try_from(axis)
                .ok()
                .and_then(|axis| a.checked_sub(axis)?.checked_sub(b))
                .ok_or_else(|| err!(InvalidModel, "{b} axes do not fit into {a} from axis {axis} on")),
            Align::Equal if a != b => Err(err!(
                InvalidModel,
                "before opset 7 shapes of rank {a} and {b} need the attribute 'broadcast'"
            )),
            _ => Ok(0),
        }
    }
}
