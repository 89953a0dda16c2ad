//! Products and convolutions of bytes, which are quantized again or become floats.

use super::{Convolution, convolutions};
use crate::Case;
use crate::case::{bytes, floats, scale, scales, zero};
use crate::work::Work;
use edgewise_core::ops::Attr;
use edgewise_core::{DType, Tensor};
use edgewise_gpu::alone::Alone;

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = convolutions().into_iter().map(convolution).collect();
    cases.push(product("ResNet-50 classes", "QLinearMatMul", [1, 2048, 1000]));
    for name in ["QLinearMatMul", "MatMulInteger", "MatMulIntegerToFloat"] {
        for sizes in [[128, 384, 384], [128, 384, 1536], [128, 1536, 384]] {
            cases.push(product("MiniLM", name, sizes));
        }
    }
    cases
}

fn convolution(of: Convolution) -> Case {
    let [filters, inner @ ..] = of.weights();
    let weights = filters * inner.iter().product::<usize>();
    let work = Work::moving(of.image().iter().product::<usize>() + weights + 8 * filters + of.results());
    Case::new("convolutions of bytes", of.name(), work.of_bytes(of.products()), move || {
        let inputs = [
            bytes(DType::U8, &of.image())?,
            scale(0.02),
            zero(DType::U8, 120)?,
            bytes(DType::I8, &of.weights())?,
            scales(&[filters])?,
            Tensor::zeros(DType::I8, &[filters])?,
            scale(0.9),
            zero(DType::U8, 128)?,
            Tensor::zeros(DType::I32, &[filters])?,
        ];
        let attrs = [of.attrs(), vec![("channels_last", Attr::Int(1))]].concat();
        let inputs = inputs.map(Some);
        let node = Alone::of(("com.microsoft", "QLinearConv", 1), &attrs, &inputs, 1)?;
        Ok(Alone { constants: (1..9).collect(), ..node })
    })
}

/// Rows, inner elements and columns of a product with constant weights.
fn product(model: &str, op: &'static str, [m, k, n]: [usize; 3]) -> Case {
    let result = if op == "QLinearMatMul" { m * n } else { 4 * m * n };
    let work = Work::moving(m * k + k * n + 4 * n + result).of_bytes(m * n * k);
    Case::new("products of bytes", format!("{model} {op} {m}×{k}×{n}"), work, move || {
        let (x, w) = (bytes(DType::U8, &[m, k])?, bytes(DType::I8, &[k, n])?);
        let (x_zero, w_zero) = (zero(DType::U8, 120)?, zero(DType::I8, 0)?);
        let (domain, version, inputs) = match op {
            "MatMulInteger" => ("", 10, vec![x, w, x_zero, w_zero]),
            "QLinearMatMul" => {
                let zeros = Tensor::zeros(DType::I8, &[n])?;
                let y = [scale(0.9), zero(DType::U8, 128)?];
                ("", 10, [vec![x, scale(0.02), x_zero, w, scales(&[n])?, zeros], y.to_vec()].concat())
            }
            _ => {
                let bias = floats(&[n])?;
                ("com.microsoft", 1, vec![x, w, scale(0.02), scales(&[n])?, x_zero, w_zero, bias])
            }
        };
        // Scales and zero points of a tensor that is quantized while the model runs are not known.
        let constants = match op {
            "MatMulInteger" => vec![1, 3],
            "QLinearMatMul" => (1..inputs.len()).collect(),
            _ => vec![1, 3, 5, 6],
        };
        let inputs: Vec<Option<Tensor>> = inputs.into_iter().map(Some).collect();
        Ok(Alone { constants, ..Alone::of((domain, op, version), &[], &inputs, 1)? })
    })
}
