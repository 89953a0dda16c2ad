//! Compilers for other machines. On ordinary ones that is rustup's, with the standard library for them. Where
//! that cannot be had, Debian's packages for the web bring a compiler of their own with the library's sources.

use crate::apt;
use crate::shell::cargo;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LINKER: &str = "/usr/bin/rust-lld";
const DEBIAN_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";
const DEBIAN_PACKAGES: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"];

/// Where the usual compiler keeps the standard library's sources.
const SOURCES: &str = "lib/rustlib/src/rust/library/std";

/// A download that stalls must not stall the tests.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is compiled for.
pub struct Target {
    pub triple: &'static str,
    /// Those parts of the standard library that are needed.
    pub library: &'static str,
    /// Whether they are built in any case, because nobody has them as they must be.
    pub own_library: bool,
    /// The program that links; Debian's rust-lld if none is said.
    pub linker: Option<&'static str>,
}

/// Which compiler there is for a target.
pub enum Toolchain {
    /// The one that builds everything else.
    Usual(&'static Target),
    /// Debian's; it builds the standard library too.
    Debian(&'static Target),
}

impl Toolchain {
    /// Finds a compiler or installs one; the inner error says why there is none.
    pub fn set_up(target: &'static Target) -> Result<std::result::Result<Toolchain, String>> {
        if target.has_library() {
            return Ok(Ok(Toolchain::Usual(target)));
        }
        if debian_is_there() {
            return Ok(Ok(Toolchain::Debian(target)));
        }
        let triple = target.triple;
        println!("Adding {triple} to the Rust toolchain, by rustup");
        let mut rustup = Command::new("rustup");
        let mut added = within(PATIENCE, rustup.args(["target", "add", triple]));
        if added && target.own_library {
            added = within(PATIENCE, Command::new("rustup").args(["component", "add", "rust-src"]));
        }
        if added && target.has_library() {
            return Ok(Ok(Toolchain::Usual(target)));
        }
        println!("rustup has none");
        apt::install(&DEBIAN_PACKAGES)?;
        Ok(match debian_is_there() {
            true => Ok(Toolchain::Debian(target)),
            false => Err(format!("no compiler for {triple}: `rustup target add {triple}` failed")),
        })
    }

    /// A cargo command that compiles with it, for the target.
    pub fn cargo(&self, command: &str) -> Command {
        let (mut cargo, target) = match self {
            Toolchain::Usual(target) => (cargo([]), target),
            Toolchain::Debian(target) => {
                let mut cargo = Command::new(DEBIAN_CARGO);
                cargo.env("RUSTC", DEBIAN_RUSTC);
                cargo.env(target.variable("LINKER"), DEBIAN_LINKER);
                cargo.env_remove("RUSTUP_TOOLCHAIN");
                (cargo, target)
            }
        };
        if target.own_library || matches!(self, Toolchain::Debian(_)) {
            // A released compiler builds the standard library only if it may do what nightly ones do.
            cargo.env("RUSTC_BOOTSTRAP", "1").arg(format!("-Zbuild-std={}", target.library));
        }
        if let Some(linker) = target.linker {
            cargo.env(target.variable("LINKER"), linker);
        }
        cargo.args([command, "--target", target.triple]);
        cargo
    }
}

impl Target {
    /// The variable that tells cargo something about this target.
    pub fn variable(&self, what: &str) -> String {
        format!("CARGO_TARGET_{}_{what}", self.triple.to_uppercase().replace('-', "_"))
    }

    /// Whether the usual compiler has its standard library, with the sources if they are wanted.
    fn has_library(&self) -> bool {
        let built = ask(&["--print", "target-libdir", "--target", self.triple]);
        let built = built.and_then(|folder| std::fs::read_dir(folder).ok()?.next());
        let sources = || ask(&["--print", "sysroot"]).map(|root| root.join(SOURCES).is_dir());
        built.is_some() && (!self.own_library || sources() == Some(true))
    }
}

/// The path that the usual compiler answers with.
fn ask(question: &[&str]) -> Option<PathBuf> {
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let output = Command::new(rustc).args(question).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().into())
}

fn debian_is_there() -> bool {
    let files = [DEBIAN_CARGO, DEBIAN_RUSTC, DEBIAN_LINKER, DEBIAN_SOURCES];
    files.iter().all(|file| Path::new(file).exists())
}

/// Runs a command that is stopped when its time is over; whether it succeeded.
fn within(patience: Duration, command: &mut Command) -> bool {
    let Ok(mut child) = command.stdin(Stdio::null()).spawn() else { return false };
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if began.elapsed() < patience => std::thread::sleep(Duration::from_millis(200)),
            _ => {
                // It may have ended just now; either way it is gone.
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}
