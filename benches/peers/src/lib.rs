//! Edgewise beside its peers, in one interleaved run: every engine in a fresh process or page per round, on the
//! same inputs.
//!
//! What a reader would get wrong: nothing here times an engine's own process from within for the cold start. It
//! begins where the system starts the process, or where the browser begins to navigate.

#![allow(missing_docs, reason = "a program's parts, not a library for others")]

pub mod accuracy;
pub mod case;
pub mod measure;
pub mod ours;
pub mod peer;
pub mod process;
pub mod random;
pub mod report;
pub mod setup;
pub mod stats;
pub mod web;

pub use peer::Peer;

/// The hidden first argument that makes the program one of our own engine's processes.
pub const ENGINE: &str = "engine";
