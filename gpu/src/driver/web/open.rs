//! Asks the browser for an adapter and a device.

use super::{Here, Layouts, Local, Modules, Origin, Owner, Staging, Trouble, Web, kept, thrown};
use crate::Preference;
use crate::driver::{Driver, Features, Limits, has_barriers};
use edgewise_core::Result;
use js_sys::{JsString, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{
    Gpu, GpuAdapter, GpuAdapterInfo, GpuDevice, GpuDeviceDescriptor, GpuPowerPreference,
    GpuRequestAdapterOptions,
};

/// What is not to be used though it is there; what is computed must not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restrict {
    /// Keeps to the limits that every WebGPU has.
    pub limits: bool,
    /// Uses nothing that a GPU may lack.
    pub features: bool,
}

/// What may be asked for beyond the least that there is.
const LIMITS: [&str; 8] = [
    "maxStorageBuffersPerShaderStage",
    "maxStorageBufferBindingSize",
    "maxBufferSize",
    "maxComputeWorkgroupStorageSize",
    "maxComputeInvocationsPerWorkgroup",
    "maxComputeWorkgroupSizeX",
    "maxComputeWorkgroupSizeY",
    "maxComputeWorkgroupSizeZ",
];

/// What a GPU may lack, of what kernels can use.
const FEATURES: [&str; 3] = ["shader-f16", "subgroups", "timestamp-query"];

/// The browser's GPU, opened for this page or worker.
pub async fn open(preference: Preference, restrict: Restrict) -> Result<Box<dyn Driver>> {
    on_adapter(&adapter(preference).await?, preference, restrict).await
}

/// The GPU of an adapter, opened for this page or worker.
pub async fn on_adapter(
    adapter: &GpuAdapter,
    preference: Preference,
    restrict: Restrict,
) -> Result<Box<dyn Driver>> {
    let features: Vec<&str> = match restrict.features {
        true => Vec::new(),
        false => FEATURES.into_iter().filter(|f| adapter.features().has(f)).collect(),
    };
    let device = device(adapter, &features, restrict).await?;
    let name = named(&adapter.info());
    let barriers = !restrict.features && has_barriers(&name);
    let features = Features { barriers, ..features_of(&device) };
    Ok(over(device, name, features, Origin::Asked(preference, restrict)))
}

/// A device that the page has opened, with what it was opened with. It is never destroyed here.
pub fn of_page(device: GpuDevice) -> Box<dyn Driver> {
    let info = Reflect::get(&device, &"adapterInfo".into()).ok().filter(JsValue::is_object);
    let name = info.map_or("the page's GPU (WebGPU)".into(), |info| named(info.unchecked_ref()));
    let features = Features { barriers: has_barriers(&name), ..features_of(&device) };
    over(device, name, features, Origin::Page)
}

fn over(device: GpuDevice, name: String, features: Features, origin: Origin) -> Box<dyn Driver> {
    let most = device.limits();
    let limits = Limits {
        groups: most.max_compute_workgroups_per_dimension(),
        invocations: most.max_compute_invocations_per_workgroup(),
        shared_bytes: most.max_compute_workgroup_storage_size(),
        buffers: most.max_storage_buffers_per_shader_stage(),
        buffer_bytes: most.max_storage_buffer_binding_size().min(most.max_buffer_size()) as u64,
    };
    let alignment = most.min_uniform_buffer_offset_alignment() as usize;
    let owner = match origin {
        Origin::Asked(..) => Owner::Us,
        Origin::Page => Owner::Page,
    };
    let here = Local::new(Here {
        queue: device.queue(),
        modules: Modules::default(),
        layouts: Layouts::default(),
        staging: Staging::default(),
        trouble: Trouble::watch(&device, &name, owner),
        device,
        owner,
    });
    Box::new(Web { name, limits, features, alignment, origin, here })
}

/// What the browser says that an adapter is.
fn named(info: &GpuAdapterInfo) -> String {
    let parts = [info.vendor(), info.architecture(), info.device(), info.description()];
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    format!("{} (WebGPU)", if parts.is_empty() { "a GPU".into() } else { parts.join(" ") })
}

/// What a device was opened with.
fn features_of(device: &GpuDevice) -> Features {
    let [f16, subgroups, timestamps] = FEATURES.map(|feature| device.features().has(feature));
    Features { f16, subgroups, timestamps, ..Features::default() }
}

/// The adapter that the browser prefers. `navigator` has WebGPU in windows and workers alike.
async fn adapter(preference: Preference) -> Result<GpuAdapter> {
    let of = |object: &JsValue, name: &str| Reflect::get(object, &name.into()).ok();
    let navigator = of(&js_sys::global(), "navigator");
    let gpu = navigator.and_then(|navigator| of(&navigator, "gpu")).filter(JsValue::is_object);
    let none = "this browser gives this page no WebGPU; pages need https or localhost for it";
    let gpu: Gpu = gpu.ok_or_else(|| err!(Unsupported, "{none}"))?.unchecked_into();
    let options = GpuRequestAdapterOptions::new();
    options.set_power_preference(match preference {
        Preference::Performance => GpuPowerPreference::HighPerformance,
        Preference::Power => GpuPowerPreference::LowPower,
    });
    let adapter = kept::<JsValue>(gpu.request_adapter_with_options(&options)).await;
    let adapter = adapter.map_err(|e| thrown("asking for a GPU", &e))?;
    ensure!(
        adapter.is_object(),
        Unsupported,
        "no GPU was found: the browser has WebGPU, and no adapter for it"
    );
    Ok(adapter.unchecked_into())
}

async fn device(adapter: &GpuAdapter, features: &[&str], restrict: Restrict) -> Result<GpuDevice> {
    let what = "opening the GPU";
    let (limits, most): (Object, JsValue) = (Object::new(), adapter.limits().into());
    for name in LIMITS.map(JsValue::from).iter().filter(|_| !restrict.limits) {
        // A browser need not know all of them.
        let value = Reflect::get(&most, name).map_err(|e| thrown(what, &e))?;
        if !value.is_undefined() {
            Reflect::set(&limits, name, &value).map_err(|e| thrown(what, &e))?;
        }
    }
    let descriptor = GpuDeviceDescriptor::new();
    descriptor.set_label("edgewise");
    descriptor.set_required_limits(limits.unchecked_ref());
    let features: Vec<JsString> = features.iter().map(|&feature| feature.into()).collect();
    descriptor.set_required_features(&features);
    kept(adapter.request_device_with_descriptor(&descriptor)).await.map_err(|e| thrown(what, &e))
}
