//! What a file weighs on its way to a browser.

use crate::shell::root;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// Bytes of a file as it is and as a server sends it.
pub struct Size {
    pub raw_bytes: u64,
    pub brotli_bytes: u64,
}

/// Measures a file; brotli at its strongest, by Node.
pub fn of(path: &Path) -> Result<Size> {
    let mut node = Command::new("node");
    let output = node.arg(root().join("web/tests/brotli.mjs")).arg(path).output().context("starting node")?;
    ensure!(output.status.success(), "brotli: {}", String::from_utf8_lossy(&output.stderr));
    let brotli_bytes = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    Ok(Size { raw_bytes: std::fs::metadata(path)?.len(), brotli_bytes })
}
