//! `cargo xtask wasm`: the module for browsers, in each of its builds, and what it weighs.

mod glue;
mod parity;
mod size;

pub use parity::test as test_gpu;

use crate::npm;
use crate::shell::{cargo, files, root, run, target};
use crate::suite::Outcome;
use crate::toolchain::{Target, Toolchain};
use anyhow::{Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: Target =
    Target { triple: "wasm32-unknown-unknown", library: "std,panic_abort", own_library: false, linker: None };

/// The same with a library of its own. For memory that threads share, the one that toolchains come with takes no
/// locks; and what can take the place of each other must name its functions alike, those of the library too.
const PAGES_TARGET: Target = Target { own_library: true, ..TARGET };

const BINARYEN: (&str, &str) = ("binaryen", "132.0.0");

/// What a build may weigh after brotli, with the core operators: for the CPU alone, and for a GPU too.
const CPU_BUDGET_BYTES: u64 = 800_000;
const GPU_BUDGET_BYTES: u64 = 1_000_000;

/// A build: whoever loads the module chooses the best one that its engine can compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    pub name: &'static str,
    features: &'static str,
    /// Whether threads share its memory.
    threads: bool,
    /// Whether it has the browser's GPU.
    gpu: bool,
}

const SIMD: &str = "+simd128";
const RELAXED: &str = "+simd128,+relaxed-simd";
const SIMD_THREADS: &str = "+simd128,+atomics,+bulk-memory,+mutable-globals";
const RELAXED_THREADS: &str = "+simd128,+relaxed-simd,+atomics,+bulk-memory,+mutable-globals";

/// Where nobody has a GPU: Node, and workers at the edge.
pub const CPU: Variant = Variant { name: "cpu", features: SIMD, threads: false, gpu: false };

/// What most pages get that are not isolated from other origins.
const PAGES: Variant = Variant { name: "relaxed", features: RELAXED, threads: false, gpu: true };

/// What pages get that are. Its JavaScript starts every build that has the GPU.
pub const ISOLATED: Variant =
    Variant { name: "relaxed-threads", features: RELAXED_THREADS, threads: true, gpu: true };

/// Every build, the smallest common one first.
pub const VARIANTS: [Variant; 5] = [
    CPU,
    Variant { name: "simd", features: SIMD, threads: false, gpu: true },
    Variant { name: "simd-threads", features: SIMD_THREADS, threads: true, gpu: true },
    PAGES,
    ISOLATED,
];

/// What web-sys keeps WebGPU behind.
const WEBGPU: &str = "--cfg=web_sys_unstable_apis";

/// How memory is shared: the page makes it, and it may grow up to all that 32 bits can name. What is exported
/// is what wasm-bindgen makes each thread's stack and variables with.
const SHARED_MEMORY: [&str; 8] = [
    "--shared-memory",
    "--import-memory",
    "--max-memory=4294967296",
    "--export=__wasm_init_tls",
    "--export=__tls_size",
    "--export=__tls_align",
    "--export=__tls_base",
    "--export=__heap_base",
];

/// What every change is tested with. The other two are made of the same parts and cost minutes, so their turn is at
/// night.
pub const DAILY: [Variant; 3] = [CPU, PAGES, ISOLATED];

/// The build of that name.
pub fn named(name: &str) -> Result<Variant> {
    match VARIANTS.into_iter().find(|variant| variant.name == name) {
        Some(variant) => Ok(variant),
        None => bail!("there is no build '{name}'; there are {}", VARIANTS.map(|v| v.name).join(", ")),
    }
}

/// Builds them and runs them in Chromium, where there is one, beside the native build.
pub fn test(variants: &[Variant]) -> Result<Outcome> {
    if let Outcome::Skipped(reason) = build(variants)? {
        return Ok(Outcome::Skipped(reason));
    }
    let names: Vec<&str> = variants.iter().map(|variant| variant.name).collect();
    // For the whole workspace: one package alone would be built again, with other features.
    let mut command = cargo(["test", "--workspace", "--test", "browser", "--", "--nocapture"]);
    run(command.env("EDGEWISE_WASM", names.join(",")))?;
    Ok(Outcome::Passed)
}

