//! Products and convolutions of f32s.

use super::{Convolution, convolutions};
use crate::Case;
use crate::case::{count, floats};
use crate::work::Work;
use edgewise_core::ops::conv::Conv;
use edgewise_core::ops::{Attr, Op};
use edgewise_gpu::alone::Alone;
use std::sync::Arc;

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = convolutions().into_iter().map(convolution).collect();
    cases.push(gemm([1, 1280, 1000]));
    for sizes in [[1, 384, 384], [128, 384, 384], [128, 384, 1536], [128, 1536, 384], [512, 512, 512]] {
        cases.push(matmul(sizes));
    }
    cases
}

fn convolution(of: Convolution) -> Case {
    let elements = count(&of.image()) + count(&of.weights()) + of.filters + of.results();
    let work = Work::moving(4 * elements).of_floats(of.products());
    Case::new("convolutions of floats", of.name(), work, move || {
        let inputs = [floats(&of.image())?, floats(&of.weights())?, floats(&[of.filters])?].map(Some);
        let mut node = Alone::of(("", "Conv", 22), &of.attrs(), &inputs, 1)?;
        // As the rewrites of a graph leave it: no attribute says so.
        if let Op::Conv(op) = &mut node.op {
            *op = Arc::new(Conv { channels_last: true, ..(**op).clone() });
        }
        Ok(Alone { constants: vec![1, 2], ..node })
    })
}

fn work([m, k, n]: [usize; 3]) -> Work {
    Work::moving(4 * (m * k + k * n + m * n)).of_floats(m * n * k)
}

fn matmul(sizes: [usize; 3]) -> Case {
    let [m, k, n] = sizes;
    Case::new("products of floats", format!("MatMul {m}×{k}×{n}"), work(sizes), move || {
        let inputs = [floats(&[m, k])?, floats(&[k, n])?].map(Some);
        Ok(Alone { constants: vec![1], ..Alone::of(("", "MatMul", 13), &[], &inputs, 1)? })
    })
}

/// With its weights turned and a bias, as classifiers have it.
fn gemm(sizes: [usize; 3]) -> Case {
    let [m, k, n] = sizes;
    Case::new(
        "products of floats",
        format!("MobileNetV2 classes, Gemm {m}×{k}×{n}"),
        work(sizes),
        move || {
            let inputs = [floats(&[m, k])?, floats(&[n, k])?, floats(&[n])?].map(Some);
            let attrs = [("transB", Attr::Int(1))];
            Ok(Alone { constants: vec![1, 2], ..Alone::of(("", "Gemm", 13), &attrs, &inputs, 1)? })
        },
    )
}
