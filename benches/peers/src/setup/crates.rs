//! tract and rten: small programs of their own, built when somebody asks for them.

use super::{home, package, run};
use crate::process::Engine;
use anyhow::Result;
use std::process::Command;

/// Builds the program of that engine.
pub fn runner(name: &str) -> Result<Engine> {
    let (manifest, target) = (package().join("runners").join(name).join("Cargo.toml"), home().join(name));
    let program = target.join("release").join(format!("{name}-runner"));
    if !program.exists() {
        eprintln!("Building {name} in {}; that takes minutes", target.display());
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--release", "--quiet", "--manifest-path"]).arg(manifest);
    run(cargo.arg("--target-dir").arg(target))?;
    Ok(Engine { program, args: Vec::new(), counts_start: true })
}
