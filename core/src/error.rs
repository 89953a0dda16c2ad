//! One error type with a stable kind, a place and one sentence.
//!
//! The kinds are a contract: the command line's exit codes, JavaScript, HTTP and C all read them from this
//! table. The sentence says what was expected and what came; the place (file, node) is added by the layer
//! that knows it, so that an operator never has to.

use std::fmt;

/// The result of everything in Edgewise that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of thing went wrong. Stable: names and meanings only ever grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The model breaks the ONNX rules: corrupt bytes, a cycle, a wrong arity or attribute.
    InvalidModel,
    /// A caller's input is missing, extra, or has the wrong type or shape.
    InvalidInput,
    /// The model is valid, but asks for something that this build or device does not have.
    Unsupported,
    /// A file or a named thing does not exist.
    NotFound,
    /// Reading or writing failed.
    Io,
    /// A configured limit was passed.
    LimitExceeded,
    /// Memory could not be had.
    OutOfMemory,
    /// The caller cancelled.
    Cancelled,
    /// The deadline passed.
    DeadlineExceeded,
    /// The context is already running.
    Busy,
    /// The device went away.
    DeviceLost,
    /// A bug in Edgewise.
    Internal,
}

impl ErrorKind {
    /// The name used in JSON, HTTP bodies and JavaScript's `error.code`.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::InvalidModel => "invalid-model",
            ErrorKind::InvalidInput => "invalid-input",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::NotFound => "not-found",
            ErrorKind::Io => "io",
            ErrorKind::LimitExceeded => "limit-exceeded",
            ErrorKind::OutOfMemory => "out-of-memory",
            ErrorKind::Cancelled => "cancelled",
            ErrorKind::DeadlineExceeded => "deadline-exceeded",
            ErrorKind::Busy => "busy",
            ErrorKind::DeviceLost => "device-lost",
            ErrorKind::Internal => "internal",
        }
    }
}

/// Why something failed, and where.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    file: Option<String>,
    node: Option<String>,
    what: String,
}

impl Error {
    /// An error of `kind`; `what` is a sentence that says what was expected and what came.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Error {
        Error(Box::new(Inner { kind, file: None, node: None, what: what.into() }))
    }

    /// The stable kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The node that failed, as `name (Operator)`, where one did.
    pub fn node(&self) -> Option<&str> {
        self.0.node.as_deref()
    }

    /// The sentence alone, without file and node.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// Names the node; the innermost name wins, since it is the most exact.
    pub fn at_node(mut self, name: &str, op: &str) -> Error {
        if self.0.node.is_none() {
            self.0.node = Some(format!("'{name}' ({op})"));
        }
        self
    }

    /// Names the tensor of the model that could not be had.
    pub fn of_tensor(mut self, name: &str) -> Error {
        self.0.what = format!("tensor '{name}': {}", self.0.what);
        self
    }

    /// Names the file; the first name wins.
    pub fn in_file(mut self, file: impl fmt::Display) -> Error {
        if self.0.file.is_none() {
            self.0.file = Some(file.to_string());
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.0.file {
            write!(f, "{file}: ")?;
        }
        if let Some(node) = &self.0.node {
            write!(f, "node {node}: ")?;
        }
        f.write_str(&self.0.what)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind.name())
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Error {
        let kind = match e.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::Io,
        };
        Error::new(kind, e.to_string())
    }
}

/// `err!(InvalidModel, "axis {axis} …")`: an [`Error`] of that kind.
#[macro_export]
macro_rules! err {
    ($kind:ident, $($arg:tt)*) => {
        $crate::Error::new($crate::ErrorKind::$kind, format!($($arg)*))
    };
}

/// `bail!(InvalidModel, "…")`: returns that error.
#[macro_export]
macro_rules! bail {
    ($kind:ident, $($arg:tt)*) => {
        return Err($crate::err!($kind, $($arg)*))
    };
}

/// `ensure!(condition, InvalidModel, "…")`: returns that error unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($cond:expr, $kind:ident, $($arg:tt)*) => {
        if !$cond {
            $crate::bail!($kind, $($arg)*);
        }
    };
}
