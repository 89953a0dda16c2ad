//! `bench --against` in builds without the feature `peers`.

use super::model::Found;
use anyhow::{Result, ensure};
use clap::ValueEnum;
use edgewise::Value;
use serde::Serialize;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// An engine that could be compared with.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Engine {
    /// onnxruntime
    Ort,
    /// onnxruntime-web, in Chromium
    OrtWeb,
    /// tract
    Tract,
    /// rten
    Rten,
}

/// What nobody measures.
#[derive(Serialize)]
pub enum Peer {}

impl Peer {
    pub fn text(&self) -> String {
        match *self {}
    }
}

pub fn measure(
    engines: &[Engine],
    _: &Found,
    _: &[(String, Value)],
    _: usize,
) -> Result<BTreeMap<String, Peer>> {
    ensure!(
        engines.is_empty(),
        "--against: this build does not run other engines; build it with the feature 'peers'"
    );
    Ok(BTreeMap::new())
}

pub fn as_engine() -> Option<ExitCode> {
    None
}
