//! Packages from npm, below the target folder.

use crate::shell::{run, succeeds, target};
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// Why npm cannot be used here, if so.
pub fn missing() -> Option<String> {
    let there = |name| succeeds(Command::new(name).arg("--version"));
    match (there("node"), there("npm")) {
        (true, true) => None,
        _ => Some("Node and npm are needed (Node 20 or newer)".into()),
    }
}

/// The folder of a package, installed in exactly that version.
pub fn package(name: &str, version: &str) -> Result<PathBuf> {
    let home = target().join("npm").join(format!("{name}-{version}"));
    let package = home.join("node_modules").join(name);
    if package.join("package.json").exists() {
        return Ok(package);
    }
    if let Some(reason) = missing() {
        bail!("{reason}");
    }
    println!("Installing {name} {version} from npm into {}", home.display());
    std::fs::create_dir_all(&home)?;
    // Without it npm looks for a project further up.
    std::fs::write(home.join("package.json"), "{ \"private\": true }\n")?;
    let options = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
    run(Command::new("npm").args(options).arg("--prefix").arg(&home).arg(format!("{name}@{version}")))?;
    Ok(package)
}
