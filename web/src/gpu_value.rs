//! Values that lie on the GPU.

use crate::error::to_js;
use crate::gpu::Device;
use crate::object::{invalid, thrown};
use crate::promise::promise;
use crate::value::{Value, shape};
use edgewise_core::DType;
use edgewise_core::device::DeviceTensor;
use edgewise_core::run::Placed;
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use web_sys::GpuBuffer;

#[wasm_bindgen]
impl Value {
    /// A tensor that lies in a buffer of the page, on a device that both share. It stays the page's, which must neither
    /// destroy nor map it while the value is in use. Where a kernel could not read it, it is copied now, on the GPU.
    pub fn buffer(
        device: &Device,
        #[wasm_bindgen(js_name = dtype)] name: &str,
        dims: Vec<f64>,
        buffer: &GpuBuffer,
    ) -> std::result::Result<Value, JsValue> {
        let make = || {
            let dtype = DType::named(name).filter(|dtype| *dtype != DType::Str);
            let dtype =
                dtype.ok_or_else(|| invalid(format!("there is no tensor of numbers of type '{name}'")))?;
            let shape = shape(&dims)?;
            let bytes = edgewise_core::byte_count(dtype, &shape)? as u64;
            let memory = device.0.web().adopt(buffer, bytes)?;
            Ok(Value(Placed::Device(DeviceTensor {
                device: device.0.clone(),
                dtype,
                shape: shape.into(),
                memory,
            })))
        };
        thrown(make())
    }

    /// A promise of the same value on the host.
    #[wasm_bindgen(unchecked_return_type = "Promise<Value>")]
    pub fn fetch(&self) -> Promise {
        let placed = self.0.clone();
        promise(async move {
            let fetched = async {
                Ok(match placed {
                    Placed::Device(tensor) => Value::from(tensor.fetch().await?),
                    there => Value(there),
                })
            };
            fetched.await.map(JsValue::from).map_err(to_js)
        })
    }

    /// The buffer that the tensor lies in, from its beginning. It goes with the last handle to the value, unless the page
    /// made it.
    #[wasm_bindgen(js_name = gpuBuffer)]
    pub fn gpu_buffer(&self) -> std::result::Result<GpuBuffer, JsValue> {
        let buffer = || match &self.0 {
            Placed::Device(tensor) | Placed::Both(_, tensor) => edgewise_gpu::buffer_of(&tensor.memory),
            Placed::Host(_) => Err(invalid("the value does not lie on the GPU".into())),
        };
        thrown(buffer())
    }
}
