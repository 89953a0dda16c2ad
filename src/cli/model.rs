//! Which model, which device, and loading it.

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use edgewise::models::Package;
use edgewise::onnx::{File, Source};
use edgewise::{Options, Progress, Session, block_on};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

/// The package that is part of the program, so that a first run needs nothing else.
const DIGITS: &[(&str, &[u8])] = &[
    ("edgewise.toml", include_bytes!("../../models/zoo/digits/edgewise.toml")),
    ("labels.txt", include_bytes!("../../models/zoo/digits/labels.txt")),
    ("digits_int8.onnx", include_bytes!("../../models/zoo/digits/digits_int8.onnx")),
    ("digits_fp32.onnx", include_bytes!("../../models/zoo/digits/digits_fp32.onnx")),
    ("heldout.npz", include_bytes!("../../models/zoo/digits/heldout.npz")),
];

/// Loading less than this is over before a bar could be read.
const BAR_FROM_BYTES: u64 = 64 << 20;

/// Which model.
#[derive(Args)]
pub struct ModelArgs {
    /// A model file, a package folder, or `digits`, which is built in
    pub model: String,
    /// A package's variant, such as int8 (its default if left out)
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
}

/// Where it runs.
#[derive(Args)]
pub struct DeviceArgs {
    /// Where to run
    #[arg(long, value_enum, default_value = "auto")]
    pub device: Device,
    /// How many threads a run uses (all processors if left out)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

/// A device that may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Device {
    /// The processor, until there is a device that is known to be faster
    Auto,
    /// The processor
    Cpu,
    /// A graphics processor
    Gpu,
    /// A graphics processor by CUDA
    Cuda,
}

/// A model that was found, and not loaded yet.
pub struct Found {
    /// As the caller wrote it.
    pub name: String,
    pub package: Option<Package>,
    /// The package's variant.
    pub variant: Option<String>,
    pub source: Arc<dyn Source>,
}

impl ModelArgs {
    /// Finds the model; what is on the disk comes before what is built in.
    pub fn find(&self) -> Result<Found> {
        let (name, path) = (self.model.clone(), Path::new(&self.model));
        let package = if path.is_dir() {
            if !Package::is_at(path) {
                bail!("{name}: the folder is no package, since it has no edgewise.toml");
            }
            Package::open(path)?
        } else if name == "digits" && !path.exists() {
            Package::embedded("digits", DIGITS)?
        } else {
            if self.variant.is_some() {
                bail!("{name}: a model file has no variants; --variant is for packages");
            }
            let source = Arc::new(File::open(path)?);
            return Ok(Found { name, package: None, variant: None, source });
        };
        let source = package.model(self.variant.as_deref())?;
        let (variant, _) = package.manifest().variant(self.variant.as_deref())?;
        Ok(Found { name, variant: Some(variant.into()), package: Some(package), source })
    }
}

impl Found {
    /// Loads it, with a bar if that takes a while and somebody watches.
    pub fn load(&self, options: Options) -> Result<Session> {
        let mut bar = None;
        let mut progress = |progress: Progress| match progress {
            Progress::Weights(bytes) if bytes >= BAR_FROM_BYTES && std::io::stderr().is_terminal() => {
                let style = "loading {wide_bar} {bytes} of {total_bytes} ({bytes_per_sec}, {eta})";
                let style = indicatif::ProgressStyle::with_template(style);
                let shown = indicatif::ProgressBar::new(bytes);
                bar = Some(match style {
                    Ok(style) => shown.with_style(style),
                    Err(_) => shown,
                });
            }
            Progress::Read(bytes) => bar.iter().for_each(|b| b.inc(bytes)),
            Progress::Ready => bar.iter().for_each(indicatif::ProgressBar::finish_and_clear),
            Progress::Weights(_) | Progress::Pipelines { .. } => {}
        };
        Ok(block_on(Session::load(self.source.clone(), options, &mut progress))?)
    }
}

impl DeviceArgs {
    /// How to load for that device.
    pub fn options(&self) -> Result<Options> {
        let mut options = Options { device: self.device.open()?, ..Options::default() };
        if let Some(threads) = self.threads {
            options.threads = threads.into();
        }
        Ok(options)
    }
}

impl Device {
    /// The device; none is the processor. An error where there is none of that sort: nothing is ever run elsewhere
    /// than asked.
    pub fn open(self) -> Result<Option<Arc<dyn edgewise::device::Device>>> {
        match self {
            Device::Auto | Device::Cpu => Ok(None),
            Device::Gpu => gpu().map(Some),
            Device::Cuda => bail!("this build has no CUDA device; use --device cpu"),
        }
    }
}

/// The best GPU.
#[cfg(feature = "gpu")]
fn gpu() -> Result<Arc<dyn edgewise::device::Device>> {
    let found = edgewise::gpu::open_blocking(edgewise::gpu::Preference::Performance)?;
    found.into_iter().next().ok_or_else(|| anyhow::anyhow!("no GPU was found; use --device cpu"))
}

#[cfg(not(feature = "gpu"))]
fn gpu() -> Result<Arc<dyn edgewise::device::Device>> {
    bail!("this build has no GPU device, which is the feature 'gpu'; use --device cpu")
}

/// What runs, for people: a device, or the processor where there is none.
pub fn device_name(device: Option<&Arc<dyn edgewise::device::Device>>) -> String {
    device.map_or_else(|| "cpu".into(), |device| format!("gpu ({})", device.name()))
}
