//! Elements that are moved, or taken one by one.

use crate::Case;
use crate::case::{bytes, count, floats, scale, zero};
use crate::work::Work;
use edgewise_core::ops::activation::Activation;
use edgewise_core::ops::binary;
use edgewise_core::ops::chain::{Chain, Function, Place, Step};
use edgewise_core::ops::{Attr, Op};
use edgewise_core::{DType, Tensor};
use edgewise_gpu::alone::Alone;
use std::sync::Arc;

pub fn cases() -> Vec<Case> {
    vec![
        add(&[1, 128, 384]),
        add(&[1, 56, 56, 256]),
        add_of_bytes(),
        chain(),
        transpose(DType::F32, &[1, 128, 12, 32], &[0, 2, 1, 3]),
        transpose(DType::U8, &[1, 128, 12, 32], &[0, 2, 3, 1]),
        transpose(DType::U8, &[1, 3, 224, 224], &[0, 2, 3, 1]),
        gather(),
    ]
}

fn add(shape: &'static [usize]) -> Case {
    Case::new(
        "moved and element by element",
        format!("Add of {shape:?}"),
        Work::moving(12 * count(shape)),
        || {
            let x = Some(floats(shape)?);
            Alone::of(("", "Add", 14), &[], &[x.clone(), x], 1)
        },
    )
}

fn add_of_bytes() -> Case {
    let shape = [1, 56, 56, 256];
    let name = format!("ResNet-50 QLinearAdd of {shape:?}");
    Case::new("moved and element by element", name, Work::moving(3 * count(&shape)), move || {
        let x = bytes(DType::U8, &shape)?;
        let of = |x: &Tensor| Ok::<_, edgewise_core::Error>([x.clone(), scale(0.02), zero(DType::U8, 120)?]);
        let inputs = [of(&x)?.to_vec(), of(&x)?.to_vec(), vec![scale(0.03), zero(DType::U8, 110)?]].concat();
        let inputs: Vec<Option<Tensor>> = inputs.into_iter().map(Some).collect();
        let node = Alone::of(("com.microsoft", "QLinearAdd", 1), &[], &inputs, 1)?;
        Ok(Alone { constants: vec![1, 2, 4, 5, 6, 7], ..node })
    })
}

/// x · w + b, and Gelu of that.
fn chain() -> Case {
    let (shape, row) = ([1, 128, 1536], [1536]);
    let work = Work::moving(8 * count(&shape) + 8 * row[0]);
    Case::new("moved and element by element", format!("Mul, Add and Gelu of {shape:?}"), work, move || {
        let beside = |function| Step { function: Function::Arithmetic(function), place: Place::First };
        let gelu = Function::Activation(Activation::Gelu { tanh: false });
        let steps = vec![
            beside(binary::Function::Mul),
            beside(binary::Function::Add),
            Step { function: gelu, place: Place::Only },
        ];
        let inputs = [floats(&shape)?, floats(&row)?, floats(&row)?].map(Some);
        Ok(Alone::new(Op::Chain(Arc::new(Chain { steps })), &inputs, 1))
    })
}

fn transpose(dtype: DType, shape: &'static [usize], perm: &'static [i64]) -> Case {
    let bytes_of_all = count(shape) * dtype.bits() / 8;
    let name = format!("Transpose of {dtype} {shape:?} by {perm:?}");
    Case::new("moved and element by element", name, Work::moving(2 * bytes_of_all), move || {
        let x = if dtype == DType::F32 { floats(shape)? } else { bytes(dtype, shape)? };
        Alone::of(("", "Transpose", 13), &[("perm", Attr::Ints(perm.to_vec()))], &[Some(x)], 1)
    })
}

/// The embeddings of a text.
fn gather() -> Case {
    let ([rows, width], words) = ([30_522, 384], 128);
    let work = Work::moving(8 * words * width + 8 * words);
    let name = format!("MiniLM Gather of {words} rows of {width}");
    Case::new("moved and element by element", name, work, move || {
        let ids: Vec<i64> = (0..words as i64).map(|i| i * 7919 % rows as i64).collect();
        let inputs = [floats(&[rows, width])?, Tensor::new(&[1, words], &ids)?].map(Some);
        Ok(Alone { constants: vec![0], ..Alone::of(("", "Gather", 13), &[], &inputs, 1)? })
    })
}
