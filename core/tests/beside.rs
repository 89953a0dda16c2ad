//! Files beside a model: a source hears which they are before the first is asked for, and what of them was read.

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use edgewise_core::onnx::{Bytes, Source};
use edgewise_core::{BoxFuture, DType, Options, Result, Session, Tensor, Value, block_on};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use support::{Message, attribute, external, graph, model, node, value};

/// What a source was told, in order.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

/// A source that notes what it is told; `beside` is another one.
struct Noting {
    inner: Arc<dyn Source>,
    told: Told,
}

impl Source for Noting {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn hold(&self, bytes: Range<u64>) {
        self.told.note(format!("hold {} of {}", bytes.end - bytes.start, self.name()));
    }

    fn release(&self, bytes: Range<u64>) {
        self.told.note(format!("release {} of {}", bytes.end - bytes.start, self.name()));
    }

    fn read<'a>(&'a self, offset: u64, into: &'a mut [u8]) -> BoxFuture<'a, Result<()>> {
        self.inner.read(offset, into)
    }

    fn expect<'a>(&'a self, paths: &'a [String]) -> BoxFuture<'a, Result<()>> {
        self.told.note(format!("expect {}", paths.join(" ")));
        Box::pin(async { Ok(()) })
    }

    fn beside(&self, path: &str) -> Result<Arc<dyn Source>> {
        self.told.note(format!("beside {path}"));
        Ok(Arc::new(Noting { inner: self.inner.beside(path)?, told: self.told.clone() }))
    }
}

fn load(model: &Message, files: &[&str]) -> (Result<Session>, Vec<String>) {
    let mut source = Bytes::new("model.onnx", &model.0[..]);
    for file in files {
        source = source.with_file(*file, [1.0f32; 2].map(f32::to_le_bytes).concat());
    }
    let told = Told::default();
    let source = Arc::new(Noting { inner: Arc::new(source), told: told.clone() });
    let session = block_on(Session::load(source, Options::default(), &mut |_| {}));
    let told = told.0.lock().unwrap().clone();
    (session, told)
}

/// y = x + first + second, of which the latter stands in the branches of an If.
fn in_branches(first: &str, second: &str) -> Message {
    let at = |path: &str, name: &str| external(name, &[2], &[("location", path)]);
    let branch = || {
        let add = node("Add", &["sum", "second"], &["of_branch"]);
        graph(&[add], &[], &[value("of_branch", &[2])]).message(5, &at(second, "second"))
    };
    let branches = ["then_branch", "else_branch"].map(|name| attribute(name, 5, |a| a.message(6, &branch())));
    let choose = branches.iter().fold(node("If", &["is"], &["y"]), |node, branch| node.message(5, branch));
    let add = node("Add", &["x", "first"], &["sum"]);
    let is = support::value_of(9, "is", &[]);
    let graph = graph(&[add, choose], &[value("x", &[2]), is], &[value("y", &[2])]);
    model(&graph.message(5, &at(first, "first")))
}

#[test]
fn all_files_are_expected_before_the_first_is_asked_for_and_let_go_when_read() {
    let (session, told) = load(&in_branches("a.bin", "sub/b.bin"), &["a.bin", "sub/b.bin"]);
    assert_eq!(told[..2], ["expect a.bin sub/b.bin", "beside a.bin"], "{told:?}");
    let count = |what: &str| told.iter().filter(|told| *told == what).count();
    assert_eq!((count("hold 8 of a.bin"), count("release 8 of a.bin")), (1, 1), "{told:?}");
    assert_eq!((count("hold 8 of sub/b.bin"), count("release 8 of sub/b.bin")), (2, 2), "{told:?}");
    let x: Value = Tensor::new(&[2], &[1.0f32, 2.0]).unwrap().into();
    let is = Tensor::from_bytes(DType::Bool, &[], &[1]).unwrap();
    let y = session.unwrap().run(&[("x", x), ("is", is.into())]);
    assert_eq!(y.unwrap()[0].tensor().unwrap().slice::<f32>().unwrap(), [3.0, 4.0]);
}

#[test]
fn nobody_is_told_of_files_that_lie_elsewhere() {
    let (session, told) = load(&in_branches("../a.bin", "b.bin"), &["../a.bin", "b.bin"]);
    assert!(session.err().unwrap().to_string().contains("'../a.bin' leads outside"));
    assert_eq!(told, ["expect b.bin"]);
}

#[test]
fn a_model_without_files_beside_it_expects_none() {
    let plain = model(&graph(&[node("Neg", &["x"], &["y"])], &[value("x", &[2])], &[value("y", &[2])]));
    let (session, told) = load(&plain, &[]);
    assert!(session.is_ok() && told.is_empty(), "{told:?}");
}
