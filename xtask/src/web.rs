//! `cargo xtask web`: the npm package, built, weighed and packed; and its tests in Node and in Chromium.
//!
//! What a reader would get wrong: the package has one JavaScript for the four builds with a GPU, that of the build with
//! the most parts, and one for the build without.

use crate::shell::{root, run, succeeds, target};
use crate::suite::Outcome;
use crate::wasm::{self, VARIANTS, Variant};
use crate::{apt, npm};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the package.
fn folder() -> PathBuf {
    root().join("web")
}

/// Builds the modules and the package, and writes `edgewise-VERSION.tgz` beside its manifest.
pub fn pack() -> Result<Outcome> {
    if let Outcome::Skipped(reason) = build(&VARIANTS)? {
        return Ok(Outcome::Skipped(reason));
    }
    node("node", &["tests/sizes.mjs", "--against"])?;
    println!("{}", packed()?.display());
    Ok(Outcome::Passed)
}

/// The package as it is published.
fn packed() -> Result<PathBuf> {
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        copy(&root().join(licence), &folder().join("dist").join(licence))?;
    }
    node("npm", &["pack", "--silent"])?;
    Ok(folder().join(concat!("edgewise-", env!("CARGO_PKG_VERSION"), ".tgz")))
}

/// Builds the package with those builds and tests it; in those applications as it is published, in all where none is
/// named.
pub fn test(variants: &[Variant], apps: &[&str]) -> Result<Outcome> {
    if let Outcome::Skipped(reason) = build(variants)? {
        return Ok(Outcome::Skipped(reason));
    }
    node("node", &["tests/sizes.mjs"])?;
    node("npm", &["run", "--silent", "check"])?;
    node("node", &["tests/run.mjs"])?;
    let Some(chromium) = chromium()? else {
        return Ok(Outcome::Skipped("Chromium is needed; the tests in Node passed".into()));
    };
    let mut suites = Command::new("node");
    suites.arg(folder().join("tests/browser/run.mjs")).args(apps.is_empty().then_some("--all"));
    run(suites.env("EDGEWISE_CHROMIUM", &chromium))?;
    let mut installed = Command::new("node");
    installed.arg(folder().join("tests/apps/run.mjs")).arg(packed()?).args(apps);
    run(installed.env("EDGEWISE_CHROMIUM", &chromium))?;
    if apps.is_empty() {
        cases(&chromium, "cpu", 1)?;
        cases(&chromium, "gpu", GPU_SAMPLE)?;
        examples(&chromium)?;
    } else {
        cases(&chromium, "cpu", DAILY_SAMPLE)?;
    }
    Ok(Outcome::Passed)
}

/// Of so many of ONNX's cases, one runs for every change.
const DAILY_SAMPLE: usize = 10;

/// Of so many, one runs on the GPU, which is one in software and takes a second for each.
const GPU_SAMPLE: usize = 20;

/// Of so many of ONNX's cases one, through the package in a page.
fn cases(chromium: &Path, device: &str, of: usize) -> Result<()> {
    let mut cases = Command::new("node");
    cases.arg(folder().join("tests/cases/run.mjs")).args(["--device", device, "--of", &of.to_string()]);
    run(cases.arg(target().join("cases/onnx/node")).env("EDGEWISE_CHROMIUM", chromium))
}

/// The modules where the package's own build looks for them, then that build.
fn build(variants: &[Variant]) -> Result<Outcome> {
    if let Some(reason) = npm::missing() {
        return Ok(Outcome::Skipped(reason));
    }
    if let Outcome::Skipped(reason) = wasm::build(variants)? {
        return Ok(Outcome::Skipped(reason));
    }
    let to = folder().join("wasm");
    let _ = fs::remove_dir_all(&to);
    fs::create_dir_all(&to)?;
    for variant in variants {
        let name = format!("edgewise-{}.wasm", variant.name);
        copy(&variant.dist().join("edgewise_bg.wasm"), &to.join(name))?;
    }
    for (variant, script) in [(wasm::ISOLATED, "edgewise"), (wasm::CPU, "edgewise-cpu")] {
        for extension in ["js", "d.ts"] {
            let from = variant.dist().join(format!("edgewise.{extension}"));
            copy(&from, &to.join(format!("{script}.{extension}")))?;
        }
    }
    node("npm", &["ci", "--loglevel=error"])?;
    node("npm", &["run", "--silent", "build"])?;
    Ok(Outcome::Passed)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Runs something in the package's folder.
fn node(program: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(program).args(arguments).current_dir(folder()).status();
    let status = status.with_context(|| format!("`{program}` could not be started"))?;
    if !status.success() {
        bail!("`{program} {}` failed in web", arguments.join(" "));
    }
    Ok(())
}

/// The pages of `examples/web`, on the package.
fn examples(chromium: &Path) -> Result<()> {
    let pages = root().join("examples/web");
    run(Command::new("npm").args(["ci", "--loglevel=error", "--prefix"]).arg(&pages))?;
    run(Command::new("node").arg(pages.join("test.mjs")).env("EDGEWISE_CHROMIUM", chromium))
}

const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// `EDGEWISE_CHROMIUM`, or one that is installed, or else is now.
fn chromium() -> Result<Option<PathBuf>> {
    let found = || {
        let named = std::env::var_os("EDGEWISE_CHROMIUM").map(PathBuf::from);
        let paths = std::env::var_os("PATH").unwrap_or_default();
        // Playwright wants to know exactly where it is.
        let folders: Vec<PathBuf> = std::env::split_paths(&paths).collect();
        let known = CHROMIUM.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        named.into_iter().chain(known).find(|path| succeeds(Command::new(path).arg("--version")))
    };
    if let Some(path) = found() {
        return Ok(Some(path));
    }
    apt::install(&["chromium"])?;
    Ok(found())
}
