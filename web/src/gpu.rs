//! The browser's GPU as JavaScript sees it: opened once, given to sessions, awaited.

use crate::error::to_js;
use crate::object::{Given, invalid};
use crate::promise::promise;
use edgewise_core::Result;
use edgewise_gpu::{Gpu, Preference, Restrict};
use js_sys::{Function, Promise, Reflect};
use std::sync::Arc;
use wasm_bindgen::convert::TryFromJsValue;
use wasm_bindgen::prelude::*;
use web_sys::{GpuAdapter, GpuDevice};

/// A GPU that was opened. Any number of sessions may use it, all of them in the page or worker that opened it.
#[wasm_bindgen]
pub struct Device(pub(crate) Arc<Gpu>);

#[wasm_bindgen]
impl Device {
    /// What the browser says that it is.
    #[wasm_bindgen(getter)]
    pub fn name(&self) -> String {
        edgewise_core::device::Device::name(&*self.0).into()
    }

    /// What it has beyond what every GPU has, of what kernels can use.
    #[wasm_bindgen(getter)]
    pub fn features(&self) -> Vec<String> {
        let has = self.0.features();
        let all =
            [("shader-f16", has.f16), ("subgroups", has.subgroups), ("timestamp-query", has.timestamps)];
        all.into_iter().filter(|(_, has)| *has).map(|(name, _)| name.into()).collect()
    }

    /// The browser's own object.
    #[wasm_bindgen(getter)]
    pub fn gpu(&self) -> std::result::Result<GpuDevice, JsValue> {
        self.0.web().device().map_err(to_js)
    }

    /// Whether it went away. Whoever opens it again gets another one.
    #[wasm_bindgen(getter)]
    pub fn lost(&self) -> bool {
        self.0.is_lost()
    }

    /// Another handle to it.
    pub fn share(&self) -> Device {
        Device(self.0.clone())
    }
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("gpu.d.ts");

/// A promise of the GPU; an error says why there is none.
#[wasm_bindgen(js_name = openGpu, unchecked_return_type = "Promise<Device>")]
pub fn open_gpu(#[wasm_bindgen(unchecked_optional_param_type = "GpuOptions")] options: JsValue) -> Promise {
    promise(async move {
        let given = Given(&options);
        let preference = match given.text("powerPreference").map_err(to_js)?.as_deref() {
            Some("low-power") => Preference::Power,
            _ => Preference::Performance,
        };
        let restrict = Restrict {
            limits: given.flag("defaultLimits", false),
            features: given.flag("noFeatures", false),
        };
        let opened = match (given.get("device"), given.get("adapter")) {
            (Some(device), _) => match device.dyn_into::<GpuDevice>() {
                Ok(device) => edgewise_gpu::open_device(device).await,
                Err(_) => Err(invalid("the option 'device' must be a GPUDevice".into())),
            },
            (None, Some(adapter)) => match adapter.dyn_into::<GpuAdapter>() {
                Ok(adapter) => edgewise_gpu::open_adapter(&adapter, restrict).await,
                Err(_) => Err(invalid("the option 'adapter' must be a GPUAdapter".into())),
            },
            (None, None) => edgewise_gpu::open_restricted(preference, restrict).await,
        };
        opened.map(|gpu| Device(gpu).into()).map_err(to_js)
    })
}

impl Device {
    /// The one that an option is, which stays the caller's.
    pub fn given(option: &JsValue) -> Result<Device> {
        // What JavaScript has as an object cannot be borrowed, only taken; so the handle that is taken is another one.
        let share =
            Reflect::get(option, &"share".into()).ok().and_then(|share| share.dyn_into::<Function>().ok());
        let handle = share
            .and_then(|share| share.call0(option).ok())
            .and_then(|handle| Device::try_from_js_value(handle).ok());
        handle.ok_or_else(|| invalid("the option 'device' must be what openGpu() gave".into()))
    }
}
