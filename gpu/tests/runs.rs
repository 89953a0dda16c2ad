//! What ends a run on a GPU, and no other one.

mod common;

use common::gpu;
use edgewise_core::cpu::{Pool, RunContext};
use edgewise_core::graph::{Constant, Fact, Graph, Node, ValueId, ValueInfo};
use edgewise_core::ops::{Attrs, Op};
use edgewise_core::plan::Program;
use edgewise_core::run::{Cost, run_async};
use edgewise_core::{DType, Dim, ErrorKind, Result, Tensor, Value, block_on};
use std::sync::atomic::AtomicBool;

/// `y = Relu (x [i]) [j]`, and `x` has four rows.
fn two_gathers() -> Graph {
    let mut graph = Graph::default();
    let mut value = |name: &str, declared: Option<Fact>| {
        graph.values.push(ValueInfo { name: name.into(), declared, constant: None });
        ValueId(graph.values.len() as u32 - 1)
    };
    let many = |name: &str| [Dim::symbol(name)];
    let x = value("x", Some(Fact::tensor(DType::F32, [Dim::from(4), Dim::from(3)])));
    let i = value("i", Some(Fact::tensor(DType::I64, many("i"))));
    let j = value("j", Some(Fact::tensor(DType::I64, many("j"))));
    let [rows, positive, y] = ["rows", "positive", "y"].map(|name| value(name, None));
    let mut node = |name: &str, op: &str, inputs: &[ValueId], output| {
        let present = vec![true; inputs.len()];
        let op_parsed = Op::parse(Attrs::new("", op, 13, present, vec![true], Default::default())).unwrap();
        let inputs = inputs.iter().copied().map(Some).collect();
        let (name, op_name) = (name.to_string(), op.to_string());
        graph.nodes.push(Node { name, op: op_parsed, op_name, inputs, outputs: vec![Some(output)] });
    };
    node("pick", "Gather", &[x, i], rows);
    node("cut", "Relu", &[rows], positive);
    node("pick again", "Gather", &[positive, j], y);
    (graph.inputs, graph.outputs) = (vec![x, i, j], vec![y]);
    graph
}

fn run(program: &Program, i: &[i64], j: &[i64]) -> Result<(Vec<f32>, Cost)> {
    let x: Vec<f32> = (0..12).map(|x| x as f32).collect();
    let ints = |ints: &[i64]| Value::from(Tensor::new(&[ints.len()], ints).unwrap());
    let inputs = vec![Tensor::new(&[4, 3], &x).unwrap().into(), ints(i), ints(j)];
    let (pool, cancel) = (Pool::new(1), AtomicBool::new(false));
    let (outputs, cost) = block_on(run_async(program, inputs, &RunContext::new(&pool, &cancel)))?;
    Ok((outputs[0].tensor()?.slice::<f32>()?.to_vec(), cost))
}

/// `y = x · W`, where `x` has so many rows.
fn product(rows: Dim) -> Graph {
    let mut graph = Graph::default();
    let weights = Constant::Tensor(Tensor::new(&[64, 8], &[0.5f32; 512]).unwrap());
    let x = Some(Fact::tensor(DType::F32, [rows, Dim::from(64)]));
    for (name, declared, constant) in [("x", x, None), ("W", None, Some(weights)), ("y", None, None)] {
        graph.values.push(ValueInfo { name: name.into(), declared, constant });
    }
    let op = Op::parse(Attrs::new("", "MatMul", 13, vec![true; 2], vec![true], Default::default())).unwrap();
    let (name, op_name) = ("multiply".to_string(), "MatMul".to_string());
    let [x, w, y] = [0, 1, 2].map(ValueId);
    graph.nodes.push(Node { name, op, op_name, inputs: vec![Some(x), Some(w)], outputs: vec![Some(y)] });
    (graph.inputs, graph.outputs) = (vec![x], vec![y]);
    graph
}

fn multiply(program: &Program, rows: usize) {
    let x = Tensor::new(&[rows, 64], &vec![1f32; rows * 64]).unwrap();
    let (pool, cancel) = (Pool::new(1), AtomicBool::new(false));
    let (y, _) = block_on(run_async(program, vec![x.into()], &RunContext::new(&pool, &cancel))).unwrap();
    assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), vec![32.0; rows * 8]);
}