/// Builds them and prints what they weigh; an error if that is over the budget, or if one script cannot start all that
/// it has to.
pub fn build(variants: &[Variant]) -> Result<Outcome> {
    if let Some(reason) = npm::missing() {
        return Ok(Outcome::Skipped(reason));
    }
    let mut over = Vec::new();
    for variant in variants {
        let toolchain = match Toolchain::set_up(variant.target())? {
            Ok(toolchain) => toolchain,
            Err(reason) => return Ok(Outcome::Skipped(reason)),
        };
        variant.compile(&toolchain)?;
        if !variant.is_finished()? {
            variant.generate()?;
            variant.optimize()?;
        }
        variant.copy_scripts()?;
        let (size, budget) = (size::of(&variant.module())?, variant.budget_bytes());
        println!(
            "{}: {} bytes, {} after brotli; {:.1} % of the budget",
            variant.name,
            size.raw_bytes,
            size.brotli_bytes,
            size.brotli_bytes as f64 / budget as f64 * 100.0
        );
        if size.brotli_bytes > budget {
            over.push(variant.name);
        }
    }
    if variants.contains(&ISOLATED) {
        let script = |variant: &Variant| variant.dist().join("edgewise.js");
        let started = variants.iter().filter(|variant| variant.gpu);
        started
            .map(|variant| glue::check(&script(variant), &script(&ISOLATED)))
            .collect::<Result<Vec<_>>>()?;
    }
    ensure!(over.is_empty(), "over their budgets after brotli: {}", over.join(", "));
    Ok(Outcome::Passed)
}

impl Variant {
    /// Where everything about it lies.
    fn folder(&self) -> PathBuf {
        target().join("wasm").join(self.name)
    }

    /// Where the finished module and its JavaScript lie.
    pub fn dist(&self) -> PathBuf {
        self.folder().join("dist")
    }

    /// What it may weigh after brotli.
    fn budget_bytes(&self) -> u64 {
        if self.gpu { GPU_BUDGET_BYTES } else { CPU_BUDGET_BYTES }
    }

    fn target(&self) -> &'static Target {
        if self.gpu { &PAGES_TARGET } else { &TARGET }
    }

    fn compile(&self, toolchain: &Toolchain) -> Result<()> {
        let mut command = toolchain.cargo("build");
        command.args(["--package", "edgewise-web", "--profile", "wasm", "--target-dir"]).arg(self.folder());
        if self.gpu {
            command.args(["--features", "gpu"]);
        }
        run(command.env("RUSTFLAGS", self.flags()))
    }

    /// What the compiler is told.
    fn flags(&self) -> String {
        let mut flags = format!("-C target-feature={}", self.features);
        if self.gpu {
            flags = format!("{flags} {WEBGPU}");
        }
        if self.threads {
            flags.extend(SHARED_MEMORY.map(|argument| format!(" -C link-arg={argument}")));
        }
        flags
    }

    /// As the compiler wrote it.
    fn compiled(&self) -> PathBuf {
        self.folder().join(TARGET.triple).join("wasm/edgewise_web.wasm")
    }

    /// As browsers load it.
    fn module(&self) -> PathBuf {
        self.dist().join("edgewise_bg.wasm")
    }

    /// Whether that is younger than what it was made of, and than what makes it.
    fn is_finished(&self) -> Result<bool> {
        let Ok(finished) = self.module().metadata().and_then(|about| about.modified()) else {
            return Ok(false);
        };
        let mut makers = files(&root().join("xtask/src"))?;
        makers.extend([self.compiled(), root().join("Cargo.lock")]);
        let older = |path: &PathBuf| Ok(path.metadata()?.modified()? <= finished);
        makers.iter().map(older).try_fold(true, |all, one: Result<bool>| Ok(all && one?))
    }

    /// Writes the module as browsers load it, and its JavaScript.
    fn generate(&self) -> Result<()> {
        bindgen(&self.compiled(), &self.dist())
    }

    /// What loads a model; with threads, what starts them too.
    fn copy_scripts(&self) -> Result<()> {
        let js = root().join("web/js");
        let of_threads = js.join("threads");
        for script in files(&js)?.iter().filter(|script| self.threads || !script.starts_with(&of_threads)) {
            std::fs::copy(script, self.dist().join(script.file_name().unwrap_or_default()))?;
        }
        Ok(())
    }

    /// Makes the module smaller in place. At `-O1`, because more inlines more: `-O2` takes four times as long
    /// and gives 6 % more bytes after brotli.
    fn optimize(&self) -> Result<()> {
        let (full, small) = (self.module(), self.folder().join("optimized.wasm"));
        let binaryen = npm::package(BINARYEN.0, BINARYEN.1)?;
        let mut command = Command::new("node");
        command.arg(binaryen.join("bin/wasm-opt")).args(["-O1", "--strip-debug"]);
        run(command.arg(&full).arg("-o").arg(&small))?;
        std::fs::rename(small, &full)?;
        Ok(())
    }
}

/// Writes a module as browsers load it, and the JavaScript around it, into a folder.
fn bindgen(module: &Path, folder: &Path) -> Result<()> {
    // The profile of the suites, so that what they have built serves here too.
    let mut command =
        cargo(["run", "--quiet", "--package", "xtask", "--features", "bindgen", "--bin", "bindgen"]);
    run(command.arg("--").arg(module).arg(folder))
}
