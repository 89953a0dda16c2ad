//! Model packages: a model, what it expects and what its answers mean, in one folder.
//!
//! In the order in which a package is used: [`manifest`] is its `edgewise.toml`, [`package`] finds and
//! verifies the files beside it, [`picture`] turns a picture into the model's input. [`npy`] and [`npz`] are
//! NumPy's files, in which people keep tensors.

pub mod manifest;
pub mod npy;
pub mod npz;
pub mod package;
pub mod picture;
mod py;

pub use manifest::Manifest;
pub use package::Package;
