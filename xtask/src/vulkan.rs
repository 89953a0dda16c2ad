//! A GPU for the tests: that of the machine, or Mesa's in software; and Chromium's in software, which is a driver for
//! Vulkan too.

use crate::apt;
use crate::shell::{cargo, run, target};
use crate::suite::Outcome;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

const PACKAGE: &str = "mesa-vulkan-drivers";
/// Where drivers for Vulkan say that they are there.
const DRIVERS: [&str; 2] = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/// Installs one where there is none and that is possible; the tests skip what needs it otherwise, and say so.
pub fn set_up() -> Result<()> {
    let any = |folder: &&str| Path::new(folder).read_dir().is_ok_and(|mut files| files.next().is_some());
    if cfg!(target_os = "linux") && !DRIVERS.iter().any(any) {
        apt::install(&[PACKAGE])?;
    }
    Ok(())
}

/// Where browsers keep SwiftShader.
const BROWSERS: [&str; 4] =
    ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome", "/opt/chromium.org/chromium"];

/// Every parity case on SwiftShader. It compiles and computes as the GPU that Chromium falls back on does, without the
/// browser, in which the same cases take hours.
pub fn swiftshader() -> Result<Outcome> {
    let library = BROWSERS.iter().map(|folder| Path::new(folder).join("libvk_swiftshader.so"));
    let Some(library) = library.into_iter().find(|library| library.exists()) else {
        return Ok(Outcome::Skipped("there is no Chromium with SwiftShader".into()));
    };
    let driver = described(&library)?;
    let mut tests = cargo(["test", "--workspace", "--test", "parity"]);
    tests.env("VK_DRIVER_FILES", &driver).env("VK_ICD_FILENAMES", &driver);
    run(tests.env("EDGEWISE_GPU_REQUIRED", "1"))?;
    Ok(Outcome::Passed)
}

/// The file that tells Vulkan of a driver.
fn described(library: &Path) -> Result<PathBuf> {
    let folder = target().join("tmp");
    let file = folder.join("swiftshader.json");
    let text = format!(
        r#"{{"file_format_version": "1.0.0", "ICD": {{"library_path": {library:?}, "api_version": "1.3.0"}}}}"#
    );
    fs::create_dir_all(&folder).and_then(|()| fs::write(&file, text)).context("describing SwiftShader")?;
    Ok(file)
}
