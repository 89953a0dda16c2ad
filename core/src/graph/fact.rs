//! What is known of a value: its kind, its dims, and now and then its elements.

use super::{Constant, Unread};
use crate::tensor::element_count;
use crate::{DType, Dim, Kind, Shape, Tensor, View};
use smallvec::SmallVec;
use std::fmt;

/// The sizes of a tensor's axes, some of them symbolic.
pub type Dims = SmallVec<[Dim; 4]>;

/// What is known of a value.
#[derive(Clone)]
pub struct Fact {
    /// Its kind, always known.
    pub kind: Kind,
    /// A tensor's dims; `None` where even the rank is unknown, and for other kinds.
    pub dims: Option<Dims>,
    /// Its elements, where they are known.
    pub known: Option<Known>,
}

/// Known elements.
#[derive(Clone, Debug)]
pub enum Known {
    /// All of them, as numbers.
    Tensor(Tensor),
    /// All of them, as numbers that are read when somebody asks for them.
    Unread(Unread),
    /// Those of a small integer tensor, in row-major order, some of them symbolic: shapes, mostly.
    Dims(Vec<Dim>),
}

impl Fact {
    /// A tensor of known dims.
    pub fn tensor(dtype: DType, dims: impl IntoIterator<Item = Dim>) -> Fact {
        Fact { kind: Kind::Tensor(dtype), dims: Some(dims.into_iter().collect()), known: None }
    }

    /// A tensor whose sizes are numbers.
    pub fn sized(dtype: DType, shape: &[usize]) -> Fact {
        Fact::tensor(dtype, shape.iter().map(|&d| Dim::from(d)))
    }

    /// A tensor of unknown rank.
    pub fn unranked(dtype: DType) -> Fact {
        Fact::of(Kind::Tensor(dtype))
    }

    /// A value of that kind of which nothing else is known.
    pub fn of(kind: Kind) -> Fact {
        Fact { kind, dims: None, known: None }
    }

    /// A constant.
    pub fn constant(tensor: Tensor) -> Fact {
        Fact { known: Some(Known::Tensor(tensor.clone())), ..Fact::sized(tensor.dtype(), tensor.shape()) }
    }

    /// The element type, of a tensor.
    pub fn dtype(&self) -> Option<DType> {
        self.kind.dtype()
    }

    /// The shape, where every size is a number that fits.
    pub fn shape(&self) -> Option<Shape> {
        self.dims.as_ref()?.iter().map(Dim::size).collect()
    }

    /// The elements, where all of them are known numbers. Large ones may be read for that, and then stay in memory
    /// with this: whoever only wants to know whether there are any, or how many, should ask for that.
    pub fn view(&self) -> Option<View<'_>> {
        match self.known.as_ref()? {
            Known::Tensor(tensor) => Some(tensor.view()),
            Known::Unread(unread) => unread.view(),
            Known::Dims(_) => None,
        }
    }

    /// Whether all elements are known numbers.
    pub fn is_known(&self) -> bool {
        matches!(&self.known, Some(Known::Tensor(_) | Known::Unread(_)))
    }

    /// The elements as a constant, where all of them are known numbers.
    pub fn to_constant(&self) -> Option<Constant> {
        match self.known.as_ref()? {
            Known::Tensor(tensor) => Some(Constant::Tensor(tensor.clone())),
            Known::Unread(unread) => Some(unread.constant().clone()),
            Known::Dims(_) => None,
        }
    }

    /// How many elements there are, where every size is a number.
    pub fn count(&self) -> Option<usize> {
        element_count(&self.shape()?).ok()
    }

    /// The elements of a small integer tensor, where they are known, symbolic ones included. A large one is no
    /// shape, and would become many times larger as symbols.
    pub fn ints(&self) -> Option<Vec<Dim>> {
        match self.known.as_ref()? {
            Known::Dims(dims) => Some(dims.clone()),
            _ if self.count().is_none_or(|count| count > super::FOLD_ELEMENTS) => None,
            _ => Some(self.view()?.to_i64s().ok()?.into_iter().map(Dim::from).collect()),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        match (&self.dims, self.kind.dtype()) {
            (Some(dims), _) => {
                let dims: Vec<String> = dims.iter().map(Dim::to_string).collect();
                write!(f, "[{}]", dims.join(", "))
            }
            (None, Some(_)) => f.write_str("[…]"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        if let Some(Known::Dims(dims)) = &self.known {
            write!(f, " = {dims:?}")?;
        }
        Ok(())
    }
}
