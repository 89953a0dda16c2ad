//! Puts the kernels' files where the crate includes them from: as they are, or without comments and indentation in
//! optimized builds, whose size is what people download.
//!
//! What a reader would get wrong: the first lines of a file, `// use` and `// enable`, are no comments.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=src");
    let path =
        |name: &str| env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(name.to_string()));
    let (source, to) = (path("CARGO_MANIFEST_DIR")?.join("src"), path("OUT_DIR")?);
    let optimized = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    for (from, folder) in [("", ""), ("kernels", ""), ("kernels/common", "common")] {
        fs::create_dir_all(to.join(folder))?;
        for entry in fs::read_dir(source.join(from))? {
            let path = entry?.path();
            let (Some(name), true) = (path.file_name(), is_wgsl(&path)) else { continue };
            let text = fs::read_to_string(&path)?;
            let text = if optimized { bare(&text) } else { text };
            fs::write(to.join(folder).join(name), text)?;
        }
    }
    Ok(())
}

fn is_wgsl(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wgsl")
}

/// Without what only people read.
fn bare(text: &str) -> String {
    let mut bare = String::new();
    for line in text.lines() {
        let names = line.starts_with("// use ") || line.starts_with("// enable ");
        let code = if names { line } else { line.split("//").next().unwrap_or(line).trim() };
        if !code.is_empty() {
            bare.push_str(code);
            bare.push('\n');
        }
    }
    bare
}
