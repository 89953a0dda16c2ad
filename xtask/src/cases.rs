//! Generates the conformance cases, and again only when what they come from has changed.

use crate::python::Python;
use crate::shell::{files, root, run, status, target};
use crate::suite::Outcome;
use anyhow::{Context, Result, bail, ensure};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// What a generator ends with on a processor whose answers would be wrong (see `oracle.py`).
const UNFIT_PROCESSOR: i32 = 77;

/// A generator and what its cases depend on.
struct Generator {
    /// Its folder below target/cases.
    folder: &'static str,
    script: &'static str,
    sources: &'static [&'static str],
}

const GENERATORS: [Generator; 2] = [
    Generator {
        folder: "onnx",
        script: "onnx_cases.py",
        sources: &["onnx_cases.py", "caseio.py", "requirements.txt"],
    },
    Generator {
        folder: "contrib",
        script: "contrib_cases.py",
        sources: &[
            "contrib_cases.py",
            "contrib",
            "caseio.py",
            "oracle.py",
            "tolerances.toml",
            "requirements.txt",
        ],
    },
];

/// Generates the cases of operators.
pub fn generate() -> Result<Outcome> {
    let mut skipped = Vec::new();
    for generator in &GENERATORS {
        if !generator.generate()? {
            skipped.push(generator.folder);
        }
    }
    Ok(match skipped[..] {
        [] => Outcome::Passed,
        _ => {
            Outcome::Skipped(format!("no cases of {}: this processor is unfit as oracle", skipped.join(", ")))
        }
    })
}

impl Generator {
    /// Whether the cases are there now.
    fn generate(&self) -> Result<bool> {
        let folder = target().join("cases").join(self.folder);
        let stamp = target().join("cases").join(format!("{}.stamp", self.folder));
        let wanted = hash(self.sources)?;
        if folder.is_dir() && std::fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
            println!("{}: up to date", folder.display());
            return Ok(true);
        }
        let python = Python::set_up()?;
        println!("Generating cases into {}", folder.display());
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        match status(python.script(self.script).arg(&folder))? {
            Some(0) => std::fs::write(&stamp, wanted)?,
            Some(UNFIT_PROCESSOR) => {
                std::fs::remove_dir_all(&folder)?;
                return Ok(false);
            }
            code => bail!("{} failed (code {code:?})", self.script),
        }
        Ok(true)
    }
}

/// Generates a case for every model below a folder, and for quantized forms of some of them.
pub fn of_models(models: &Path) -> Result<()> {
    ensure!(models.is_dir(), "{} is not a folder", models.display());
    let python = Python::set_up()?;
    let quantized = target().join("cases/quantized");
    run(python.script("quantize_models.py").arg(&quantized).arg("--models").arg(models))?;
    let out = target().join("cases/models");
    run(python.script("model_cases.py").arg(out).args(onnx_files(models)?).args(onnx_files(&quantized)?))
}

fn onnx_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut found = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    found.retain(|path| path.extension().is_some_and(|e| e == "onnx"));
    found.sort();
    Ok(found)
}

/// Of the contents of files and folders of tests/cases.
fn hash(sources: &[&str]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for source in sources {
        let path = root().join("tests/cases").join(source);
        let paths = if path.is_dir() { files(&path)? } else { vec![path] };
        for path in paths {
            path.file_name().hash(&mut hasher);
            std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?.hash(&mut hasher);
        }
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}
