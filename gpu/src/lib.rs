//! Edgewise's GPU device: kernels written once in WGSL, run by thin drivers.
//!
//! [`open`] is the door: it finds adapters and makes a [`Device`] of each. Behind it, [`Gpu`] turns nodes into
//! launches of pipelines (`kernels/`, an `.rs` that chooses beside the `.wgsl` that computes), and a driver
//! (`driver/`) does what a GPU's interface is asked for: memory, pipelines, dispatches, copies back.
//!
//! What a reader would get wrong: nothing here decides what runs on the GPU. A node for which no kernel is
//! found stays with the host; core's planner sees that, and moves what has to move.

#[macro_use]
extern crate edgewise_core;

#[doc(hidden)]
pub mod alone;
mod device;
mod driver;
mod kernels;
mod self_test;
#[doc(hidden)]
pub mod shader;

pub use device::Gpu;
#[cfg(target_family = "wasm")]
pub use driver::web::{Restrict, buffer_of};
pub use driver::{Features, Limits};

use edgewise_core::Result;
use edgewise_core::device::Device;
use std::sync::Arc;

/// Which adapter comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preference {
    /// The fastest one.
    #[default]
    Performance,
    /// The one that takes the least power.
    Power,
}

/// The GPUs of this machine, or of the browser, as devices, the preferred one first. Software that only looks like a
/// GPU is opened where there is nothing else.
///
/// `EDGEWISE_GPU_LIMITS=default` keeps to the limits that every WebGPU has, `EDGEWISE_GPU_FEATURES=none` to no optional
/// feature, and `EDGEWISE_GPU_BY_HAND=all` trusts a GPU in nothing that it might round in its own way: what is computed
/// must not depend on them.
pub async fn open(preference: Preference) -> Result<Vec<Arc<dyn Device>>> {
    let gpus = open_gpus(preference).await?;
    Ok(gpus.into_iter().map(|gpu| gpu as Arc<dyn Device>).collect())
}

/// The same, waiting for it.
#[cfg(not(target_family = "wasm"))]
pub fn open_blocking(preference: Preference) -> Result<Vec<Arc<dyn Device>>> {
    edgewise_core::block_on(open(preference))
}

/// The same devices, by their own type.
#[cfg(not(target_family = "wasm"))]
pub async fn open_gpus(preference: Preference) -> Result<Vec<Arc<Gpu>>> {
    let mut gpus = Vec::new();
    for driver in driver::wgpu::open(preference).await? {
        gpus.push(Arc::new(Gpu::over(driver).await?));
    }
    Ok(gpus)
}

/// The same devices, by their own type: in a browser there is one.
#[cfg(target_family = "wasm")]
pub async fn open_gpus(preference: Preference) -> Result<Vec<Arc<Gpu>>> {
    open_restricted(preference, Restrict::default()).await.map(|gpu| vec![gpu])
}

/// The browser's GPU without some of what it has, for tests: a page has no environment variables.
#[cfg(target_family = "wasm")]
pub async fn open_restricted(preference: Preference, restrict: Restrict) -> Result<Arc<Gpu>> {
    Ok(Arc::new(Gpu::over(driver::web::open(preference, restrict).await?).await?))
}

/// The GPU of an adapter that the page has found.
#[cfg(target_family = "wasm")]
pub async fn open_adapter(adapter: &web_sys::GpuAdapter, restrict: Restrict) -> Result<Arc<Gpu>> {
    let driver = driver::web::on_adapter(adapter, Preference::default(), restrict).await?;
    Ok(Arc::new(Gpu::over(driver).await?))
}

/// A device that the page has opened, and keeps: what is made on it by either can be used by the other.
#[cfg(target_family = "wasm")]
pub async fn open_device(device: web_sys::GpuDevice) -> Result<Arc<Gpu>> {
    Ok(Arc::new(Gpu::over(driver::web::of_page(device)).await?))
}
