//! If, Loop and Scan beside a GPU: their graphs run there, and what goes between them stays there.

#[allow(dead_code, reason = "shared by several tests")]
#[path = "../../core/tests/support/mod.rs"]
mod support;

mod common;

use common::gpu;
use edgewise_core::device::Device;
use edgewise_core::graph::Fact;
use edgewise_core::onnx::Bytes;
use edgewise_core::plan::{Home, Stop};
use edgewise_core::run::Cost;
use edgewise_core::{
    DType, Element, ErrorKind, Options, Result, RunOptions, Session, Tensor, Truth, Value, block_on,
};
use std::sync::Arc;
use support::{F32, Message, attribute, graph, model, node, tensor, value, value_of};

const U8: i64 = 2;
const I64: i64 = 7;
const BOOL: i64 = 9;

type Inputs = Vec<(&'static str, Value)>;

/// A declared value of a type alone.
fn any(elements: i64, name: &str) -> Message {
    let tensor = Message::default().int(1, elements);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

fn weights(name: &str, dims: &[i64], numbers: &[f32]) -> Message {
    tensor(name, dims).bytes(9, &numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>())
}

fn of_type<T: Element>(dims: &[usize], numbers: &[T]) -> Value {
    Tensor::new(dims, numbers).unwrap().into()
}

fn floats(dims: &[usize], seed: usize) -> Value {
    let n: usize = dims.iter().product();
    let numbers: Vec<f32> = (0..n).map(|i| ((i * 7 + seed * 13) % 31) as f32 / 9.0 - 1.5).collect();
    of_type(dims, &numbers)
}

fn scalar(n: i64) -> Value {
    of_type(&[], &[n])
}

fn truth(yes: bool) -> Value {
    of_type(&[], &[Truth::from(yes)])
}

fn int(name: &'static str, value: i64) -> Message {
    attribute(name, 2, move |a| a.int(3, value))
}

fn ints(name: &'static str, values: &'static [i64]) -> Message {
    attribute(name, 7, move |a| values.iter().fold(a, |a, &value| a.int(8, value)))
}

fn body(name: &'static str, graph: &Message) -> Message {
    attribute(name, 5, |a| a.message(6, graph))
}

fn opened(model: &Message, device: Option<Arc<dyn Device>>) -> Session {
    let source = Arc::new(Bytes::new("model.onnx", &model.0[..]));
    block_on(Session::load(source, Options { device, ..Options::default() }, &mut |_| {})).unwrap()
}

fn run(session: &Session, inputs: &Inputs) -> Result<(Vec<Value>, Cost)> {
    session.run_with(inputs, &RunOptions::default())
}

/// Runs it on both, several times, and gives what each run on the GPU cost; `None` where there is none.
fn both(model: &Message, runs: &[Inputs]) -> Option<Vec<Cost>> {
    let (on_host, on_gpu) = (opened(model, None), opened(model, Some(gpu()?)));
    let mut costs = Vec::new();
    // What the first time is bound and recorded the second time is found.
    for inputs in runs.iter().chain(runs) {
        let (expected, _) = run(&on_host, inputs).unwrap();
        let (got, cost) = run(&on_gpu, inputs).unwrap();
        for (port, (a, b)) in on_host.outputs().iter().zip(expected.iter().zip(&got)) {
            alike(&port.name, a.tensor().unwrap(), b.tensor().unwrap());
        }
        // Buffers are kept for runs to come.
        costs.push(Cost { device_bytes: 0, ..cost });
    }
    let (first, second) = costs.split_at(runs.len());
    assert_eq!(first, second, "runs of equal inputs cost the same");
    Some(first.to_vec())
}

fn alike(name: &str, a: &Tensor, b: &Tensor) {
    assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()), "{name}");
    let Ok(floats) = a.slice::<f32>() else {
        return assert_eq!(a.bytes_of(), b.bytes_of(), "{name}");
    };
    let largest = floats.iter().fold(0f32, |m, x| m.max(x.abs()));
    for (a, b) in floats.iter().zip(b.slice::<f32>().unwrap()) {
        assert!((a - b).abs() <= 1e-4 * a.abs() + 1e-5 * largest, "{name}: expected {a}, got {b}");
    }
}

/// The bytes of a tensor.
trait BytesOf {
    fn bytes_of(&self) -> Vec<u8>;
}

