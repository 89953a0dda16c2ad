//! The kernels on aarch64, on machines that are none: compiled here, run by QEMU.

use crate::apt;
use crate::shell::{run, succeeds, target};
use crate::suite::Outcome;
use crate::toolchain::{Target, Toolchain};
use anyhow::Result;
use std::process::Command;

const TARGET: Target = Target {
    triple: "aarch64-unknown-linux-gnu",
    library: "std,panic_unwind,test",
    own_library: false,
    linker: Some("aarch64-linux-gnu-gcc"),
};

const EMULATOR: &str = "qemu-aarch64";
/// Where Debian has the C library for other machines.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";
const PACKAGES: [&str; 3] = ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user"];

/// Processors that have NEON alone, dot products too, and products of matrices too: each set is the best one
/// of one of them.
const PROCESSORS: [&str; 3] = ["cortex-a72", "neoverse-n1", "max"];

/// Runs the tests of the kernels on each processor.
pub fn test() -> Result<Outcome> {
    if cfg!(target_arch = "aarch64") {
        return Ok(Outcome::Skipped("this machine is one: the other suites test them".into()));
    }
    if !cfg!(target_os = "linux") {
        return Ok(Outcome::Skipped("QEMU runs programs of other processors on Linux only".into()));
    }
    if !has_tools() {
        apt::install(&PACKAGES)?;
    }
    if !has_tools() {
        return Ok(Outcome::Skipped(format!("it needs {}", PACKAGES.join(", "))));
    }
    let toolchain = match Toolchain::set_up(&TARGET)? {
        Ok(toolchain) => toolchain,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    for processor in PROCESSORS {
        println!("As {processor}:");
        let mut command = toolchain.cargo("test");
        command.args(["--quiet", "--package", "edgewise-simd", "--lib", "--target-dir"]);
        command.arg(target().join("aarch64"));
        let runner = format!("{EMULATOR} -L {LIBRARIES} -cpu {processor}");
        run(command.env(TARGET.variable("RUNNER"), runner))?;
    }
    Ok(Outcome::Passed)
}

fn has_tools() -> bool {
    let tools = TARGET.linker.into_iter().chain([EMULATOR]);
    tools.into_iter().all(|tool| succeeds(Command::new(tool).arg("--version")))
}
