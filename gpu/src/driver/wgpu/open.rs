//! Finds adapters and opens them.

use super::{Trouble, Wgpu, memory::Uploads, named, pipelines::Layouts};
use crate::Preference;
use crate::driver::{Driver, Features, has_barriers};
use edgewise_core::Result;
use std::sync::Arc;
use wgpu::{Adapter, Backend, DeviceDescriptor, DeviceType, ExperimentalFeatures, MemoryHints, Trace};

/// The adapters of this machine, opened, the preferred one first.
pub async fn open(preference: Preference) -> Result<Vec<Box<dyn Driver>>> {
    let mut adapters = adapters().await;
    adapters.sort_by_key(|adapter| rank(preference, adapter));
    let hardware = |adapter: &Adapter| adapter.get_info().device_type != DeviceType::Cpu;
    if adapters.iter().any(hardware) {
        adapters.retain(hardware);
    }
    let (mut opened, mut refused): (Vec<Box<dyn Driver>>, Vec<String>) = (Vec::new(), Vec::new());
    for adapter in &adapters {
        match open_adapter(adapter).await {
            Ok(driver) => opened.push(Box::new(driver)),
            Err(why) => refused.push(why),
        }
    }
    ensure!(
        !adapters.is_empty(),
        Unsupported,
        "no GPU was found: no driver for Vulkan, Metal or DX12 answers"
    );
    ensure!(!opened.is_empty(), Unsupported, "no GPU could be opened: {}", refused.join("; "));
    Ok(opened)
}

/// The adapter of that name, opened.
pub(super) async fn open_named(name: String) -> Result<Box<dyn Driver>> {
    let found = adapters().await.into_iter().find(|adapter| named_as(adapter) == name);
    let adapter = found.ok_or_else(|| err!(DeviceLost, "{name} is not there any more"))?;
    let opened = open_adapter(&adapter).await;
    Ok(Box::new(opened.map_err(|why| err!(DeviceLost, "it could not be opened again: {why}"))?))
}

async fn adapters() -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    instance.enumerate_adapters(wgpu::Backends::PRIMARY).await
}

/// What an adapter is called.
fn named_as(adapter: &Adapter) -> String {
    let info = adapter.get_info();
    format!("{} ({})", info.name, info.backend)
}

/// The place of an adapter in the order of preference.
fn rank(preference: Preference, adapter: &Adapter) -> (u32, u32) {
    let info = adapter.get_info();
    let kind = match (info.device_type, preference) {
        (DeviceType::DiscreteGpu, Preference::Performance) => 0,
        (DeviceType::IntegratedGpu, Preference::Power) => 0,
        (DeviceType::DiscreteGpu | DeviceType::IntegratedGpu, _) => 1,
        (DeviceType::VirtualGpu | DeviceType::Other, _) => 2,
        (DeviceType::Cpu, _) => 3,
    };
    // One GPU may answer to two interfaces.
    let interface = match info.backend {
        Backend::Metal | Backend::Vulkan => 0,
        _ => 1,
    };
    (kind, interface)
}

async fn open_adapter(adapter: &Adapter) -> Result<Wgpu, String> {
    let name = named_as(adapter);
    let set = |variable: &str, to: &str| std::env::var(variable).is_ok_and(|value| value == to);
    let least = wgpu::Limits::defaults();
    let limits = match set("EDGEWISE_GPU_LIMITS", "default") {
        true => least,
        // Of what kernels use; the rest of an adapter's limits is of no concern here.
        false => {
            let most = adapter.limits();
            wgpu::Limits {
                max_storage_buffers_per_shader_stage: most.max_storage_buffers_per_shader_stage.min(32),
                max_storage_buffer_binding_size: most.max_storage_buffer_binding_size,
                max_buffer_size: most.max_buffer_size,
                max_compute_workgroup_storage_size: most.max_compute_workgroup_storage_size,
                max_compute_invocations_per_workgroup: most.max_compute_invocations_per_workgroup,
                max_compute_workgroup_size_x: most.max_compute_workgroup_size_x,
                max_compute_workgroup_size_y: most.max_compute_workgroup_size_y,
                max_compute_workgroup_size_z: most.max_compute_workgroup_size_z,
                ..least
            }
        }
    };
    let optional = wgpu::Features::SHADER_F16 | wgpu::Features::SUBGROUP | wgpu::Features::TIMESTAMP_QUERY;
    let plain = set("EDGEWISE_GPU_FEATURES", "none");
    let features = match plain {
        true => wgpu::Features::empty(),
        false => adapter.features() & optional,
    };
    let descriptor = DeviceDescriptor {
        label: Some("edgewise"),
        required_features: features,
        required_limits: limits,
        experimental_features: ExperimentalFeatures::disabled(),
        memory_hints: MemoryHints::Performance,
        trace: Trace::Off,
    };
    let opened = adapter.request_device(&descriptor).await;
    let (device, queue) = opened.map_err(|e| format!("{name}: {e}"))?;

    let trouble = Trouble::default();
    let (lost, failed, lost_name) = (trouble.clone(), trouble.clone(), name.clone());
    device.set_device_lost_callback(move |reason, message| {
        // The device is also called lost when its last handle goes.
        if reason != wgpu::DeviceLostReason::Destroyed {
            lost.keep(err!(DeviceLost, "{lost_name} went away: {message}"));
        }
    });
    device.on_uncaptured_error(Arc::new(move |error| failed.keep(named("the GPU".to_string(), &error))));
    let features = Features {
        f16: features.contains(wgpu::Features::SHADER_F16),
        subgroups: features.contains(wgpu::Features::SUBGROUP),
        timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
        barriers: !plain && has_barriers(&name),
    };
    let (layouts, uploads) = (Layouts::default(), Uploads::default());
    Ok(Wgpu { name, device, queue, features, layouts, uploads, trouble })
}
