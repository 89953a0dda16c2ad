//! `edgewise.toml`: what a model package says of itself.
//!
//! Unknown keys are refused: a key that is misspelled, or that a newer version knows, would otherwise change
//! answers in silence.

use edgewise_core::{DType, Result, bail, ensure, err};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The file's name in a package.
pub const FILE: &str = "edgewise.toml";

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What it is.
    pub package: About,
    /// The same model in several precisions, by name.
    #[serde(rename = "variant")]
    pub variants: BTreeMap<String, Variant>,
    /// What the model takes.
    pub input: Input,
    /// How a picture becomes that.
    pub preprocess: Option<Preprocess>,
    /// What its answer means.
    pub output: Option<Output>,
    /// Samples with known answers.
    pub heldout: Option<HeldOut>,
}

/// `[package]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One sentence.
    #[serde(default)]
    pub description: String,
    /// The license of the model.
    pub license: Option<String>,
    /// The license of the data that come along.
    pub data_license: Option<String>,
    /// The variant that is used when none is asked for.
    pub default: String,
}

/// `[variant.NAME]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// The model, beside the manifest.
    pub file: String,
    /// The digest of that file, in hexadecimal.
    pub sha256: String,
    /// How many of the held-out samples it gets right.
    pub correct: Option<usize>,
    /// Of how many.
    pub of: Option<usize>,
}

/// `[input]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The name of the model's input.
    pub name: String,
    /// Its element type: `f32`.
    pub dtype: String,
    /// Its sizes.
    pub shape: Vec<Size>,
    /// How a picture's axes lie in it.
    pub layout: Option<Layout>,
}

/// A size: a number, or a symbol that may be any.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Size {
    /// A number.
    Fixed(usize),
    /// A name.
    Symbol(String),
}

/// The order of a picture's axes.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub enum Layout {
    /// Batch, channels, height, width.
    #[serde(rename = "NCHW")]
    Nchw,
}

/// `[preprocess]`: how a picture becomes one sample. [`picture`](crate::picture) has the arithmetic.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Which channels.
    pub color: Color,
    /// Whether light and dark change places.
    pub invert: Option<Invert>,
    /// How it is brought to size.
    pub resize: Resize,
    /// The height in pixels.
    pub height: usize,
    /// The width in pixels.
    pub width: usize,
    /// What black and white become.
    pub range: [f64; 2],
}

/// Which channels the model sees.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub enum Color {
    /// One: the luma of Rec. 601, on white paper where the picture is transparent.
    #[serde(rename = "gray-rec601")]
    GrayRec601,
}

/// When light and dark change places.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub enum Invert {
    /// When the picture's border is light: the model expects light ink on a dark background.
    #[serde(rename = "if-light-border")]
    IfLightBorder,
}

/// How a picture is brought to size.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub enum Resize {
    /// Each pixel of the result is the mean of the area that it covers.
    #[serde(rename = "area")]
    Area,
}

/// `[output]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The name of the model's output.
    pub name: String,
    /// What it is.
    pub kind: OutputKind,
    /// What its numbers are.
    pub scores: Scores,
    /// The file whose line i, from 0, names class i.
    pub labels: Option<String>,
}

/// What an output is.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub enum OutputKind {
    /// One score per class; the largest wins.
    #[serde(rename = "classification")]
    Classification,
}

/// What scores are.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub enum Scores {
    /// They add up to 1.
    #[serde(rename = "probabilities")]
    Probabilities,
    /// Softmax makes probabilities of them.
    #[serde(rename = "logits")]
    Logits,
}

/// `[heldout]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// An archive of arrays, beside the manifest.
    pub file: String,
    /// The array of the samples.
    pub images: String,
    /// The array of their classes.
    pub labels: String,
    /// What samples are divided by to become the model's input.
    pub divide: f32,
}

impl Manifest {
    /// Reads a manifest.
    pub fn parse(text: &str) -> Result<Manifest> {
        let manifest: Manifest = toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            // What serde expected follows on lines of its own.
            err!(InvalidModel, "line {line}: {}", e.message().replace('\n', ", "))
        })?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The variant of that name, or the default.
    pub fn variant(&self, name: Option<&str>) -> Result<(&str, &Variant)> {
        let name = name.unwrap_or(&self.package.default);
        match self.variants.get_key_value(name) {
            Some((name, variant)) => Ok((name, variant)),
            None => {
                let names: Vec<&str> = self.variants.keys().map(String::as_str).collect();
                bail!(NotFound, "the package has no variant '{name}'; it has {}", names.join(", "))
            }
        }
    }

    fn check(&self) -> Result<()> {
        self.variant(None)?;
        for (name, variant) in &self.variants {
            let hex = variant.sha256.len() == 64 && variant.sha256.bytes().all(|b| b.is_ascii_hexdigit());
            ensure!(hex, InvalidModel, "variant.{name}.sha256 must be 64 hexadecimal digits");
        }
        self.input.dtype()?;
        if let Some(p) = &self.preprocess {
            let sizes = 1..=4096;
            ensure!(
                sizes.contains(&p.height) && sizes.contains(&p.width),
                InvalidModel,
                "preprocess.height and preprocess.width must be 1 to 4096, got {} and {}",
                p.height,
                p.width
            );
            ensure!(
                self.input.shape[..].get(1..)
                    == Some(&[Size::Fixed(1), Size::Fixed(p.height), Size::Fixed(p.width)]),
                InvalidModel,
                "input.shape must be [N, 1, {}, {}], which preprocess makes",
                p.height,
                p.width
            );
        }
        Ok(())
    }
}

impl Input {
    /// The element type.
    pub fn dtype(&self) -> Result<DType> {
        let dtype = DType::ALL.into_iter().find(|d| d.name() == self.dtype);
        dtype.ok_or_else(|| err!(InvalidModel, "input.dtype '{}' is not known", self.dtype))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = include_str!("../zoo/digits/edgewise.toml");

    #[test]
    fn the_zoo_is_read() {
        let manifest = Manifest::parse(DIGITS).unwrap();
        assert_eq!(manifest.variant(None).unwrap().0, "int8");
        assert_eq!(manifest.variant(Some("fp32")).unwrap().1.of, Some(500));
        assert_eq!(manifest.input.shape[0], Size::Symbol("N".into()));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (from, to, says) in [
            ("correct = 499", "corect = 499", "unknown field `corect`"),
            ("[preprocess]", "[preproces]", "unknown field `preproces`"),
            ("\ncolor = \"gray-rec601\"", "\ncolor = \"rgb\"", "unknown variant `rgb`"),
            ("default = \"int8\"", "default = \"int3\"", "no variant 'int3'; it has fp32, int8"),
            ("sha256 = \"f9c9", "sha256 = \"f9c", "variant.int8.sha256"),
            ("dtype = \"f32\"", "dtype = \"float\"", "input.dtype 'float'"),
            ("height = 8", "height = 9", "input.shape must be [N, 1, 9, 8]"),
            ("height = 8", "height = 0", "1 to 4096"),
            ("name = \"digits\"", "", "missing field `name`"),
        ] {
            let broken = DIGITS.replacen(from, to, 1);
            assert_ne!(broken, DIGITS);
            let error = Manifest::parse(&broken).unwrap_err().to_string();
            assert!(error.contains(says), "{error:?} should say {says:?}");
            assert!(!error.contains('\n'), "{error:?} should be one line");
        }
        let error = Manifest::parse("\n\nx = ").unwrap_err().to_string();
        assert!(error.starts_with("line "), "{error}");
    }
}
