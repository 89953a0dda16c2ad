//! The browser's GPU as JavaScript sees it: opened once, given to sessions, awaited.

use crate::error::to_js;
use crate::session::{Session, inputs, outputs};
use crate::tensor::Tensor;
use edgewise_core::{RunOptions, run};
use edgewise_gpu::{Gpu, Preference, Restrict};
use js_sys::futures::future_to_promise;
use js_sys::{Array, Promise, Reflect};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

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
}

/// A promise of the GPU; an error says why there is none.
///
/// Of `options`: `powerPreference` is `"high-performance"` unless it is `"low-power"`, as WebGPU has it;
/// `defaultLimits` and `noFeatures` leave unused what not every GPU has.
#[wasm_bindgen(js_name = openGpu, unchecked_return_type = "Promise<Device>")]
pub fn open_gpu(
    #[wasm_bindgen(
        unchecked_optional_param_type = "{ powerPreference?: string, defaultLimits?: boolean, noFeatures?: boolean }"
    )]
    options: JsValue,
) -> Promise {
    let option = |name: &str| Reflect::get(&options, &name.into()).unwrap_or_default();
    let preference = match option("powerPreference").as_string().as_deref() {
        Some("low-power") => Preference::Power,
        _ => Preference::Performance,
    };
    let restrict =
        Restrict { limits: option("defaultLimits").is_truthy(), features: option("noFeatures").is_truthy() };
    future_to_promise(async move {
        let gpu = edgewise_gpu::open_restricted(preference, restrict).await;
        gpu.map(|gpu| Device(gpu).into()).map_err(to_js)
    })
}

/// What a run did.
#[wasm_bindgen]
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Kernel calls on the processor.
    #[wasm_bindgen(readonly)]
    pub steps: u32,
    /// Kernel calls on the GPU.
    #[wasm_bindgen(readonly)]
    pub launches: u32,
    /// Tensors that went to the GPU.
    #[wasm_bindgen(readonly)]
    pub uploads: u32,
    /// Tensors that came back from it.
    #[wasm_bindgen(readonly)]
    pub downloads: u32,
}

impl From<run::Cost> for Cost {
    fn from(cost: run::Cost) -> Cost {
        let run::Cost { steps, launches, uploads, downloads, .. } = cost;
        let [steps, launches, uploads, downloads] =
            [steps, launches, uploads, downloads].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        Cost { steps, launches, uploads, downloads }
    }
}

#[wasm_bindgen]
impl Session {
    /// The same as `run`, as a promise: what runs on a GPU has to be awaited. `signal` ends it early, with an error.
    /// The answer is `[outputs, cost]`.
    #[wasm_bindgen(js_name = runAsync, unchecked_return_type = "Promise<[Tensor[], Cost]>")]
    pub fn run_async(
        &self,
        names: Vec<String>,
        tensors: Vec<Tensor>,
        signal: Option<AbortSignal>,
    ) -> Promise {
        let session = self.0.clone();
        future_to_promise(async move {
            let stop = Stop::on(signal)?;
            let options = RunOptions { cancel: Some(&stop.now), ..RunOptions::default() };
            let run = async {
                let (values, cost) = session.run_async(&inputs(&names, tensors)?, &options).await?;
                Ok((outputs(values)?, cost))
            };
            let (tensors, cost) = run.await.map_err(to_js)?;
            let tensors: Array = tensors.into_iter().map(JsValue::from).collect();
            Ok(Array::of2(&tensors, &Cost::from(cost).into()).into())
        })
    }
}

/// Whether a run is to end, which its signal says.
struct Stop {
    now: Arc<AtomicBool>,
    listens: Option<(AbortSignal, Closure<dyn FnMut()>)>,
}

impl Stop {
    fn on(signal: Option<AbortSignal>) -> Result<Stop, JsValue> {
        let now = Arc::new(AtomicBool::new(signal.as_ref().is_some_and(AbortSignal::aborted)));
        let listen = |signal: AbortSignal| {
            let told = now.clone();
            let listener: Closure<dyn FnMut()> = Closure::new(move || told.store(true, Ordering::Relaxed));
            signal.add_event_listener_with_callback("abort", listener.as_ref().unchecked_ref())?;
            Ok::<_, JsValue>((signal, listener))
        };
        let listens = signal.map(listen).transpose()?;
        Ok(Stop { now, listens })
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        if let Some((signal, listener)) = &self.listens {
            // It cannot fail: what was added can be removed.
            let _ = signal.remove_event_listener_with_callback("abort", listener.as_ref().unchecked_ref());
        }
    }
}