impl BytesOf for Tensor {
    fn bytes_of(&self) -> Vec<u8> {
        self.view().bytes().to_vec()
    }
}

/// h = tanh(h · w + |x|), so often, and all of them one upon the other.
fn recurrence() -> Message {
    let nodes = [
        node("MatMul", &["h", "w"], &["hw"]),
        node("Add", &["hw", "positive"], &["sum"]),
        node("Tanh", &["sum"], &["next"]),
        node("Identity", &["next"], &["seen"]),
        node("Identity", &["go"], &["go_on"]),
    ];
    let inner = graph(
        &nodes,
        &[value_of(I64, "i", &[]), value_of(BOOL, "go", &[]), any(F32, "h")],
        &[value_of(BOOL, "go_on", &[]), any(F32, "next"), value("seen", &[2, 3])],
    );
    let loops = node("Loop", &["trips", "first", "h0"], &["last", "all"]).message(5, &body("body", &inner));
    let outer = graph(
        &[node("Abs", &["x"], &["positive"]), loops, node("Add", &["last", "positive"], &["y"])],
        &[
            value_of(I64, "trips", &[]),
            value_of(BOOL, "first", &[]),
            value("h0", &[2, 3]),
            value("x", &[2, 3]),
        ],
        &[value("y", &[2, 3]), value("all", &[-1, 2, 3])],
    );
    let w: Vec<f32> = (0..9).map(|i| (i as f32 - 4.0) / 5.0).collect();
    model(&outer.message(5, &weights("w", &[3, 3], &w)))
}

#[test]
fn what_a_loop_carries_and_captures_stays_on_the_gpu() {
    let inputs = |trips: i64, first: bool| -> Inputs {
        vec![
            ("trips", scalar(trips)),
            ("first", truth(first)),
            ("h0", floats(&[2, 3], 1)),
            ("x", floats(&[2, 3], 5)),
        ]
    };
    let runs = [
        inputs(9, true),
        inputs(1, true),
        inputs(0, true),
        inputs(2, true),
        inputs(-1, true),
        inputs(3, false),
    ];
    let Some(costs) = both(&recurrence(), &runs) else { return };
    for (cost, trips) in costs.iter().zip([9, 1, 0, 2, 0, 0]) {
        assert_eq!((cost.steps, cost.uploads), (0, 2), "x and h0 go there once, {trips} trips or not");
        // Without a trip, there is nothing to be stacked.
        assert_eq!(cost.downloads, if trips == 0 { 1 } else { 2 });
        assert!(cost.launches >= 2 + 2 * trips, "{cost:?}");
    }
    assert_eq!(costs[0].launches - costs[3].launches, 7 * (costs[3].launches - costs[1].launches));
}

#[test]
fn one_run_of_a_body_is_planned_before_it_runs() {
    let Some(gpu) = gpu() else { return };
    let program = opened(&recurrence(), Some(gpu)).program();
    let sized: [(DType, &[usize]); 4] =
        [(DType::I64, &[]), (DType::Bool, &[]), (DType::F32, &[2, 3]), (DType::F32, &[2, 3])];
    let live = program.graph().inputs.iter().zip(sized);
    let live: Vec<_> =
        live.map(|(id, (dtype, shape))| (*id, Fact::sized(dtype, shape), Home::Owned(*id))).collect();
    let segment = program.segment(0, &live, false).unwrap();
    assert_eq!((segment.stop, segment.copies()), (Stop::Look, (2, 0)));
    let planned = program.planned_inside(&segment).unwrap();
    let [body] = &planned[..] else { panic!("{} graphs", planned.len()) };
    let run = body.segment.as_ref().unwrap();
    assert_eq!((body.name, run.stop, run.copies()), ("body", Stop::End, (0, 0)));
    assert_eq!((run.steps().count(), run.device_steps().count() > 0), (0, true));
}

