//! The browser's GPU against the processor: the parity cases of `gpu/` as a module of their own, and whole models,
//! in Chromium with a GPU in software.
//!
//! What a reader would get wrong: the module is a test program. The browser's page runs its tests, which keep their
//! cases; then it asks for some of them to be run.

use super::{PAGES, TARGET, bindgen, build};
use crate::shell::{cargo, run, target};
use crate::suite::Outcome;
use crate::toolchain::Toolchain;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Builds the module and runs digits on it; of so many parity cases one, whole models and what can go wrong where
/// that many are said.
pub fn test(of: Option<usize>) -> Result<Outcome> {
    if let Outcome::Skipped(reason) = build(&[PAGES])? {
        return Ok(Outcome::Skipped(reason));
    }
    // For the whole workspace: one package alone would be built again, with other features.
    let mut command = cargo(["test", "--workspace", "--test", "browser_gpu", "--", "--nocapture"]);
    command.env("EDGEWISE_WASM", PAGES.name);
    match of {
        Some(of) => {
            if let Outcome::Skipped(reason) = build_cases()? {
                return Ok(Outcome::Skipped(reason));
            }
            // Whoever says another share wants that.
            let of = std::env::var("EDGEWISE_PARITY_OF").unwrap_or(of.to_string());
            command.env("EDGEWISE_PARITY_OF", of).env("EDGEWISE_WHOLE_MODELS", "");
        }
        None => {
            command.args(["processor", "without"]).args(["--skip", "operators"]);
        }
    }
    run(&mut command)?;
    Ok(Outcome::Passed)
}

/// Builds the parity cases as a module of their own.
fn build_cases() -> Result<Outcome> {
    let toolchain = match Toolchain::set_up(PAGES.target())? {
        Ok(toolchain) => toolchain,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    let folder = target().join("wasm/parity");
    let mut command = toolchain.cargo("test");
    command.args(["--package", "edgewise-gpu", "--test", "parity", "--no-run", "--target-dir"]).arg(&folder);
    run(command.env("RUSTFLAGS", PAGES.flags()))?;
    bindgen(&newest(&folder.join(TARGET.triple).join("debug/deps"))?, &folder.join("dist"))?;
    Ok(Outcome::Passed)
}

/// The module as it was built last: cargo gives each a name of its own.
fn newest(folder: &Path) -> Result<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("parity-") && name.ends_with(".wasm") {
            found.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    found.sort();
    found.pop().map(|(_, path)| path).with_context(|| format!("{} has no parity-*.wasm", folder.display()))
}
