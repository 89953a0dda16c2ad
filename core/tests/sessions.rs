//! What callers do with a session: run it from several threads, stop it, carry a past, bring operators.

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use edgewise_core::cpu::{Io, Kernel};
use edgewise_core::graph::Infer;
use edgewise_core::onnx::Bytes;
use edgewise_core::ops::{Attrs, CustomOp};
use edgewise_core::run::Placed;
use edgewise_core::{
    Context, ErrorKind, Options, Port, Result, RunOptions, Session, Tensor, Value, block_on,
};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;
use support::{Message, attribute, graph, model, node, value, value_of};

fn load(model: &Message, options: Options) -> Session {
    let source = Arc::new(Bytes::new("model.onnx", &model.0[..]));
    block_on(Session::load(source, options, &mut |_| {})).unwrap()
}

fn floats(shape: &[usize], elements: &[f32]) -> Value {
    Tensor::new(shape, elements).unwrap().into()
}

fn elements(value: &Value) -> &[f32] {
    value.tensor().unwrap().slice().unwrap()
}

/// y = x, and a cache that grows by x along axis 1.
fn cached() -> Session {
    let concat = node("Concat", &["past_key_values.0.key", "x"], &["present.0.key"])
        .message(5, &attribute("axis", 2, |a| a.int(3, 1)));
    let inputs = [value("x", &[1, -1, 2]), value("past_key_values.0.key", &[1, -1, 2])];
    let outputs = [value("y", &[1, -1, 2]), value("present.0.key", &[1, -1, 2])];
    load(&model(&graph(&[concat, node("Neg", &["x"], &["y"])], &inputs, &outputs)), Options::default())
}

#[test]
fn a_context_carries_its_past() -> Result<()> {
    let session = cached();
    let context = session.context();
    fn run<'c>(context: &'c Context<&Session>, x: &[f32]) -> Result<Vec<(&'c str, Value)>> {
        let x = floats(&[1, x.len() / 2, 2], x);
        context.run(&[("x", x)], &RunOptions::default()).map(|(outputs, _)| outputs)
    }
    let names = |ports: Vec<&Port>| ports.iter().map(|port| port.name.clone()).collect::<Vec<_>>();
    assert_eq!((names(context.inputs()), names(context.outputs())), (vec!["x".into()], vec!["y".into()]));
    assert!(context.is_empty()?);
    let outputs = run(&context, &[1.0, 2.0, 3.0, 4.0])?;
    assert_eq!((outputs.len(), outputs[0].0), (1, "y"));
    assert_eq!(elements(&outputs[0].1), [-1.0, -2.0, -3.0, -4.0]);
    run(&context, &[5.0, 6.0])?;
    assert_eq!((context.len()?, context.capacity()?), (3, 3));
    let fork = context.fork()?;
    context.truncate(1)?;
    run(&fork, &[7.0, 8.0])?;
    assert_eq!((context.len()?, fork.len()?), (1, 4));
    context.reset()?;
    assert_eq!(context.len()?, 0);
    Ok(())
}

#[test]
fn a_failed_run_leaves_the_past_as_it_was() -> Result<()> {
    let session = cached();
    let context = session.context();
    context.run(&[("x", floats(&[1, 1, 2], &[1.0, 2.0]))], &RunOptions::default())?;
    let wrong = context.run(&[("x", floats(&[1, 2], &[1.0, 2.0]))], &RunOptions::default());
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(context.len()?, 1);
    Ok(())
}

#[test]
fn threads_share_a_session() {
    let session = cached();
    std::thread::scope(|scope| {
        for n in 1..5usize {
            let session = &session;
            scope.spawn(move || {
                let x = vec![n as f32; 2 * n];
                let inputs =
                    [("x", floats(&[1, n, 2], &x)), ("past_key_values.0.key", floats(&[1, 0, 2], &[]))];
                for _ in 0..20 {
                    let outputs = session.run(&inputs).unwrap();
                    assert_eq!(elements(&outputs[1]), x);
                }
            });
        }
    });
}

/// A loop without an end: no trip count, and a condition that stays true.
fn endless() -> Session {
    let body = graph(
        &[node("Identity", &["go"], &["go_on"]), node("Neg", &["v"], &["w"])],
        &[typed("i", 7), typed("go", 9), value("v", &[2])],
        &[typed("go_on", 9), value("w", &[2])],
    );
    let forever =
        node("Loop", &["", "", "x"], &["y"]).message(5, &attribute("body", 5, |a| a.message(6, &body)));
    load(&model(&graph(&[forever], &[value("x", &[2])], &[value("y", &[2])])), Options::default())
}

