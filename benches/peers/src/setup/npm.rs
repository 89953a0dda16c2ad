//! onnxruntime-web, and what drives the browser.

use super::{home, package, run, up_to_date};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

/// What drives the browser.
const PLAYWRIGHT: &str = "playwright-core";

/// Installs the packages of `web/package.json`; gives the folder with `node_modules`.
pub fn install() -> Result<PathBuf> {
    packages("npm", &std::fs::read_to_string(package().join("web/package.json"))?)
}

/// Installs only what drives the browser, in the same version.
pub fn playwright() -> Result<PathBuf> {
    let text = std::fs::read_to_string(package().join("web/package.json"))?;
    let mut wanted: serde_json::Value = serde_json::from_str(&text)?;
    let version = wanted["dependencies"][PLAYWRIGHT].take();
    wanted["dependencies"] = serde_json::json!({ PLAYWRIGHT: version });
    packages(PLAYWRIGHT, &wanted.to_string())
}

/// Installs the packages of that `package.json` into a folder of that name.
fn packages(name: &str, wanted: &str) -> Result<PathBuf> {
    let folder = home().join(name);
    std::fs::create_dir_all(&folder)?;
    up_to_date(&home().join(format!("{name}.stamp")), wanted, || {
        eprintln!("Installing npm packages into {}", folder.display());
        std::fs::write(folder.join("package.json"), wanted)?;
        let options = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
        run(Command::new("npm").args(options).current_dir(&folder))
            .context("Node 20 or newer with npm is needed for the browser's side")
    })?;
    Ok(folder)
}
