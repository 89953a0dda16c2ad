//! The elements of constants: in memory, or read when somebody asks for them.
//!
//! Without a device all of them are loaded before a graph is looked at. With one, large weights stay in the model's
//! source, and what a rewrite makes of them is made no sooner than a kernel wants it. What a reader would get wrong:
//! all the same they are *known*. Whoever asks for their elements gets them, so that the graph comes out the same.

use crate::device::{Built, built};
use crate::onnx::{Reads, Stored};
use crate::tensor::byte_count;
use crate::{DType, Error, Result, Shape, Tensor, View};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// The elements of a constant.
#[derive(Clone, Debug)]
pub enum Constant {
    /// In memory.
    Tensor(Tensor),
    /// In the model's source, until a device takes them.
    Stored(Stored),
    /// What a rewrite makes of constants that are not in memory.
    Derived(Derived),
    /// In a form of their own in the kernels that take them, and nowhere else.
    Packed(DType, Shape),
}

impl Constant {
    /// The element type.
    pub fn dtype(&self) -> DType {
        match self {
            Constant::Tensor(tensor) => tensor.dtype(),
            Constant::Stored(stored) => stored.dtype(),
            Constant::Derived(derived) => derived.0.dtype,
            Constant::Packed(dtype, _) => *dtype,
        }
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> &[usize] {
        match self {
            Constant::Tensor(tensor) => tensor.shape(),
            Constant::Stored(stored) => stored.shape(),
            Constant::Derived(derived) => &derived.0.shape,
            Constant::Packed(_, shape) => shape,
        }
    }

    /// How many bytes its elements take (for strings, their characters).
    pub fn bytes(&self) -> usize {
        match self {
            Constant::Tensor(tensor) => tensor.bytes(),
            other => byte_count(other.dtype(), other.shape()).unwrap_or(usize::MAX),
        }
    }

    /// The elements, where they are in memory.
    pub fn tensor(&self) -> Option<&Tensor> {
        match self {
            Constant::Tensor(tensor) => Some(tensor),
            Constant::Stored(stored) => stored.loaded(),
            Constant::Derived(_) | Constant::Packed(..) => None,
        }
    }

    /// The elements, read or made now where they are not in memory; nobody keeps them for the next who asks.
    pub fn read(&self) -> Result<Tensor> {
        match self {
            Constant::Tensor(tensor) => Ok(tensor.clone()),
            Constant::Stored(stored) => stored.read(),
            Constant::Derived(derived) => derived.make(),
            Constant::Packed(dtype, shape) => {
                Err(err!(Internal, "a {dtype}{shape:?} was packed for another program"))
            }
        }
    }

    /// The model whose weights they come from, where they are not in memory.
    fn reads(&self) -> Option<&Reads> {
        match self {
            Constant::Stored(stored) => Some(stored.reads()),
            Constant::Derived(derived) => Some(&derived.0.reads),
            Constant::Tensor(_) | Constant::Packed(..) => None,
        }
    }
}

/// How a tensor is made of others, some of which may be left out.
type Make = dyn Fn(&[Option<Tensor>]) -> Result<Tensor> + Send + Sync;

/// A constant that is made of others whenever somebody asks for it. Clones are made each for itself.
#[derive(Clone)]
pub struct Derived(Arc<Recipe>, Built);

struct Recipe {
    dtype: DType,
    shape: Shape,
    of: Vec<Option<Constant>>,
    make: Box<Make>,
    reads: Reads,
}

impl Constant {
    /// What is made of constants: now where they are in memory, else whenever somebody asks for it.
    pub fn derived(
        of: Vec<Option<Constant>>,
        (dtype, shape): (DType, &[usize]),
        make: impl Fn(&[Option<Tensor>]) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Result<Constant> {
        let unread = of.iter().flatten().filter(|constant| constant.tensor().is_none());
        match (unread.filter_map(Constant::reads).next().cloned(), built()) {
            (Some(reads), Ok(built)) => {
                let (shape, make) = (shape.into(), Box::new(make));
                Ok(Constant::Derived(Derived(Arc::new(Recipe { dtype, shape, of, make, reads }), built)))
            }
            _ => make(&read_all(&of)?).map(Constant::Tensor),
        }
    }
}

impl Derived {
    fn make(&self) -> Result<Tensor> {
        let Recipe { dtype, shape, of, make, .. } = &*self.0;
        let tensor = make(&read_all(of)?)?;
        let fits = (tensor.dtype(), tensor.shape()) == (*dtype, shape);
        ensure!(fits, Internal, "{tensor:?} was made where {dtype}{shape:?} was expected");
        Ok(tensor)
    }
}

fn read_all(of: &[Option<Constant>]) -> Result<Vec<Option<Tensor>>> {
    of.iter().map(|constant| constant.as_ref().map(Constant::read).transpose()).collect()
}

impl fmt::Debug for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?} of {:?}", self.0.dtype, self.0.shape, self.0.of)
    }
}

/// A constant that is known without being in memory. What was asked for stays as long as this does.
#[derive(Clone)]
pub struct Unread {
    constant: Constant,
    reads: Reads,
    elements: OnceLock<Tensor>,
    #[expect(dead_code, reason = "without devices all constants are in memory")]
    built: Built,
}

impl Unread {
    /// Of a constant that is not in memory and can be read.
    pub(super) fn new(constant: &Constant) -> Option<Unread> {
        let (reads, built) = (constant.reads()?.clone(), built().ok()?);
        Some(Unread { constant: constant.clone(), reads, elements: OnceLock::new(), built })
    }

    /// The constant.
    pub fn constant(&self) -> &Constant {
        &self.constant
    }

    /// Its elements, read now if nobody has asked before. Where that fails nothing is said of them, and the model's
    /// [`Reads`] keep why: whoever makes something of a graph has to check these at the end.
    pub fn view(&self) -> Option<View<'_>> {
        if self.elements.get().is_none() {
            let tensor = self.once()?;
            return Some(self.elements.get_or_init(|| tensor).view());
        }
        self.elements.get().map(Tensor::view)
    }

    /// Its elements, of which nothing is kept; fails as [`view`](Unread::view) does.
    pub fn once(&self) -> Option<Tensor> {
        let fail = |error: Error| self.reads.fail(error);
        self.constant.read().map_err(fail).ok()
    }
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, unread", self.constant)
    }
}
