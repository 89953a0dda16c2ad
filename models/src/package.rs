//! A package's files: found beside its manifest, never outside of its folder, and verified before use.

use crate::manifest::{self, Manifest, OutputKind, Scores};
use crate::{npz, picture};
use edgewise_core::onnx::{Bytes, File, Source};
use edgewise_core::{Error, ErrorKind, Result, Tensor, bail, ensure, err};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that are part of the program, by name.
pub type Embedded = &'static [(&'static str, &'static [u8])];

/// A model package.
#[derive(Clone, Debug)]
pub struct Package {
    manifest: Manifest,
    /// In messages: the folder, or the name.
    place: String,
    files: Files,
    labels: Option<Vec<String>>,
}

#[derive(Clone, Debug)]
enum Files {
    Folder(PathBuf),
    Embedded(Embedded),
}

/// A class and how likely it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Class {
    /// Its index.
    pub index: usize,
    /// Its name; its index where it has none.
    pub label: String,
    /// 0 to 1.
    pub probability: f32,
}

impl Package {
    /// Whether a folder is a package.
    pub fn is_at(folder: &Path) -> bool {
        folder.join(manifest::FILE).is_file()
    }

    /// Opens the package in a folder.
    pub fn open(folder: impl AsRef<Path>) -> Result<Package> {
        let folder = folder.as_ref();
        Package::new(folder.display().to_string(), Files::Folder(folder.into()))
    }

    /// Opens a package that is part of the program.
    pub fn embedded(name: &str, files: Embedded) -> Result<Package> {
        Package::new(name.into(), Files::Embedded(files))
    }

    fn new(place: String, files: Files) -> Result<Package> {
        let text = |file: &str| -> Result<String> {
            let bytes = files.read(file).map(Cow::into_owned);
            let text = bytes
                .and_then(|b| String::from_utf8(b).map_err(|_| err!(InvalidModel, "expected UTF-8 text")));
            text.map_err(|e| e.in_file(format!("{place}/{file}")))
        };
        let manifest = Manifest::parse(&text(manifest::FILE)?)
            .map_err(|e| e.in_file(format!("{place}/{}", manifest::FILE)))?;
        let labels = manifest.output.as_ref().and_then(|o| o.labels.as_ref());
        let labels = labels.map(|file| text(file)).transpose()?;
        let labels = labels.map(|text| text.lines().map(str::to_string).collect());
        Ok(Package { manifest, place, files, labels })
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The model of a variant, or of the default one; its bytes are those of the manifest's digest.
    pub fn model(&self, variant: Option<&str>) -> Result<Arc<dyn Source>> {
        let named = self.manifest.variant(variant).map_err(|e| e.in_file(&self.place));
        let (_, variant) = named?;
        let name = format!("{}/{}", self.place, variant.file);
        let digest = self.files.digest(&variant.file).map_err(|e| e.in_file(&name))?;
        ensure!(
            digest.eq_ignore_ascii_case(&variant.sha256),
            InvalidModel,
            "{name}: the file's sha256 is {digest}, but {} promises {}",
            manifest::FILE,
            variant.sha256
        );
        Ok(match &self.files {
            Files::Folder(folder) => Arc::new(File::open(folder.join(&variant.file))?),
            files @ Files::Embedded(_) => Arc::new(Bytes::new(name, files.read(&variant.file)?.into_owned())),
        })
    }

    /// The model's input for a picture file's bytes: one sample, with its batch axis.
    pub fn picture(&self, file: &[u8]) -> Result<Tensor> {
        let rule = self.manifest.preprocess.as_ref();
        let rule =
            rule.ok_or_else(|| err!(InvalidInput, "the package '{}' takes no pictures", self.place))?;
        picture::prepare(&picture::decode(file)?, rule)
    }

    /// For every sample of an output of scores: its classes, the likeliest first.
    pub fn classes(&self, output: &str, scores: &Tensor) -> Option<Vec<Vec<Class>>> {
        let meaning = self.manifest.output.as_ref().filter(|o| o.name == output)?;
        let OutputKind::Classification = meaning.kind;
        let count = scores.shape().last().copied().filter(|n| *n > 0)?;
        let scores = scores.view().to_f32s().ok()?;
        Some(scores.chunks(count).map(|row| self.ranked(row, meaning.scores)).collect())
    }

    fn ranked(&self, scores: &[f32], meaning: Scores) -> Vec<Class> {
        let probabilities = match meaning {
            Scores::Probabilities => scores.to_vec(),
            Scores::Logits => softmax(scores),
        };
        let name = |i: usize| self.labels.as_ref().and_then(|l| l.get(i).cloned());
        let class = |(index, probability)| Class {
            index,
            label: name(index).unwrap_or_else(|| index.to_string()),
            probability,
        };
        let mut classes: Vec<Class> = probabilities.into_iter().enumerate().map(class).collect();
        classes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        classes
    }

    /// The held-out samples as the model's input, and their classes.
    pub fn held_out(&self) -> Result<(Tensor, Vec<i64>)> {
        let from = self.manifest.heldout.as_ref();
        let from =
            from.ok_or_else(|| err!(NotFound, "the package '{}' has no held-out samples", self.place))?;
        let read = || -> Result<(Tensor, Vec<i64>)> {
            let archive = self.files.read(&from.file)?;
            let images = npz::get(&archive, &from.images)?;
            let samples: Vec<f32> = images.view().to_f32s()?.into_iter().map(|x| x / from.divide).collect();
            let labels = npz::get(&archive, &from.labels)?.view().to_i64s()?;
            Ok((Tensor::new(images.shape(), &samples)?, labels))
        };
        read().map_err(|e| e.in_file(format!("{}/{}", self.place, from.file)))
    }
}

impl Files {
    fn read(&self, file: &str) -> Result<Cow<'static, [u8]>> {
        match self {
            Files::Folder(folder) => Ok(std::fs::read(inside(folder, file)?)?.into()),
            Files::Embedded(files) => match files.iter().find(|(name, _)| *name == file) {
                Some((_, bytes)) => Ok((*bytes).into()),
                None => bail!(NotFound, "the program does not hold it"),
            },
        }
    }

