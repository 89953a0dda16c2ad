//! A GPU for the tests: that of the machine, or Mesa's in software.

use crate::apt;
use anyhow::Result;
use std::path::Path;

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