/// A declared scalar of that element type.
fn typed(name: &str, elements: i64) -> Message {
    let tensor = Message::default().int(1, elements).message(2, &Message::default());
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

#[test]
fn an_endless_loop_ends_at_its_deadline() {
    let options = RunOptions { deadline: Some(Duration::from_millis(30)), ..RunOptions::default() };
    let result = endless().run_with(&[("x", floats(&[2], &[1.0, 2.0]))], &options);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::DeadlineExceeded);
}

#[test]
fn a_run_can_be_cancelled() {
    let (session, cancel) = (endless(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let options = RunOptions { cancel: Some(&cancel), ..RunOptions::default() };
            session.run_with(&[("x", floats(&[2], &[1.0, 2.0]))], &options).map(|_| ())
        });
        std::thread::sleep(Duration::from_millis(20));
        cancel.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(run.join().unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    });
}

/// y = x * factor, the factor being an attribute.
#[derive(Debug)]
struct Times(f32);

impl CustomOp for Times {
    fn domain(&self) -> &str {
        "com.example"
    }

    fn name(&self) -> &str {
        "Times"
    }

    fn parse(&self, attrs: &mut Attrs) -> Result<Option<Arc<dyn CustomOp>>> {
        attrs.arity(1..=1, 1..=1)?;
        Ok(Some(Arc::new(Times(attrs.float_or("factor", 1.0)?))))
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        cx.like_input()
    }

    fn kernel(&self) -> &dyn Kernel {
        self
    }
}

impl Kernel for Times {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        for (y, x) in io.output(0)?.into_slice::<f32>()?.iter_mut().zip(x.slice::<f32>()?) {
            *y = self.0 * x;
        }
        Ok(())
    }
}

#[test]
fn a_custom_operator_reads_its_attributes() {
    let times = node("Times", &["x"], &["y"])
        .text(7, "com.example")
        .message(5, &attribute("factor", 1, |a| a.float(2, 3.0)));
    let options = Options { custom_ops: vec![Arc::new(Times(0.0))], ..Options::default() };
    let session = load(&model(&graph(&[times], &[value("x", &[2])], &[value("y", &[2])])), options);
    let outputs = session.run(&[("x", floats(&[2], &[1.0, -2.0]))]).unwrap();
    assert_eq!(elements(&outputs[0]), [3.0, -6.0]);
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let session = cached();
    let past = || ("past_key_values.0.key", floats(&[1, 0, 2], &[]));
    let cases: [(&[(&str, Value)], &str); 5] = [
        (&[past()], "input 'x'"),
        (&[("x", floats(&[1, 1, 2], &[0.0; 2])), past(), ("z", floats(&[], &[0.0]))], "no input 'z'"),
        (&[("x", floats(&[1, 1, 3], &[0.0; 3])), past()], "axis 2 must be 2"),
        (&[("x", floats(&[2], &[0.0; 2])), past()], "must be f32[1, x.1, 2], got f32[2]"),
        (&[("x", Tensor::scalar(1i64).into()), past()], "must be f32, got i64"),
    ];
    for (inputs, says) in cases {
        let error = session.run(inputs).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(says), "'{says}' is not in: {error}");
    }
}

