//! A Python environment of our own, below the target folder.

use crate::shell::{root, run, succeeds, target};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

const REQUIREMENTS: &str = "tests/cases/requirements.txt";
/// The oldest that the pinned packages support.
const CHECK: &str = "import sys; sys.exit(sys.version_info < (3, 11))";

/// Python with the packages that the case generators import.
pub struct Python {
    program: PathBuf,
    /// Where the packages are, if not in the environment of `program`.
    packages: Option<PathBuf>,
}

impl Python {
    /// Makes the environment, or takes the one that is there if it has the packages as they are pinned now.
    pub fn set_up() -> Result<Python> {
        let folder = target().join("python");
        let stamp = folder.join("requirements.txt");
        let wanted = std::fs::read_to_string(root().join(REQUIREMENTS))?;
        if std::fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
            return Python::in_folder();
        }
        println!(
            "Making a Python environment in {} with the packages of {REQUIREMENTS}: \
             the conformance cases are generated with them.",
            folder.display()
        );
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        Python::install(find()?)?;
        std::fs::write(&stamp, wanted)?;
        Python::in_folder()
    }

    /// A command that runs a script of tests/cases.
    pub fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(root().join("tests/cases").join(name)).env("PYTHONDONTWRITEBYTECODE", "1");
        if let Some(packages) = &self.packages {
            command.env("PYTHONPATH", packages);
        }
        command
    }

    fn in_folder() -> Result<Python> {
        let program = environment_program();
        if program.exists() {
            return Ok(Python { program, packages: None });
        }
        Ok(Python { program: find()?.into(), packages: Some(packages()) })
    }

    /// In a virtual environment where Python can make one, else into a plain folder: some systems ship
    /// Python without what a virtual environment needs.
    fn install(system: &str) -> Result<()> {
        let folder = target().join("python");
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS];
        if succeeds(Command::new(system).args(["-m", "venv"]).arg(&folder)) {
            return run(Command::new(environment_program()).args(pip));
        }
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        println!("{system} cannot make a virtual environment (ensurepip is missing); using a plain folder.");
        std::fs::create_dir_all(&folder)?;
        run(Command::new(system).args(pip).arg("--target").arg(packages())).context(
            "the packages for the conformance cases could not be installed; pip is needed (python3-pip)",
        )
    }
}

fn packages() -> PathBuf {
    target().join("python/packages")
}

fn environment_program() -> PathBuf {
    target().join(if cfg!(windows) { "python/Scripts/python.exe" } else { "python/bin/python" })
}

/// The system's Python.
fn find() -> Result<&'static str> {
    let found =
        ["python3", "python"].into_iter().find(|name| succeeds(Command::new(name).args(["-c", CHECK])));
    match found {
        Some(name) => Ok(name),
        None => bail!("Python 3.11 or newer is needed for the conformance cases; install python3 with pip"),
    }
}
