//! A Python environment with onnxruntime and what the models are made with.

use super::{home, package, run, succeeds, up_to_date};
use crate::process::Engine;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

/// The environment.
pub struct Python {
    program: PathBuf,
}

impl Python {
    /// Makes it, unless it is there with the packages as they are pinned now.
    pub fn set_up() -> Result<Python> {
        let requirements = package().join("requirements.txt");
        let wanted = std::fs::read_to_string(&requirements)?;
        let folder = home().join("python");
        let python = Python { program: folder.join("bin/python") };
        up_to_date(&home().join("python.stamp"), &wanted, || {
            eprintln!(
                "Making a Python environment in {}: onnxruntime, and what makes the models",
                folder.display()
            );
            if folder.exists() {
                std::fs::remove_dir_all(&folder)?;
            }
            std::fs::create_dir_all(home())?;
            let system =
                ["python3", "python"].into_iter().find(|p| succeeds(Command::new(p).arg("--version")));
            let system =
                system.context("Python 3.11 or newer is needed; install python3 with pip and venv")?;
            run(Command::new(system).args(["-m", "venv"]).arg(&folder))?;
            run(python
                .module("pip")
                .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
                .arg(&requirements))
        })?;
        Ok(python)
    }

    /// A command that runs a module.
    pub fn module(&self, name: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["-m", name]);
        command
    }

    /// A command that runs a script of this package.
    pub fn script(&self, path: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(package().join(path)).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// onnxruntime.
    pub fn onnxruntime(&self) -> Engine {
        let script = package().join("runners/ort.py");
        Engine {
            program: self.program.clone(),
            args: vec![script.display().to_string()],
            counts_start: false,
        }
    }
}