#[test]
fn a_condition_of_many_numbers_comes_back_every_time_and_nothing_else() {
    // h = h · 2, until the largest of them is not below the limit.
    let nodes = [
        node("Add", &["h", "h"], &["next"]),
        node("ReduceMax", &["next"], &["largest"]).message(5, &int("keepdims", 0)),
        node("Less", &["largest", "limit"], &["go_on"]),
    ];
    let inner = graph(
        &nodes,
        &[value_of(I64, "i", &[]), value_of(BOOL, "go", &[]), any(F32, "h")],
        &[value_of(BOOL, "go_on", &[]), any(F32, "next")],
    );
    let outer = graph(
        &[node("Loop", &["", "", "h0"], &["y"]).message(5, &body("body", &inner))],
        &[value("h0", &[-1]), value("limit", &[])],
        &[value("y", &[-1])],
    );
    let inputs = |limit: f32| {
        vec![("h0", of_type(&[5], &[1f32, 0.5, -3.0, 0.0, 0.25])), ("limit", of_type(&[], &[limit]))]
    };
    let Some(costs) = both(&model(&outer), &[inputs(100.0), inputs(1.0)]) else { return };
    for (cost, trips) in costs.iter().zip([7, 1]) {
        assert_eq!((cost.steps, cost.uploads, cost.downloads), (0, 2, trips + 1), "{cost:?}");
    }
}

/// In a loop, by turns: h · w, or |h| + x with x captured through both; and the numbers of the turns.
#[test]
fn an_if_in_a_loop_takes_what_both_capture() {
    let product = graph(&[node("MatMul", &["h", "w"], &["hw"])], &[], &[any(F32, "hw")]);
    let sum = graph(
        &[node("Abs", &["h"], &["abs"]), node("Add", &["abs", "x2"], &["moved"])],
        &[],
        &[any(F32, "moved")],
    );
    let branches = node("If", &["odd"], &["next"]);
    let branches = branches.message(5, &body("then_branch", &product)).message(5, &body("else_branch", &sum));
    let nodes = [
        node("Mod", &["i", "two"], &["rest"]),
        node("Cast", &["rest"], &["odd"]).message(5, &int("to", BOOL)),
        branches,
        node("Identity", &["i"], &["turn"]),
        node("Less", &["i", "most"], &["go_on"]),
    ];
    let inner = graph(
        &nodes,
        &[value_of(I64, "i", &[]), value_of(BOOL, "go", &[]), any(F32, "h")],
        &[value_of(BOOL, "go_on", &[]), any(F32, "next"), value_of(I64, "turn", &[])],
    );
    let outer = graph(
        &[
            node("Mul", &["x", "x"], &["x2"]),
            node("Loop", &["", "", "h0"], &["last", "turns"]).message(5, &body("body", &inner)),
            node("Sub", &["last", "x2"], &["y"]),
        ],
        &[value("h0", &[4, 2]), value("x", &[1, 2]), value_of(I64, "most", &[])],
        &[value("y", &[4, 2]), value_of(I64, "turns", &[-1])],
    );
    let two = Message::default().int(2, I64).text(8, "two").bytes(9, &2i64.to_le_bytes());
    let outer = outer.message(5, &weights("w", &[2, 2], &[0.5, -1.0, 0.25, 0.75])).message(5, &two);
    let inputs =
        |most: i64| vec![("h0", floats(&[4, 2], 3)), ("x", floats(&[1, 2], 8)), ("most", scalar(most))];
    let Some(costs) = both(&model(&outer), &[inputs(5), inputs(0)]) else { return };
    for cost in costs {
        assert_eq!((cost.uploads, cost.downloads), (2, 1), "turns are counted on the host: {cost:?}");
    }
}

#[test]
fn what_a_loop_carries_may_grow() {
    let grows = node("Concat", &["h", "x"], &["next"]).message(5, &int("axis", 0));
    let nodes =
        [grows, node("ReduceSum", &["next", "axis"], &["sum"]), node("Identity", &["go"], &["go_on"])];
    let inner = graph(
        &nodes,
        &[value_of(I64, "i", &[]), value_of(BOOL, "go", &[]), any(F32, "h")],
        &[value_of(BOOL, "go_on", &[]), any(F32, "next"), value("sum", &[1, 3])],
    );
    let outer = graph(
        &[node("Loop", &["trips", "", "h0"], &["y", "sums"]).message(5, &body("body", &inner))],
        &[value_of(I64, "trips", &[]), value("h0", &[-1, 3]), value("x", &[-1, 3])],
        &[value("y", &[-1, 3]), value("sums", &[-1, 1, 3])],
    );
    let axis = Message::default().int(1, 1).int(2, I64).text(8, "axis").bytes(9, &0i64.to_le_bytes());
    let inputs = |trips, rows, more| {
        vec![("trips", scalar(trips)), ("h0", floats(&[rows, 3], 2)), ("x", floats(&[more, 3], 4))]
    };
    let runs = [inputs(6, 2, 1), inputs(4, 0, 5), inputs(3, 1, 0), inputs(0, 2, 2)];
    let Some(costs) = both(&model(&outer.message(5, &axis)), &runs) else { return };
    for cost in costs {
        assert!((cost.steps, cost.uploads) == (0, 2) && cost.downloads <= 2, "{cost:?}");
    }
}