#[test]
fn pipelines_are_compiled_when_sizes_call_for_them() {
    let Some(gpu) = gpu() else { return };
    let program = Program::compile_for(product(Dim::symbol("rows")), Some(gpu.clone())).unwrap();
    let at_first = gpu.made();
    block_on(program.prepare()).unwrap();
    assert_eq!(gpu.made(), at_first, "nothing is known yet");
    multiply(&program, 1);
    let for_one = gpu.made();
    assert!(for_one > at_first);
    multiply(&program, 1);
    assert_eq!(gpu.made(), for_one);
    multiply(&program, 300);
    assert!(gpu.made() > for_one, "many rows go by other kernels");
}

#[test]
fn a_model_that_says_all_its_sizes_is_compiled_before_it_runs() {
    let Some(gpu) = gpu() else { return };
    let program = Program::compile_for(product(Dim::from(5)), Some(gpu.clone())).unwrap();
    let at_first = gpu.made();
    block_on(program.prepare()).unwrap();
    let ready = gpu.made();
    assert!(ready > at_first);
    multiply(&program, 5);
    assert_eq!(gpu.made(), ready);
}

#[test]
fn an_index_outside_of_its_axis_ends_the_run_and_no_other() {
    let Some(gpu) = gpu() else { return };
    let program = Program::compile_for(two_gathers(), Some(gpu)).unwrap();
    block_on(program.prepare()).unwrap();
    let right = || {
        let (y, cost) = run(&program, &[3, -4, 1], &[-1, 0]).unwrap();
        assert_eq!(y, [3.0, 4.0, 5.0, 9.0, 10.0, 11.0]);
        // What is wrong comes along with what is wanted.
        assert_eq!((cost.steps, cost.launches, cost.downloads), (0, 3, 1));
    };
    right();
    for (i, j, node, says) in [
        (&[3, 4, 1], &[0, 0], "'pick' (Gather)", "index 4 is outside -4..4"),
        (&[3, 3, 1], &[0, -4], "'pick again' (Gather)", "index -4 is outside -3..3"),
        // The first step that fails is the one that is named.
        (&[3, -5, 1], &[7, 0], "'pick' (Gather)", "index -5 is outside -4..4"),
    ] {
        let e = run(&program, i, j).unwrap_err();
        assert_eq!((e.kind(), e.node(), e.what()), (ErrorKind::InvalidInput, Some(node), says));
        right();
    }
}

#[test]
fn a_tensor_for_which_there_is_no_memory_is_named() {
    let Some(gpu) = gpu() else { return };
    let too_many = gpu.limits().buffer_bytes as i64 / 4 + 1;
    let mut graph = Graph::default();
    let mut value = |name: &str, declared: Option<Fact>, constant: Option<Tensor>| {
        let constant = constant.map(Constant::Tensor);
        graph.values.push(ValueInfo { name: name.into(), declared, constant });
        ValueId(graph.values.len() as u32 - 1)
    };
    let x = value("x", Some(Fact::tensor(DType::F32, [Dim::from(1)])), None);
    let shape = value("shape", None, Some(Tensor::new(&[1], &[too_many]).unwrap()));
    let y = value("far too much", None, None);
    let op = Op::parse(Attrs::new("", "Expand", 13, vec![true; 2], vec![true], Default::default())).unwrap();
    let (name, op_name) = ("widen".to_string(), "Expand".to_string());
    let inputs = vec![Some(x), Some(shape)];
    graph.nodes.push(Node { name, op, op_name, inputs, outputs: vec![Some(y)] });
    (graph.inputs, graph.outputs) = (vec![x], vec![y]);

    let program = Program::compile_for(graph, Some(gpu)).unwrap();
    block_on(program.prepare()).unwrap();
    let (pool, cancel) = (Pool::new(1), AtomicBool::new(false));
    let inputs = vec![Tensor::scalar(1f32).reshaped(&[1]).unwrap().into()];
    let e = block_on(run_async(&program, inputs, &RunContext::new(&pool, &cancel))).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::OutOfMemory);
    assert!(e.what().starts_with("tensor 'far too much' takes"), "{e}");
}
