//! Running other programs, and where things are.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in the repository").to_path_buf()
}

/// Cargo's target folder, where everything that is made goes.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or(root().join("target"), |dir| root().join(dir))
}

/// The cargo that runs this.
pub fn cargo<const N: usize>(args: [&str; N]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.args(args);
    command
}

/// Runs a command in the repository; an error names what failed.
pub fn run(command: &mut Command) -> Result<()> {
    match status(command)? {
        Some(0) => Ok(()),
        Some(code) => bail!("`{}` ended with code {code}", shown(command)),
        None => bail!("`{}` was killed", shown(command)),
    }
}

/// Runs a command in the repository and gives its exit code; `None` if a signal ended it.
pub fn status(command: &mut Command) -> Result<Option<i32>> {
    let status = command.current_dir(root()).status();
    Ok(status.with_context(|| format!("`{}` could not be started", shown(command)))?.code())
}

/// Whether a command can be run and succeeds; says nothing.
pub fn succeeds(command: &mut Command) -> bool {
    command.current_dir(root()).output().is_ok_and(|output| output.status.success())
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Every file below a folder, sorted; hidden folders and build outputs left out.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let skipped =
                name.starts_with('.') || matches!(&*name, "target" | "node_modules" | "__pycache__");
            match path.is_dir() {
                true if skipped || path == target() => {}
                true => open.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    Ok(found)
}
