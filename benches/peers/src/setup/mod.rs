//! Sets up what the benches need, below the target folder: models, peers, a browser.

mod browser;
mod crates;
mod models;
mod npm;
mod python;

pub use browser::{Browser, browser, chromium, ours};
pub use crates::runner;
pub use models::models;
pub use npm::playwright;
pub use python::Python;

use crate::Peer;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// This package's folder in the repository, where scripts and pages lie.
pub fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The repository.
pub fn repository() -> PathBuf {
    package().ancestors().nth(2).unwrap_or(package()).to_path_buf()
}

/// Where everything goes that is set up or made.
pub fn home() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    repository().join(target.unwrap_or("target".into())).join("peers")
}

/// Runs a command to its end, what it prints among our own remarks; an error names it.
fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("{shown} could not be started"))?;
    if !status.success() {
        bail!("{shown} failed ({status})");
    }
    Ok(())
}

/// Whether a command can be run and succeeds; says nothing.
fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Whether what `stamp` says was made from `wanted` is there; otherwise makes it again with `make`.
fn up_to_date(stamp: &Path, wanted: &str, make: impl FnOnce() -> Result<()>) -> Result<()> {
    if std::fs::read_to_string(stamp).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    make()?;
    std::fs::write(stamp, wanted).with_context(|| format!("writing {}", stamp.display()))
}

/// Our own engine and those peers, with the versions that are set up.
pub fn versions(peers: &[Peer]) -> Result<Vec<String>> {
    let pinned = |file: &str, before: &str, after: &str| -> Result<String> {
        let path = package().join(file);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let version = text.split(before).nth(1).and_then(|rest| rest.split(after).next());
        Ok(version.with_context(|| format!("{file} does not say {before}"))?.into())
    };
    let mut all = vec![format!("edgewise {}", env!("CARGO_PKG_VERSION"))];
    for peer in peers {
        all.push(match peer {
            Peer::Ort => format!("onnxruntime {}", pinned("requirements.txt", "onnxruntime==", "\n")?),
            Peer::OrtWeb => {
                format!("onnxruntime-web {}", pinned("web/package.json", "\"onnxruntime-web\": \"", "\"")?)
            }
            Peer::Tract => format!("tract {}", pinned("runners/tract/Cargo.toml", "tract-onnx = \"=", "\"")?),
            Peer::Rten => format!("rten {}", pinned("runners/rten/Cargo.toml", "rten = \"=", "\"")?),
        });
    }
    Ok(all)
}
