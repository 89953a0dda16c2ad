//! The compiler for wasm. On ordinary machines that is rustup's, with its wasm32 standard library. Where that
//! cannot be had, Debian's packages for the web bring a compiler of their own with the library's sources.

use crate::shell::{cargo, run, succeeds};
use anyhow::Result;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub const TARGET: &str = "wasm32-unknown-unknown";

const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LINKER: &str = "/usr/bin/rust-lld";
const DEBIAN_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";
const DEBIAN_PACKAGES: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"];

/// A download that stalls must not stall the tests.
const PATIENCE: Duration = Duration::from_secs(120);

/// Which compiler there is.
pub enum Toolchain {
    /// The one that builds everything else.
    Usual,
    /// Debian's; it builds the standard library too.
    Debian,
}

impl Toolchain {
    /// Finds a compiler or installs one; the inner error says why there is none.
    pub fn set_up() -> Result<std::result::Result<Toolchain, String>> {
        if has_target() {
            return Ok(Ok(Toolchain::Usual));
        }
        if debian_is_there() {
            return Ok(Ok(Toolchain::Debian));
        }
        println!("Adding {TARGET} to the Rust toolchain, by rustup");
        if within(PATIENCE, Command::new("rustup").args(["target", "add", TARGET])) && has_target() {
            return Ok(Ok(Toolchain::Usual));
        }
        if succeeds(Command::new("apt-get").arg("--version")) && is_root() {
            println!("rustup has none; installing Debian's {}", DEBIAN_PACKAGES.join(" "));
            install_debian()?;
        }
        Ok(match debian_is_there() {
            true => Ok(Toolchain::Debian),
            false => Err(format!("no compiler for {TARGET}: `rustup target add {TARGET}` failed")),
        })
    }

    /// A cargo command that compiles with it.
    pub fn cargo(&self) -> Command {
        match self {
            Toolchain::Usual => cargo([]),
            Toolchain::Debian => {
                let mut command = Command::new(DEBIAN_CARGO);
                command.args(["-Zbuild-std=std,panic_abort"]);
                // A released compiler builds the standard library only if it may do what nightly ones do.
                command.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", DEBIAN_RUSTC);
                command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER);
                command.env_remove("RUSTUP_TOOLCHAIN");
                command
            }
        }
    }
}

/// Whether the usual compiler has the target's standard library.
fn has_target() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    output.is_ok_and(|output| {
        let folder = String::from_utf8_lossy(&output.stdout).trim().to_string();
        output.status.success() && std::fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some())
    })
}

fn debian_is_there() -> bool {
    let files = [DEBIAN_CARGO, DEBIAN_RUSTC, DEBIAN_LINKER, DEBIAN_SOURCES];
    files.iter().all(|file| Path::new(file).exists())
}

fn install_debian() -> Result<()> {
    run(Command::new("apt-get").args(["-q", "update"]))?;
    let mut install = Command::new("apt-get");
    install.args(["-q", "install", "-y", "--no-install-recommends"]).args(DEBIAN_PACKAGES);
    run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
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
