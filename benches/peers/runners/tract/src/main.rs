//! tract-onnx in a process of its own.

use anyhow::{Result, bail};
use edgewise_bench_runner::{Engine, Job, Tensor};
use std::process::ExitCode;
use std::sync::Arc;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::tract_linalg::multithread::{Executor, set_default_executor};

struct Tract {
    plan: Arc<TypedRunnableModel>,
    inputs: TVec<TValue>,
    names: Vec<String>,
    outputs: TVec<TValue>,
}

impl Engine for Tract {
    fn load(job: &Job) -> Result<Tract> {
        if job.threads > 1 {
            set_default_executor(Executor::multithread(job.threads));
        }
        let mut model = tract_onnx::onnx().model_for_path(&job.model)?;
        let mut inputs = TVec::new();
        for (i, outlet) in model.input_outlets()?.to_vec().into_iter().enumerate() {
            let name = model.node(outlet.node).name.clone();
            let Some(input) = job.inputs.iter().find(|input| input.name == name) else {
                bail!("there is no input '{name}'");
            };
            let value = tensor(input)?;
            model.set_input_fact(i, InferenceFact::dt_shape(value.datum_type(), value.shape()))?;
            inputs.push(value.into_tvalue());
        }
        let names = model.output_outlets()?.iter().map(|o| model.node(o.node).name.clone()).collect();
        let plan = model.into_optimized()?.into_runnable()?;
        Ok(Tract { plan, inputs, names, outputs: TVec::new() })
    }

    fn run(&mut self) -> Result<()> {
        self.outputs = self.plan.run(self.inputs.clone())?;
        Ok(())
    }

    fn outputs(&mut self) -> Result<Vec<Tensor>> {
        let outputs = self.outputs.iter().zip(&self.names);
        outputs
            .map(|(output, name)| {
                let (dtype, bytes) = match output.datum_type() {
                    DatumType::F32 => {
                        ("f32", bytes(output.to_plain_array_view::<f32>()?.iter(), |x| x.to_le_bytes()))
                    }
                    DatumType::I64 => {
                        ("i64", bytes(output.to_plain_array_view::<i64>()?.iter(), |x| x.to_le_bytes()))
                    }
                    other => bail!("'{name}': {other:?} is not compared"),
                };
                Ok(Tensor { name: name.clone(), dtype: dtype.into(), dims: output.shape().to_vec(), bytes })
            })
            .collect()
    }
}

fn bytes<'a, T: 'a, const N: usize>(elements: impl Iterator<Item = &'a T>, to: fn(&T) -> [u8; N]) -> Vec<u8> {
    elements.flat_map(to).collect()
}

fn tensor(input: &Tensor) -> Result<tract_onnx::prelude::Tensor> {
    macro_rules! of {
        ($T:ty) => {{
            let (parts, _) = input.bytes.as_chunks::<{ size_of::<$T>() }>();
            let elements: Vec<$T> = parts.iter().map(|b| <$T>::from_le_bytes(*b)).collect();
            Ok(tract_onnx::prelude::Tensor::from_shape(&input.dims, &elements)?)
        }};
    }
    match input.dtype.as_str() {
        "f32" => of!(f32),
        "i64" => of!(i64),
        "i32" => of!(i32),
        "u8" => of!(u8),
        "i8" => of!(i8),
        other => bail!("'{}': {other} is not made for tract", input.name),
    }
}

fn main() -> ExitCode {
    edgewise_bench_runner::main::<Tract>()
}
