//! Files that are written whole or not at all.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Files under temporary names, until all of them are there. Dropped before that, they vanish.
#[derive(Default)]
pub struct Pending {
    files: Vec<(PathBuf, PathBuf)>,
    /// A folder that was made for them.
    made: Option<PathBuf>,
}

impl Pending {
    /// Files in a folder, which is made if need be.
    pub fn in_folder(folder: &Path) -> Result<Pending> {
        let made = (!folder.exists()).then(|| folder.to_path_buf());
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        Ok(Pending { files: Vec::new(), made })
    }

    /// Writes a file under a temporary name beside its own.
    pub fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
        self.files.push((temporary.clone(), path.into()));
        std::fs::write(&temporary, bytes).with_context(|| path.display().to_string())
    }

    /// Gives every file its own name.
    pub fn finish(mut self) -> Result<()> {
        self.made = None;
        while let Some((temporary, path)) = self.files.last() {
            std::fs::rename(temporary, path).with_context(|| path.display().to_string())?;
            self.files.pop();
        }
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        for (temporary, _) in &self.files {
            let _ = std::fs::remove_file(temporary);
        }
        if let Some(folder) = &self.made {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Writes one file, whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut pending = Pending::default();
    pending.write(path, bytes)?;
    pending.finish()
}

/// A value's name as a file's: no separators, nothing hidden.
pub fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    if name.starts_with('.') || name.is_empty() { format!("_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let folder = std::env::temp_dir().join(format!("edgewise-pending-{}", std::process::id()));
        let mut pending = Pending::in_folder(&folder).unwrap();
        pending.write(&folder.join("a.npy"), b"a").unwrap();
        assert!(pending.write(&folder.join("no/such/folder.npy"), b"b").is_err());
        drop(pending);
        assert!(!folder.exists());
        let mut pending = Pending::in_folder(&folder).unwrap();
        pending.write(&folder.join("a.npy"), b"a").unwrap();
        pending.finish().unwrap();
        let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["a.npy"]);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn names_lead_nowhere_else() {
        assert_eq!(file_name("../a b/c:0"), "_.._a_b_c_0");
        assert_eq!(file_name(""), "_");
        assert_eq!(file_name("logits.0"), "logits.0");
    }
}