/// What a branch gives back is what it was given, and is of use behind it, as is what it was given for.
#[test]
fn what_a_branch_hands_on_is_not_written_over() {
    let handed = graph(&[node("Identity", &["a"], &["same"])], &[], &[any(F32, "same")]);
    let made = graph(&[node("Add", &["a", "b"], &["sum"])], &[], &[any(F32, "sum")]);
    let branches = node("If", &["which"], &["c"]);
    let branches = branches.message(5, &body("then_branch", &handed)).message(5, &body("else_branch", &made));
    // As many values as would fit into the buffers that are free again.
    let nodes = [
        node("Abs", &["x"], &["a"]),
        node("Neg", &["x"], &["b"]),
        branches,
        node("Mul", &["b", "b"], &["d"]),
        node("Sub", &["d", "x"], &["e"]),
        node("Sqrt", &["d"], &["f"]),
        node("Add", &["e", "f"], &["g"]),
        node("Transpose", &["g"], &["h"]),
        node("Add", &["h", "c"], &["y"]),
    ];
    let outer = graph(
        &nodes,
        &[value("x", &[6, 6]), value_of(BOOL, "which", &[])],
        &[value("y", &[6, 6]), any(F32, "c")],
    );
    let inputs = |which| vec![("x", floats(&[6, 6], 1)), ("which", truth(which))];
    let Some(costs) = both(&model(&outer), &[inputs(true), inputs(false)]) else { return };
    for cost in costs {
        assert_eq!((cost.steps, cost.uploads, cost.downloads), (0, 1, 2), "{cost:?}");
    }
}

#[test]
fn values_may_change_places_and_sizes_may_be_carried() {
    let nodes = [
        node("Cast", &["sizes"], &["as_floats"]).message(5, &int("to", F32)),
        node("Add", &["b", "as_floats"], &["more"]),
        node("Identity", &["go"], &["go_on"]),
    ];
    let scalars = [value_of(I64, "i", &[]), value_of(BOOL, "go", &[])];
    let carried = [any(F32, "a"), any(F32, "b"), any(I64, "sizes")];
    let inner = graph(
        &nodes,
        &[&scalars[..], &carried].concat(),
        &[value_of(BOOL, "go_on", &[]), any(F32, "more"), any(F32, "a"), any(I64, "sizes")],
    );
    let loops = node("Loop", &["trips", "", "a0", "b0", "shape"], &["p", "q", "r"]);
    let nodes = [
        node("Shape", &["a0"], &["shape"]),
        loops.message(5, &body("body", &inner)),
        // What comes back is what the plan holds for all runs. Here it is done with, and its place is free.
        node("Mul", &["r", "r"], &["r2"]),
        node("Add", &["r2", "r2"], &["s"]),
        node("Mul", &["s", "r2"], &["t"]),
    ];
    let outer = graph(
        &nodes,
        &[value_of(I64, "trips", &[]), value("a0", &[-1, -1]), value("b0", &[-1, -1])],
        &[any(F32, "p"), any(F32, "q"), any(I64, "t")],
    );
    let inputs =
        |trips| vec![("trips", scalar(trips)), ("a0", floats(&[3, 2], 1)), ("b0", floats(&[3, 2], 2))];
    both(&model(&outer), &[inputs(5), inputs(4), inputs(0)]);
}

