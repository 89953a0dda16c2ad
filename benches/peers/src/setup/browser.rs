//! Chromium, and our module for it.

use super::{npm, repository, run, succeeds};
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// What the browser's side needs.
pub struct Browser {
    pub chromium: PathBuf,
    /// The folder with `node_modules`.
    pub npm: PathBuf,
    /// The folder with a folder for each build of our module.
    pub ours: PathBuf,
}

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Finds or installs Chromium, installs the packages, makes those builds of our module unless they are taken as
/// they were `built` last.
pub fn browser<'a>(builds: impl IntoIterator<Item = &'a str>, built: bool) -> Result<Browser> {
    let npm = npm::install()?;
    let chromium = match chromium() {
        Some(chromium) => chromium,
        None => install()?,
    };
    if !built {
        let mut xtask = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        run(xtask.current_dir(repository()).args(["xtask", "wasm"]).args(builds))?;
    }
    Ok(Browser { chromium, npm, ours: ours() })
}

/// The folder with a folder for each build of our module.
pub fn ours() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into());
    repository().join(target).join("wasm")
}

/// `EDGEWISE_CHROMIUM`, or one that is installed.
pub fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("EDGEWISE_CHROMIUM").map(PathBuf::from);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    // Playwright wants to know exactly where it is.
    let folders: Vec<PathBuf> = std::env::split_paths(&paths).collect();
    let known = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    named.into_iter().chain(known).find(|path| succeeds(Command::new(path).arg("--version")))
}

fn install() -> Result<PathBuf> {
    eprintln!("Installing Chromium by apt");
    let apt =
        |args: &[&str]| run(Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive"));
    let installed = apt(&["-q", "update"])
        .and_then(|()| apt(&["-q", "install", "-y", "--no-install-recommends", "chromium"]));
    match (installed, chromium()) {
        (Ok(()), Some(chromium)) => Ok(chromium),
        _ => bail!("Chromium is needed: install it, or name it in EDGEWISE_CHROMIUM, or leave --web out"),
    }
}
