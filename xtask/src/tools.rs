//! Tools that are built from their published sources: minutes each, so only `nightly` builds them.

use crate::shell::{cargo, root, run, succeeds, target};
use crate::suite::Outcome;
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

/// Package and version of each.
const DENY: (&str, &str) = ("cargo-deny", "0.20.2");
const MDBOOK: (&str, &str) = ("mdbook", "0.5.4");

/// Checks bans, licenses and sources. Advisories are left out: their database is not everywhere in reach.
pub fn deny(install: bool) -> Result<Outcome> {
    with_tool(DENY, install, |deny| run(deny.args(["--workspace", "check", "bans", "licenses", "sources"])))
}

/// Builds the book, where there is one.
pub fn book(install: bool) -> Result<Outcome> {
    if !root().join("docs/book.toml").exists() {
        return Ok(Outcome::Skipped("there is no docs/book.toml".into()));
    }
    with_tool(MDBOOK, install, |mdbook| run(mdbook.args(["build", "docs", "-d"]).arg(target().join("book"))))
}

fn with_tool(
    tool: (&str, &str),
    install: bool,
    work: impl Fn(&mut Command) -> Result<()>,
) -> Result<Outcome> {
    let path = match find(tool.0) {
        Some(path) => path,
        None if install => build(tool)?,
        None => {
            let why = format!("{} takes minutes to build; cargo xtask nightly does it", tool.0);
            return Ok(Outcome::Skipped(why));
        }
    };
    work(&mut Command::new(path))?;
    Ok(Outcome::Passed)
}

/// Our own, or one that is installed.
fn find(name: &str) -> Option<PathBuf> {
    let own = own(name);
    [own, name.into()].into_iter().find(|path| succeeds(Command::new(path).arg("--version")))
}

fn own(name: &str) -> PathBuf {
    target().join("tools/bin").join(name)
}

fn build((name, version): (&str, &str)) -> Result<PathBuf> {
    println!("Building {name} {version} into {}", target().join("tools").display());
    let mut command = cargo(["install", "--locked", "--quiet", name, "--version", version]);
    run(command.arg("--root").arg(target().join("tools")))?;
    Ok(own(name))
}