#[test]
fn bytes_are_stacked_whether_they_fill_words_or_not() {
    let nodes = [
        node("Max", &["h", "low"], &["next"]),
        node("Identity", &["next"], &["seen"]),
        node("Identity", &["go"], &["go_on"]),
    ];
    let inner = graph(
        &nodes,
        &[value_of(I64, "i", &[]), value_of(BOOL, "go", &[]), any(U8, "h")],
        &[value_of(BOOL, "go_on", &[]), any(U8, "next"), any(U8, "seen")],
    );
    let outer = graph(
        &[node("Loop", &["trips", "", "h0"], &["y", "all"]).message(5, &body("body", &inner))],
        &[value_of(I64, "trips", &[]), any(U8, "h0"), any(U8, "low")],
        &[any(U8, "y"), any(U8, "all")],
    );
    let inputs = |n: usize| -> Inputs {
        let (h, low): (Vec<u8>, Vec<u8>) =
            (0..n).map(|i| ((i * 37 % 251) as u8, (i * 91 % 240) as u8)).unzip();
        vec![("trips", scalar(3)), ("h0", of_type(&[n], &h)), ("low", of_type(&[n], &low))]
    };
    both(&model(&outer), &[inputs(8), inputs(7), inputs(1), inputs(4)]);
}

/// A state that sums what is scanned, forward and backward, along the first axis or the last.
#[test]
fn what_is_scanned_is_cut_on_the_gpu_where_it_lies_in_one_piece() {
    let scan = |axes: &'static [i64], directions: &'static [i64]| {
        let nodes = [
            node("MatMul", &["x", "w"], &["xw"]),
            node("Add", &["state", "xw"], &["sum"]),
            node("Mul", &["sum", "scale"], &["scaled"]),
        ];
        let inner =
            graph(&nodes, &[any(F32, "state"), any(F32, "x")], &[any(F32, "sum"), value("scaled", &[4])]);
        let scans = node("Scan", &["state0", "seen"], &["last", "all"]).message(5, &body("body", &inner));
        let scans = scans.message(5, &int("num_scan_inputs", 1)).message(5, &ints("scan_input_axes", axes));
        let scans = scans.message(5, &ints("scan_input_directions", directions));
        let scans = scans
            .message(5, &ints("scan_output_axes", axes))
            .message(5, &ints("scan_output_directions", directions));
        let outer = graph(
            &[node("Neg", &["given"], &["seen"]), scans],
            &[value("state0", &[4]), value("given", &[-1, -1]), value("scale", &[4])],
            &[value("last", &[4]), value("all", &[-1, -1])],
        );
        let w: Vec<f32> = (0..16).map(|i| (i as f32 - 7.0) / 8.0).collect();
        model(&outer.message(5, &weights("w", &[4, 4], &w)))
    };
    let inputs = |shape: [usize; 2]| {
        vec![("state0", floats(&[4], 1)), ("given", floats(&shape, 2)), ("scale", floats(&[4], 3))]
    };
    for directions in [&[0], &[1]] {
        let Some(costs) = both(&scan(&[0], directions), &[inputs([5, 4]), inputs([1, 4])]) else { return };
        for cost in costs {
            assert_eq!((cost.steps, cost.uploads, cost.downloads), (0, 3, 2), "{cost:?}");
        }
        both(&scan(&[1], directions), &[inputs([4, 5]), inputs([4, 1])]);
    }
}

#[test]
fn an_error_in_a_body_names_its_node_and_harms_no_other_run() {
    let Some(gpu) = gpu() else { return };
    let nodes = [node("Gather", &["table", "at"], &["row"]), node("Identity", &["go"], &["go_on"])];
    let inner = graph(
        &nodes,
        &[value_of(I64, "i", &[]), value_of(BOOL, "go", &[])],
        &[value_of(BOOL, "go_on", &[]), value("row", &[2, 4])],
    );
    let outer = graph(
        &[node("Loop", &["trips", ""], &["rows"]).message(5, &body("body", &inner))],
        &[value_of(I64, "trips", &[]), value("table", &[3, 4]), value_of(I64, "at", &[2])],
        &[value("rows", &[-1, 2, 4])],
    );
    let session = opened(&model(&outer), Some(gpu));
    let inputs =
        |at: [i64; 2]| vec![("trips", scalar(2)), ("table", floats(&[3, 4], 1)), ("at", of_type(&[2], &at))];
    let (rows, cost) = run(&session, &inputs([2, 0])).unwrap();
    assert_eq!((rows[0].tensor().unwrap().shape(), cost.steps), (&[2, 2, 4][..], 0));
    let e = run(&session, &inputs([2, 3])).unwrap_err();
    assert_eq!((e.kind(), e.what()), (ErrorKind::InvalidInput, "index 3 is outside -3..3"));
    assert!(e.node().is_some_and(|node| node.contains("gather")), "{e}");
    assert_eq!(run(&session, &inputs([2, 0])).unwrap().0[0].bytes(), rows[0].bytes());
}