#[test]
fn a_rule_may_ask_twice_and_is_told_no_more_than_it_asks_for() -> Result<()> {
    // Which axes are sliced, and only then from where to where.
    let slice = node("Slice", &["x", "starts", "ends", "axes"], &["y"]);
    let bounds = ["starts", "ends", "axes"].map(|name| value_of(7, name, &[1]));
    let inputs = [&[value("x", &[2, 5])][..], &bounds].concat();
    let session = load(&model(&graph(&[slice], &inputs, &[value("y", &[-1, -1])])), Options::default());
    let one = |i: i64| -> Value { Tensor::new(&[1], &[i]).unwrap().into() };
    let x = floats(&[2, 5], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    let inputs = [("x", x), ("starts", one(1)), ("ends", one(3)), ("axes", one(1))];
    let (outputs, cost) = session.run_with(&inputs, &RunOptions::default())?;
    assert_eq!(elements(&outputs[0]), [1.0, 2.0, 6.0, 7.0]);
    // What is sliced was not looked at, or the result would have been known without a step.
    assert_eq!(cost.steps, 1);
    Ok(())
}

#[test]
fn symbols_with_a_size_are_numbers_from_the_start() -> Result<()> {
    let inputs = [value("x", &[-1, 2])];
    let graph = graph(&[node("Neg", &["x"], &["y"])], &inputs, &[value("y", &[-1, 2])]);
    let symbol =
        load(&model(&graph), Options::default()).inputs()[0].fact.dims.as_ref().unwrap()[0].to_string();
    // What the model does not have is left aside.
    let sizes = [(symbol, 3), ("nobody".into(), 7)].into();
    let session = load(&model(&graph), Options { sizes, ..Options::default() });
    assert_eq!(session.inputs()[0].fact.to_string(), "f32[3, 2]");
    assert_eq!(session.outputs()[0].fact.to_string(), "f32[3, 2]");
    let y = session.run(&[("x", floats(&[3, 2], &[1.0; 6]))])?;
    assert_eq!(elements(&y[0]), [-1.0; 6]);
    let refused = session.run(&[("x", floats(&[1, 2], &[1.0; 2]))]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert!(refused.what().contains("axis 0 must be 3"), "{refused}");
    Ok(())
}

#[test]
fn a_run_gives_turns_between_steps_and_can_be_cancelled_in_one() -> Result<()> {
    let nodes =
        [node("Exp", &["x"], &["a"]), node("Softmax", &["a"], &["b"]), node("Softmax", &["b"], &["y"])];
    let graph = graph(&nodes, &[value("x", &[1, 2])], &[value("y", &[1, 2])]);
    let session = load(&model(&graph), Options::default());
    let inputs = [("x", floats(&[1, 2], &[1.0, 2.0]))];
    let (turns, cancel) = (AtomicUsize::new(0), AtomicBool::new(false));
    let pause = || -> Option<edgewise_core::BoxFuture<'static, ()>> {
        turns.fetch_add(1, Relaxed);
        Some(Box::pin(async {}))
    };
    let options = RunOptions { breathe: Some(&pause), cancel: Some(&cancel), ..RunOptions::default() };
    let (_, cost) = session.run_with(&inputs, &options)?;
    assert_eq!(turns.load(Relaxed), cost.steps);
    let pause = || -> Option<edgewise_core::BoxFuture<'static, ()>> {
        cancel.store(true, Relaxed);
        None
    };
    let options = RunOptions { breathe: Some(&pause), cancel: Some(&cancel), ..RunOptions::default() };
    assert_eq!(session.run_with(&inputs, &options).unwrap_err().kind(), ErrorKind::Cancelled);
    Ok(())
}

#[test]
fn graphs_that_kernels_run_hold_their_breath() {
    let pause =
        || -> Option<edgewise_core::BoxFuture<'static, ()>> { Some(Box::pin(std::future::pending())) };
    // The first step would wait for ever: so would those of the loop's body, if they gave turns.
    let started = AtomicUsize::new(0);
    let once = || if started.fetch_add(1, Relaxed) == 0 { None } else { pause() };
    let options = RunOptions {
        breathe: Some(&once),
        deadline: Some(Duration::from_millis(30)),
        ..RunOptions::default()
    };
    let result = endless().run_with(&[("x", floats(&[2], &[1.0, 2.0]))], &options);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::DeadlineExceeded);
}

#[test]
fn a_context_is_busy_while_it_runs_and_free_when_that_is_given_up() -> Result<()> {
    let session = Arc::new(cached());
    let context = Context::new(session);
    let x = || Placed::Host(floats(&[1, 1, 2], &[1.0, 2.0]));
    block_on(context.run_placed(vec![("x", x())], &RunOptions::default()))?;
    let pause =
        || -> Option<edgewise_core::BoxFuture<'static, ()>> { Some(Box::pin(std::future::pending())) };
    let options = RunOptions { breathe: Some(&pause), ..RunOptions::default() };
    let mut run = Box::pin(context.run_placed(vec![("x", x())], &options));
    assert!(run.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending());
    let busy = block_on(context.run_placed(vec![("x", x())], &RunOptions::default()));
    assert_eq!(busy.unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(context.reset().unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!((context.len()?, context.fork()?.len()?), (1, 1));
    drop(run);
    assert_eq!(context.len()?, 1);
    block_on(context.run_placed(vec![("x", x())], &RunOptions::default()))?;
    assert_eq!(context.len()?, 2);
    Ok(())
}

#[test]
fn outputs_that_a_function_makes_have_the_names_of_the_graph() -> Result<()> {
    let function =
        Message::default().text(1, "Twice").text(4, "a").text(5, "b").text(5, "c").text(10, "local");
    let function = function
        .message(7, &node("Neg", &["a"], &["b"]))
        .message(7, &node("Neg", &["b"], &["c"]))
        .message(9, &Message::default().int(2, 20));
    let call = node("Twice", &["x"], &["first", "second"]).text(7, "local");
    let outputs = [value("second", &[2]), value("first", &[2])];
    let model = model(&graph(&[call], &[value("x", &[2])], &outputs)).message(25, &function);
    let session = load(&model, Options::default());
    let names: Vec<&str> = session.outputs().iter().map(|port| port.name.as_str()).collect();
    assert_eq!(names, ["second", "first"]);
    let outputs = session.run(&[("x", floats(&[2], &[1.0, -2.0]))])?;
    assert_eq!((elements(&outputs[0]), elements(&outputs[1])), (&[1.0, -2.0][..], &[-1.0, 2.0][..]));
    Ok(())
}
