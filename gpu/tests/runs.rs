//! What runs on a GPU have compiled, and what ends one of them and no other.

mod common;

use common::gpu;
use edgewise_core::cpu::{Pool, RunContext};
use edgewise_core::graph::{Constant, Fact, Graph, Node, ValueId, ValueInfo};
use edgewise_core::ops::{Attrs, Op};
use edgewise_core::plan::Program;
use edgewise_core::run::{Cost, run_async};
use edgewise_core::{DType, Dim, ErrorKind, Result, Tensor, Value, block_on};
use std::sync::atomic::AtomicBool;

fn value(graph: &mut Graph, name: &str, declared: Option<Fact>, constant: Option<Tensor>) -> ValueId {
    let constant = constant.map(Constant::Tensor);
    graph.values.push(ValueInfo { name: name.into(), declared, constant });
    ValueId(graph.values.len() as u32 - 1)
}

fn node(graph: &mut Graph, name: &str, op_name: &str, inputs: &[ValueId], output: ValueId) {
    let present = vec![true; inputs.len()];
    let op = Op::parse(Attrs::new("", op_name, 13, present, vec![true], Default::default())).unwrap();
    let inputs = inputs.iter().copied().map(Some).collect();
    let (name, op_name) = (name.to_string(), op_name.to_string());
    graph.nodes.push(Node { name, op, op_name, inputs, outputs: vec![Some(output)] });
}

/// An input of that type.
fn input(graph: &mut Graph, name: &str, dtype: DType, dims: &[Dim]) -> ValueId {
    let id = value(graph, name, Some(Fact::tensor(dtype, dims.iter().cloned())), None);
    graph.inputs.push(id);
    id
}

fn run(program: &Program, inputs: Vec<Value>) -> Result<(Vec<Value>, Cost)> {
    let (pool, cancel) = (Pool::new(1), AtomicBool::new(false));
    block_on(run_async(program, inputs, &RunContext::new(&pool, &cancel)))
}

/// `y = Relu (x [i]) [j]`, and `x` has four rows.
fn two_gathers() -> Graph {
    let mut graph = Graph::default();
    let x = input(&mut graph, "x", DType::F32, &[Dim::from(4), Dim::from(3)]);
    let [i, j] = ["i", "j"].map(|name| input(&mut graph, name, DType::I64, &[Dim::symbol(name)]));
    let [rows, positive, y] = ["rows", "positive", "y"].map(|name| value(&mut graph, name, None, None));
    node(&mut graph, "pick", "Gather", &[x, i], rows);
    node(&mut graph, "cut", "Relu", &[rows], positive);
    node(&mut graph, "pick again", "Gather", &[positive, j], y);
    graph.outputs = vec![y];
    graph
}

fn pick(program: &Program, i: &[i64], j: &[i64]) -> Result<(Vec<f32>, Cost)> {
    let x: Vec<f32> = (0..12).map(|x| x as f32).collect();
    let ints = |ints: &[i64]| Value::from(Tensor::new(&[ints.len()], ints).unwrap());
    let (outputs, cost) = run(program, vec![Tensor::new(&[4, 3], &x).unwrap().into(), ints(i), ints(j)])?;
    Ok((outputs[0].tensor()?.slice::<f32>()?.to_vec(), cost))
}

/// `y = x · W`, where `x` has so many rows.
fn product(rows: Dim) -> Graph {
    let mut graph = Graph::default();
    let x = input(&mut graph, "x", DType::F32, &[rows, Dim::from(64)]);
    let weights = Tensor::new(&[64, 8], &[0.5f32; 512]).unwrap();
    let w = value(&mut graph, "W", None, Some(weights));
    let y = value(&mut graph, "y", None, None);
    node(&mut graph, "multiply", "MatMul", &[x, w], y);
    graph.outputs = vec![y];
    graph
}

fn multiply(program: &Program, rows: usize) {
    let x = Tensor::new(&[rows, 64], &vec![1f32; rows * 64]).unwrap();
    let (y, _) = run(program, vec![x.into()]).unwrap();
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
        let (y, cost) = pick(&program, &[3, -4, 1], &[-1, 0]).unwrap();
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
        let e = pick(&program, i, j).unwrap_err();
        assert_eq!((e.kind(), e.node(), e.what()), (ErrorKind::InvalidInput, Some(node), says));
        right();
    }
}

#[test]
fn a_tensor_for_which_there_is_no_memory_is_named() {
    let Some(gpu) = gpu() else { return };
    let too_many = gpu.limits().buffer_bytes as i64 / 4 + 1;
    let mut graph = Graph::default();
    let x = input(&mut graph, "x", DType::F32, &[Dim::from(1)]);
    let shape = value(&mut graph, "shape", None, Some(Tensor::new(&[1], &[too_many]).unwrap()));
    let y = value(&mut graph, "far too much", None, None);
    node(&mut graph, "widen", "Expand", &[x, shape], y);
    graph.outputs = vec![y];

    let program = Program::compile_for(graph, Some(gpu)).unwrap();
    block_on(program.prepare()).unwrap();
    let e = run(&program, vec![Tensor::scalar(1f32).reshaped(&[1]).unwrap().into()]).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::OutOfMemory);
    assert!(e.what().starts_with("tensor 'far too much' takes"), "{e}");
}
