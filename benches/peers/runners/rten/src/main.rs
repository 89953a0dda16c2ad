//! rten in a process of its own.

use anyhow::{Context, Result, bail};
use edgewise_bench_runner::{Engine, Job, Tensor};
use rten::{Model, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::prelude::*;
use std::process::ExitCode;
use std::sync::Arc;

struct Rten {
    model: Model,
    inputs: Vec<(NodeId, Value)>,
    options: RunOptions,
    outputs: Vec<Value>,
}

impl Engine for Rten {
    fn load(job: &Job) -> Result<Rten> {
        let model = Model::load_file(&job.model)?;
        let input = |input: &Tensor| {
            let id = model.find_node(&input.name).with_context(|| format!("no input '{}'", input.name))?;
            Ok((id, value(input)?))
        };
        let inputs = job.inputs.iter().map(input).collect::<Result<_>>()?;
        let pool = ThreadPool::with_num_threads(job.threads);
        let options = RunOptions::default().with_thread_pool(Some(Arc::new(pool)));
        Ok(Rten { model, inputs, options, outputs: Vec::new() })
    }

    fn run(&mut self) -> Result<()> {
        let inputs = self.inputs.iter().map(|(id, value)| (*id, value.as_view().into())).collect();
        self.outputs = self.model.run(inputs, self.model.output_ids(), Some(self.options.clone()))?;
        Ok(())
    }

    fn outputs(&mut self) -> Result<Vec<Tensor>> {
        let outputs = self.model.output_ids().iter().zip(&self.outputs);
        outputs
            .map(|(id, output)| {
                let name =
                    self.model.node_info(*id).and_then(|n| n.name().map(String::from)).unwrap_or_default();
                let Value::FloatTensor(tensor) = output else { bail!("'{name}' is not compared") };
                let bytes = tensor.to_vec().iter().flat_map(|x| x.to_le_bytes()).collect();
                Ok(Tensor { name, dtype: "f32".into(), dims: tensor.shape().to_vec(), bytes })
            })
            .collect()
    }
}

fn value(input: &Tensor) -> Result<Value> {
    let dims = &input.dims[..];
    macro_rules! numbers {
        ($T:ty) => {
            input.bytes.as_chunks::<{ size_of::<$T>() }>().0.iter().map(|b| <$T>::from_le_bytes(*b))
        };
    }
    Ok(match input.dtype.as_str() {
        "f32" => rten_tensor::Tensor::from_data(dims, numbers!(f32).collect::<Vec<_>>()).into(),
        // rten narrows int64 to int32.
        "i64" => {
            rten_tensor::Tensor::from_data(dims, numbers!(i64).map(|x| x as i32).collect::<Vec<_>>()).into()
        }
        "i32" => rten_tensor::Tensor::from_data(dims, numbers!(i32).collect::<Vec<_>>()).into(),
        "u8" => rten_tensor::Tensor::from_data(dims, numbers!(u8).collect::<Vec<_>>()).into(),
        "i8" => rten_tensor::Tensor::from_data(dims, numbers!(i8).collect::<Vec<_>>()).into(),
        other => bail!("'{}': {other} is not made for rten", input.name),
    })
}

fn main() -> ExitCode {
    edgewise_bench_runner::main::<Rten>()
}
