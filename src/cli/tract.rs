//! tract-onnx, an engine that shares no code with ours, for `verify --against tract`.

use super::model::Found;
use anyhow::{Context, Result, bail};
use edgewise::{DType, Session, Tensor, Value, block_on};
use tract_onnx::prelude as tract;
use tract_onnx::prelude::{Framework, InferenceModelExt, IntoRunnable, IntoTValue};

/// Runs the model on inputs by name; gives the outputs in the model's order.
pub fn run(found: &Found, session: &Session, inputs: &[(String, Value)]) -> Result<Vec<Value>> {
    let mut bytes = vec![0; usize::try_from(found.source.len())?];
    block_on(found.source.read(0, &mut bytes))?;
    let mut model =
        tract_onnx::onnx().model_for_read(&mut &bytes[..]).context("tract cannot read the model")?;
    let mut values = tract::TVec::new();
    for (i, outlet) in model.input_outlets()?.to_vec().into_iter().enumerate() {
        let name = &model.node(outlet.node).name;
        let value = inputs.iter().find(|(given, _)| given == name);
        let (_, value) = value.with_context(|| format!("tract wants an input '{name}'"))?;
        let tensor = to_tract(value.tensor()?)?;
        let fact = tract::InferenceFact::dt_shape(tensor.datum_type(), tensor.shape());
        model.set_input_fact(i, fact)?;
        values.push(tensor.into_tvalue());
    }
    let plan = model.into_optimized().context("tract cannot optimize the model")?.into_runnable()?;
    let outputs = plan.run(values).context("tract cannot run the model")?;
    let pairs = session.outputs().iter().zip(outputs);
    pairs.map(|(port, output)| Ok(from_tract(&output, port.fact.dtype())?.into())).collect()
}

macro_rules! both_ways {
    ($($dtype:ident: $T:ty),*) => {
        fn to_tract(tensor: &Tensor) -> Result<tract::Tensor> {
            match tensor.dtype() {
                $(DType::$dtype => Ok(tract::Tensor::from_shape(tensor.shape(), tensor.view().units::<$T>())?),)*
                DType::Bool => {
                    let bools: Vec<bool> = tensor.view().bytes().iter().map(|&b| b != 0).collect();
                    Ok(tract::Tensor::from_shape(tensor.shape(), &bools)?)
                }
                other => bail!("tract is not given {other} tensors"),
            }
        }

        fn from_tract(tensor: &tract::Tensor, dtype: Option<DType>) -> Result<Tensor> {
            let shape = tensor.shape();
            match dtype {
                // A cast first: tract has quantized types of its own.
                $(Some(DType::$dtype) => {
                    let cast = tensor.cast_to::<$T>()?;
                    let elements: Vec<$T> = cast.to_plain_array_view::<$T>()?.iter().copied().collect();
                    Ok(Tensor::from_bytes(DType::$dtype, shape, &bytes_of(&elements, <$T>::to_le_bytes))?)
                })*
                Some(DType::Bool) => {
                    let bytes: Vec<u8> = tensor.to_plain_array_view::<bool>()?.iter().map(|&b| b as u8).collect();
                    Ok(Tensor::from_bytes(DType::Bool, shape, &bytes)?)
                }
                other => bail!("{other:?} outputs are not compared with tract"),
            }
        }
    };
}

both_ways!(F32: f32, F64: f64, F16: half::f16, I8: i8, U8: u8, I16: i16, U16: u16, I32: i32, U32: u32, I64: i64, U64: u64);

fn bytes_of<T: Copy, const N: usize>(elements: &[T], to_bytes: fn(T) -> [u8; N]) -> Vec<u8> {
    elements.iter().flat_map(|&x| to_bytes(x)).collect()
}
