//! Edgewise in a process of its own.

use anyhow::{Context, Result};
use edgewise_bench_runner::{Engine, Job, Tensor};
use edgewise_core::{DType, Options, Session, Value};

/// A session and its inputs.
pub struct Edgewise {
    session: Session,
    inputs: Vec<(String, Value)>,
    outputs: Vec<Value>,
}

impl Engine for Edgewise {
    fn load(job: &Job) -> Result<Edgewise> {
        let options = Options { threads: job.threads, ..Options::default() };
        let session = Session::open(&job.model, options)?;
        let input = |input: &Tensor| {
            let dtype = DType::ALL.into_iter().find(|dtype| dtype.to_string() == input.dtype);
            let dtype = dtype.with_context(|| format!("there is no type {}", input.dtype))?;
            let tensor = edgewise_core::Tensor::from_bytes(dtype, &input.dims, &input.bytes)?;
            Ok((input.name.clone(), tensor.into()))
        };
        let inputs = job.inputs.iter().map(input).collect::<Result<_>>()?;
        Ok(Edgewise { session, inputs, outputs: Vec::new() })
    }

    fn run(&mut self) -> Result<()> {
        let inputs: Vec<(&str, Value)> = self.inputs.iter().map(|(n, v)| (n.as_str(), v.clone())).collect();
        self.outputs = self.session.run(&inputs)?;
        Ok(())
    }

    fn outputs(&mut self) -> Result<Vec<Tensor>> {
        let outputs = self.session.outputs().iter().zip(&self.outputs);
        outputs
            .map(|(port, value)| {
                let tensor = value.tensor()?;
                Ok(Tensor {
                    name: port.name.clone(),
                    dtype: tensor.dtype().to_string(),
                    dims: tensor.shape().to_vec(),
                    bytes: tensor.view().bytes().to_vec(),
                })
            })
            .collect()
    }
}