    fn digest(&self, file: &str) -> Result<String> {
        let mut hash = Sha256::new();
        match self {
            Files::Embedded(_) => hash.update(self.read(file)?),
            Files::Folder(folder) => {
                // By pieces: a model may be larger than memory.
                let mut file = std::fs::File::open(inside(folder, file)?)?;
                let mut piece = vec![0; 1 << 20];
                loop {
                    match file.read(&mut piece)? {
                        0 => break,
                        n => hash.update(&piece[..n]),
                    }
                }
            }
        }
        Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
    }
}

/// The path of a file of the package; an error where it leads outside the folder.
fn inside(folder: &Path, file: &str) -> Result<PathBuf> {
    let outside = || err!(InvalidModel, "'{file}' leads outside the package's folder");
    let plain = !file.is_empty()
        && !file.contains([':', '\\'])
        && Path::new(file).components().all(|c| matches!(c, std::path::Component::Normal(_)));
    if !plain {
        return Err(outside());
    }
    let path = folder.join(file);
    // The text is harmless; a symbolic link could still lead outside.
    let found = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => Error::new(ErrorKind::NotFound, "the file does not exist"),
        _ => Error::from(e),
    };
    let (real, home) = (path.canonicalize().map_err(found)?, folder.canonicalize().map_err(found)?);
    if real.starts_with(&home) { Ok(path) } else { Err(outside()) }
}

fn softmax(scores: &[f32]) -> Vec<f32> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = scores.iter().map(|x| (x - most).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|x| x / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zoo() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("zoo/digits")
    }

    /// A copy of the zoo's package that a test may break.
    fn copy(name: &str) -> PathBuf {
        let to = std::env::temp_dir().join(format!("edgewise-package-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&to).unwrap();
        for file in ["edgewise.toml", "labels.txt", "digits_int8.onnx", "digits_fp32.onnx", "heldout.npz"] {
            std::fs::copy(zoo().join(file), to.join(file)).unwrap();
        }
        to
    }

    fn edit(folder: &Path, from: &str, to: &str) {
        let file = folder.join(manifest::FILE);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, text.replacen(from, to, 1)).unwrap();
    }

    #[test]
    fn the_zoo_is_whole() {
        let package = Package::open(zoo()).unwrap();
        assert!(package.model(None).unwrap().name().ends_with("digits_int8.onnx"));
        assert!(package.model(Some("fp32")).unwrap().name().ends_with("digits_fp32.onnx"));
        let (images, labels) = package.held_out().unwrap();
        assert_eq!((images.shape(), labels.len()), (&[500, 1, 8, 8][..], 500));
        let error = package.model(Some("int2")).err().unwrap().to_string();
        assert!(error.contains("it has fp32, int8"), "{error}");
    }

    #[test]
    fn a_model_with_other_bytes_is_refused() {
        let folder = copy("digest");
        let model = folder.join("digits_int8.onnx");
        let mut bytes = std::fs::read(&model).unwrap();
        bytes[1000] ^= 1;
        std::fs::write(&model, bytes).unwrap();
        let error = Package::open(&folder).unwrap().model(None).err().unwrap().to_string();
        assert!(error.contains("sha256") && error.contains("digits_int8.onnx"), "{error}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn files_stay_in_the_folder() {
        let folder = copy("inside");
        for bad in ["../digits/labels.txt", "/etc/hostname", "C:labels.txt", "a\\\\labels.txt", ""] {
            std::fs::copy(zoo().join(manifest::FILE), folder.join(manifest::FILE)).unwrap();
            edit(&folder, "labels = \"labels.txt\"", &format!("labels = \"{bad}\""));
            let error = Package::open(&folder).unwrap_err().to_string();
            assert!(error.contains("leads outside"), "{bad}: {error}");
        }
        #[cfg(unix)]
        {
            std::fs::copy(zoo().join(manifest::FILE), folder.join(manifest::FILE)).unwrap();
            std::fs::remove_file(folder.join("labels.txt")).unwrap();
            std::os::unix::fs::symlink(zoo().join("labels.txt"), folder.join("labels.txt")).unwrap();
            assert!(Package::open(&folder).unwrap_err().to_string().contains("leads outside"));
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn logits_become_probabilities() {
        let p = softmax(&[1000.0, 1000.0]);
        assert_eq!(p, [0.5, 0.5]);
    }
}
