//! onnxruntime-web, and what drives the browser.

use super::{home, package, run, up_to_date};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

/// Installs the packages of `web/package.json`; gives the folder with `node_modules`.
pub fn install() -> Result<PathBuf> {
    let folder = home().join("npm");
    let wanted = std::fs::read_to_string(package().join("web/package.json"))?;
    std::fs::create_dir_all(&folder)?;
    up_to_date(&home().join("npm.stamp"), &wanted, || {
        eprintln!("Installing onnxruntime-web and playwright-core into {}", folder.display());
        std::fs::write(folder.join("package.json"), &wanted)?;
        let options = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
        run(Command::new("npm").args(options).current_dir(&folder))
            .context("Node 20 or newer with npm is needed for the browser's side")
    })?;
    Ok(folder)
}
