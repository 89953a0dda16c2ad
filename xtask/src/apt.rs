//! Packages of the system, where that is Debian or one of its children.

use crate::shell::{run, succeeds};
use anyhow::Result;
use std::process::Command;

/// Installs packages if that is possible here; whether it was.
pub fn install(packages: &[&str]) -> Result<bool> {
    if !succeeds(Command::new("apt-get").arg("--version")) || !is_root() {
        return Ok(false);
    }
    println!("Installing {}", packages.join(" "));
    run(Command::new("apt-get").args(["-q", "update"]))?;
    let mut install = Command::new("apt-get");
    install.args(["-q", "install", "-y", "--no-install-recommends"]).args(packages);
    run(install.env("DEBIAN_FRONTEND", "noninteractive"))?;
    Ok(true)
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
