//! Asks the browser for an adapter and a device.

use super::{Here, Layouts, Local, Modules, Staging, Trouble, Web, kept, thrown};
use crate::Preference;
use crate::driver::{Driver, Features, Limits, has_barriers};
use edgewise_core::Result;
use js_sys::{JsString, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{
    Gpu, GpuAdapter, GpuDevice, GpuDeviceDescriptor, GpuPowerPreference, GpuRequestAdapterOptions,
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

const F16: &str = "shader-f16";
const SUBGROUPS: &str = "subgroups";
const TIMESTAMPS: &str = "timestamp-query";

/// The browser's GPU, opened for this page or worker.
pub async fn open(preference: Preference, restrict: Restrict) -> Result<Box<dyn Driver>> {
    let adapter = adapter(preference).await?;
    let info = adapter.info();
    let parts = [info.vendor(), info.architecture(), info.device(), info.description()];
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let name = format!("{} (WebGPU)", if parts.is_empty() { "a GPU".into() } else { parts.join(" ") });

    let features: Vec<&str> = match restrict.features {
        true => Vec::new(),
        false => [F16, SUBGROUPS, TIMESTAMPS].into_iter().filter(|f| adapter.features().has(f)).collect(),
    };
    let device = device(&adapter, &features, restrict).await?;
    let (has, most) = (|feature| features.contains(&feature), device.limits());
    let limits = Limits {
        groups: most.max_compute_workgroups_per_dimension(),
        invocations: most.max_compute_invocations_per_workgroup(),
        shared_bytes: most.max_compute_workgroup_storage_size(),
        buffers: most.max_storage_buffers_per_shader_stage(),
        buffer_bytes: most.max_storage_buffer_binding_size().min(most.max_buffer_size()) as u64,
    };
    let features = Features {
        f16: has(F16),
        subgroups: has(SUBGROUPS),
        timestamps: has(TIMESTAMPS),
        barriers: !restrict.features && has_barriers(&name),
    };
    let alignment = most.min_uniform_buffer_offset_alignment() as usize;
    let here = Local::new(Here {
        queue: device.queue(),
        modules: Modules::default(),
        layouts: Layouts::default(),
        staging: Staging::default(),
        trouble: Trouble::watch(&device, &name),
        device,
    });
    Ok(Box::new(Web { name, limits, features, alignment, preference, restrict, here }))
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
